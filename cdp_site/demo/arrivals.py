"""How people come to the demo company's site: who sent them, and how much that has to do with buying. Plain values.

What is true here, so that attribution can be held against it: search and shops bring people who would not have come; the
newsletter sells (its holdout shows by how much); the retargeting banners follow people who know the shop anyway, and make
next to nobody buy.
"""

from dataclasses import dataclass
from functools import cache

from cdp_site.demo import company


@dataclass(frozen=True)
class Arrival:
    """A way in. `strangers`, `members`: how often, among visits of people who haven't signed up yet, and of those who have
    (relative). `pull`: what it does to the chance that the visit ends with an order. Without `medium` nobody was paid:
    a referring site, or nothing at all. `click`: the click id that the network puts on its links."""

    strangers: float
    members: float
    pull: float
    source: str = ""
    medium: str = ""
    campaign: str = ""
    click: str = ""
    referrer: str = ""


WAYS = (
    Arrival(20, 40, 1.0),
    Arrival(22, 13, 1.0, referrer="https://www.google.com/"),
    Arrival(3, 2, 1.0, referrer="https://www.bing.com/"),
    Arrival(2, 1, 1.0, referrer="https://duckduckgo.com/"),
    Arrival(7, 4, 0.5, referrer="https://l.instagram.com/"),
    Arrival(4, 3, 0.5, referrer="https://www.pinterest.com/"),
    Arrival(3, 1, 0.5, referrer="https://www.youtube.com/"),
    Arrival(4, 2, 0.9, referrer="https://style-notes.example/what-to-wear"),
    Arrival(2, 1, 0.9, referrer="https://www.slow-wardrobe.example/shops"),
    Arrival(7, 5, 1.5, "google", "cpc", "brand-search", "gclid"),
    Arrival(1, 1, 1.5, "bing", "cpc", "brand-search", "msclkid"),
    Arrival(7, 3, 1.3, "google", "cpc", "shopping-shoes", "gclid"),
    Arrival(8, 2, 0.7, "facebook", "paid-social", "autumn-coats", "fbclid"),
    Arrival(6, 2, 0.7, "instagram", "paid-social", "linen-summer", "fbclid"),
    Arrival(2, 4, 1.5, "awin", "affiliate", "voucher-sites"),
    Arrival(1, 9, 0.1, "criteo", "display", "retargeting"),
)
TEXT_SALE = Arrival(0, 0, 1.4, "sale-text", "sms", "sale")
# Whom banners follow, and what they show.
BANNER = WAYS[-1]
SOCIAL_AD = WAYS[-3]


@cache
def weights(*, members: bool) -> tuple[float, ...]:
    """Of `WAYS`, added up: for `random.choices`."""
    total, sums = 0.0, []
    for way in WAYS:
        total += way.members if members else way.strangers
        sums.append(total)
    return tuple(sums)


def slug(subject: str) -> str:
    """A newsletter's campaign: 'The coat edit' is the-coat-edit."""
    return "-".join("".join(one if one.isalnum() else " " for one in subject.lower()).split())


# By subject.
NEWSLETTER = {
    subject: Arrival(0, 0, 1.5, "newsletter", "email", slug(subject)) for subject in company.NEWSLETTERS
}  # fmt: skip
# What browsers call themselves; shortened.
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
_DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0 Safari/537.36"
_TABLET = "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 Version/17.7 Safari/604.1"


def browser(number: int, device: int) -> str:
    """The browser on a customer's n-th device."""
    return (_PHONE, _DESK, _PHONE, _DESK, _TABLET)[(number + device * 3) % 5]
