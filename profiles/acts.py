"""What was done by hand, in words: by whom, by the name that stands elsewhere too, and with which identifiers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cdp_site import sql
from cdp_site.arrays import int8s
from profiles.called import full_names, names_of
from profiles.identifiers import Identifier, Kind, strength
from profiles.models import Act, IdentifierKind
from profiles.plans import pairs_of

_LIVING = """
SELECT id, id FROM profile WHERE id = ANY(%b::bigint[])
UNION ALL SELECT id, profile_id FROM profile_redirect WHERE id = ANY(%b::bigint[])
"""


def living(ids: Iterable[int]) -> dict[int, int]:
    """Whom these lead to now, as far as to anybody."""
    wanted = int8s(sorted({*ids}))
    return dict(sql.rows(_LIVING, (wanted, wanted)))


@dataclass(frozen=True)
class Wording:
    """All that the words about some acts need. `names`: of people by any id that they had; `taken_back`: acts by number."""

    kinds: Mapping[int, Kind]
    labels: Mapping[int, str]
    names: Mapping[int, str]
    accounts: Mapping[str, str]
    taken_back: Mapping[int, Act]

    def by(self, act: Act) -> str:
        return self.accounts.get(act.by, act.by)

    def about(self, act: Act) -> str:
        """Of what kind it is, or what it takes back."""
        return self.taken_back.get(act.takes_back or 0, act).kind

    def did(self, act: Act) -> str:
        """To be read after the name of who did it: 'said that E-mail … is Marta’s'."""
        pairs = pairs_of(act.joined if act.kind == Act.Kind.OWN else act.cut)
        if before := self.taken_back.get(act.takes_back or 0):
            return f"took back that {self.by(before)} {self.did(before)}"
        if act.kind == Act.Kind.OWN and pairs:
            thing = max(pairs[0], key=lambda one: strength(one, self.kinds))
            return f"said that {self._called(thing)} is {self.names.get(act.profile_id, 'another person')}’s"
        if act.kind == Act.Kind.CUT and pairs:
            one, other = sorted(pairs[0], key=lambda end: strength(end, self.kinds))
            return f"said that {self._called(one)} and {self._called(other)} are not the same person’s"
        return act.get_kind_display()

    def _called(self, one: Identifier) -> str:
        return f"{self.labels[one[0]]} {one[1]}"


def wording(acts: Iterable[Act], kinds: Mapping[int, Kind], profile_id: int | None = None) -> Wording:
    """For these acts; whose page it is (`profile_id`) is 'this person'. Cost: five statements, however many acts."""
    some = list(acts)
    before = Act.objects.in_bulk({act.takes_back for act in some if act.takes_back})
    some += before.values()
    homes = living(act.profile_id for act in some)
    names = names_of(homes.values())
    return Wording(
        kinds,
        dict(IdentifierKind.objects.values_list("id", "label")),
        {id: "this person" if home == profile_id else names[home] for id, home in homes.items()},
        full_names(act.by for act in some),
        before,
    )
