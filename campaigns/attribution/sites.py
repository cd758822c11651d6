"""Which sites are search engines, social networks, video sites, shops, mail boxes: the lists that channel rules name.

After Google Analytics' list of source categories (linked from support.google.com/analytics/answer/9756891), shortened to
the sites that bring anybody anything. A name without a dot stands for the site under every ending and with every host
before it: 'google' is google.com, www.google.es, news.google.co.uk. A name with a dot is that host and those under it,
and goes before names without one: mail.google.com is a mail box, not a search.
"""

from functools import cache

LISTS: dict[str, tuple[str, frozenset[str]]] = {
    "search": ("search engines", frozenset(
        "google bing yahoo duckduckgo ecosia baidu yandex naver daum seznam qwant startpage ask aol msn lycos sogou so "
        "haosou rambler onet virgilio kvasir sapo dogpile info incredimail exalead mojeek presearch startsiden "
        "search.brave.com brave metager neeva swisscows gibiru terra avg babylon conduit search-results biglobe goo "
        "alice centrum cnn comcast eniro go.mail.ru globo najdi ozu szukacz ukr wp sm.cn".split()
    )),
    "social": ("social networks", frozenset(
        "facebook fb fb.me instagram ig l.instagram.com linkedin lnkd.in twitter t.co x.com x reddit pinterest pin.it "
        "tiktok snapchat whatsapp wa.me telegram t.me threads threads.net threads.com bsky.app bluesky mastodon "
        "mastodon.social tumblr quora vk ok.ru odnoklassniki xing wechat weibo line.me discord meetup flipboard mix "
        "livejournal medium.com nextdoor hootsuite plurk digg deviantart foursquare yelp tripadvisor messenger meta "
        "stackoverflow stackexchange news.ycombinator.com groups.google.com sites.google.com blogspot blogger skype "
        "slashdot disqus goodreads myspace renren taringa viadeo yammer".split()
    )),
    "video": ("video sites", frozenset(
        "youtube youtu.be vimeo twitch dailymotion netflix hulu disneyplus wistia ted crackle iqiyi youku bilibili "
        "rumble utreon vevo".split()
    )),
    "shopping": ("shopping sites", frozenset(
        "amazon ebay etsy alibaba aliexpress walmart shopify shop.app mercadolibre mercadolivre zalando target rakuten "
        "temu shein cdiscount otto bol.com allegro idealo shopzilla shopping.google.com "
        "googleshopping igshopping stripe checkout.stripe.com".split()
    )),
    "mail": ("mail boxes", frozenset(
        "mail.google.com com.google.android.gm mail.yahoo.com outlook.live.com outlook.office.com outlook.office365.com "
        "outlook.com mail.aol.com mail.ru e.mail.ru deref-gmx.net deref-web.de webmail.free.fr mail.proton.me".split()
    )),
}  # fmt: skip
# Endings of two parts, as in google.co.uk.
_BEFORE_COUNTRY = {"co", "com", "net", "org", "gov", "ac", "edu", "or", "ne"}


def is_listed(value: str, key: str) -> bool:
    """Whether a source or a host (lower case) is on the list `key`."""
    return list_of(value) == key


@cache
def _known() -> dict[str, str]:
    return {name: key for key, (_, names) in LISTS.items() for name in names}


def list_of(value: str) -> str:
    """The list on which a source or a host is, else ''."""
    known = _known()
    labels = value.split(".")
    if len(labels) == 1:
        return known.get(value, "")
    for place in range(len(labels) - 1):
        if found := known.get(".".join(labels[place:])):
            return found
    ending = 2 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _BEFORE_COUNTRY else 1
    return known.get(labels[-ending - 1], "")
