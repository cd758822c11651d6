"""What one event says of where somebody came from. Pure: texts in, an origin's texts out.

Which events are touchpoints of their own, which properties are read, and in which order: docs/journeys.md.
"""

from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlsplit

import msgspec

from campaigns.attribution.origins import Texts, fold
from campaigns.attribution.values import Touch

# Kinds of click ids, as ad networks hang them on an address; the first that is there counts.
CLICK_IDS = (
    "gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid", "dclid", "epik", "sccid",
)  # fmt: skip
TOUCHPOINT = "touchpoint"
TICKET = "ticket opened"
# Events (in lower case) that are touchpoints of their own -> what an origin calls them, and what they are.
EVENTS = {
    "ad clicked": ("ad clicked", Touch.CLICK),
    "ad viewed": ("ad viewed", Touch.VIEW),
    "ad impression": ("ad viewed", Touch.VIEW),
    "email clicked": ("email clicked", Touch.CLICK),
    "email link clicked": ("email clicked", Touch.CLICK),
    "email opened": ("email opened", Touch.VIEW),
    "sms clicked": ("sms clicked", Touch.CLICK),
    "sms link clicked": ("sms clicked", Touch.CLICK),
    "push notification tapped": ("push opened", Touch.CLICK),
    "push notification opened": ("push opened", Touch.CLICK),
    "store visited": ("store visited", Touch.OFFLINE),
    "call answered": ("phone call", Touch.OFFLINE),
    "call ended": ("phone call", Touch.OFFLINE),
    "phone call": ("phone call", Touch.OFFLINE),
    TICKET: ("phone call", Touch.OFFLINE),  # one that was opened by phone
    TOUCHPOINT: (TOUCHPOINT, Touch.VISIT),  # says itself what it is
}
_KINDS = {"click": Touch.CLICK, "view": Touch.VIEW, "visit": Touch.VISIT, "offline": Touch.OFFLINE}
_object = msgspec.json.Decoder(dict[str, Any])


class Said(NamedTuple):
    """What an event says: its origin, the click id itself (as sent), and for an event of its own what it is."""

    texts: Texts
    click_id: str = ""
    kind: Touch = Touch.VISIT

    @property
    def sign(self) -> tuple[str, ...] | None:
        """By which a visit is told from another of the same half hour; None when it says no campaign and no click id."""
        texts = self.texts
        said = (texts.source, texts.medium, texts.campaign_name, texts.ad, texts.click, self.click_id)
        return said if any(said) else None


def of_hit(category: str, campaign: str, query: str, here: str, there: str) -> Said:
    """What a hit of a session says: `campaign` is the JSON text of its context's campaign or empty, `query` that of the
    page's address, `here` the page's host, `there` that of the page before (`host`)."""
    asked = _asked(query)
    told = _object.decode(campaign) if campaign[:1] == "{" else {}
    source, medium, name, ad = (_text(told.get(key)) for key in ("source", "medium", "name", "id"))
    if not (source or medium or name or ad):
        source, medium, name, ad = (fold(asked.get(key, ""), encoded=False) for key in _UTM)
    click = next((kind for kind in CLICK_IDS if asked.get(kind)), "") if asked else ""
    texts = Texts(category, "", "", source, medium, name, ad, "" if _ours(there, here) else there, click)
    said = Said(texts, asked[click] if click else "")
    return said if said.sign is None else said._replace(kind=Touch.CLICK)


_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_id")
_ASKED = frozenset((*_UTM, *CLICK_IDS))


def _asked(query: str) -> dict[str, str]:
    """Of an address's query what is read here; of what comes twice the first."""
    found: dict[str, str] = {}
    for pair in query.partition("#")[0].split("&") if query else ():
        name, _, value = pair.partition("=")
        if name in _ASKED:
            found.setdefault(name, unquote_plus(value))
    return found


def _ours(there: str, here: str) -> bool:
    """Whether a host is the page's own, or one above or below it."""
    return there == here or (here != "" and (there.endswith(f".{here}") or here.endswith(f".{there}")))


def host(url: str) -> str:
    """The host of an address, without www and port; empty where there is none."""
    return _host("/".join(url.split("/", 3)[:3]))


@lru_cache(maxsize=65_536)
def _host(url: str) -> str:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return fold(name.removeprefix("www."))


def of_event(event: str, category: str, properties: str) -> Said | None:
    """What an event says that is a touchpoint of its own (its name in lower case, one of `EVENTS`); None when it is none
    after all: a ticket that wasn't opened by phone."""
    told = _object.decode(properties) if properties[:1] == "{" else {}
    name, kind = EVENTS[event]
    if event == TICKET and _text(told.get("channel")) not in _BY_PHONE:
        return None
    if event == TOUCHPOINT:
        kind = _KINDS.get(_text(told.get("kind")), Touch.CLICK)
    click_id = told.get("click_id")
    texts = Texts(
        category=category,
        event=name,
        said=_text(told.get("channel")) if event == TOUCHPOINT else "",
        source=_first(told, "network", "source"),
        medium=_first(told, "medium"),
        campaign_name=_first(told, "campaign", "campaign_name")
        or (_first(told, "subject") if name[:5] == "email" else ""),
        ad=_first(told, "ad_id", "campaign_id"),
        click=next((kind for kind in CLICK_IDS if _text(told.get(kind))), ""),
    )
    if texts.click and not click_id:
        click_id = told[texts.click]
    return Said(texts, str(click_id) if isinstance(click_id, str | int) else "", kind)


_BY_PHONE = ("phone", "telephone", "call", "voice")


def _first(told: dict[str, Any], *names: str) -> str:
    return next((text for name in names if (text := _text(told.get(name)))), "")


def _text(value: Any) -> str:
    """A property's text, folded; that of anything but a text or number is empty."""
    if isinstance(value, str):
        return fold(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
