"""The destinations that exist: each module of this folder that declares a `Destination` with a `kind`."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from connectors.destinations.base import Destination


@cache
def all_kinds() -> dict[str, type[Destination]]:
    """kind -> class, by label. A new destination is a new module here; nothing else has to know of it."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    found = {one.kind: one for one in _below(Destination) if "kind" in vars(one)}  # type: ignore[type-abstract]
    return dict(sorted(found.items(), key=lambda pair: pair[1].label))


def of_kind(kind: str) -> type[Destination]:
    """The class of a kind; `UnknownKind` says what there is."""
    try:
        return all_kinds()[kind]
    except KeyError:
        raise UnknownKind(f"There is no destination of kind '{kind}'; there are: {', '.join(all_kinds())}.") from None


class UnknownKind(LookupError):
    """A destination is stored whose module isn't installed (any more)."""


def _below(parent: type[Destination]) -> list[type[Destination]]:
    return [one for child in parent.__subclasses__() for one in (child, *_below(child))]


__all__ = ["Destination", "UnknownKind", "all_kinds", "of_kind"]
