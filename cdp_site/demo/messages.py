"""Messages as the demo's systems would send them, written as JSON text: about 2 µs each, for there are a million.

Every function takes the message's id, its time (ISO 8601), and what it is about; nothing here draws at random. Texts of
the demo hold no character that JSON would escape.
"""

from cdp_site.demo.arrivals import Arrival
from cdp_site.demo.company import Product
from cdp_site.demo.people import Customer

_LIBRARY = '"library":{"name":"analytics.js","version":"4.1.2"}'
SITE = "https://www.harbour-and-pine.example"


def _who(anonymous: str, user: str) -> str:
    return f'"anonymousId":"{anonymous}"' + (f',"userId":"{user}"' if user else "")


def page(
    key: str,
    time: str,
    anonymous: str,
    user: str,
    path: str,
    title: str,
    more: str = "",
    query: str = "",
    referrer: str = "",
) -> str:
    """`more`: for the context, see `landing`."""
    led = f',"referrer":"{referrer}"' if referrer else ""
    return (
        f'{{"type":"page","messageId":"{key}","timestamp":"{time}",{_who(anonymous, user)},'
        f'"properties":{{"path":"{path}","title":"{title}"}},'
        f'"context":{{{_LIBRARY}{more},"page":{{"path":"{path}","url":"{SITE}{path}{query}"{led}}}}}}}'
    )


def landing(browser: str, way: Arrival) -> str:
    """For the context of the page on which somebody landed."""
    campaign = (
        f',"campaign":{{"source":"{way.source}","medium":"{way.medium}","name":"{way.campaign}"}}'
        if way.campaign
        else ""
    )
    return f',"userAgent":"{browser}"{campaign}'


def query(way: Arrival, click: str) -> str:
    """The query of the address on which somebody landed."""
    if not way.campaign:
        return ""
    tags = f"?utm_source={way.source}&utm_medium={way.medium}&utm_campaign={way.campaign}"
    return f"{tags}&{way.click}={click}" if way.click else tags


def product(key: str, time: str, anonymous: str, user: str, event: str, one: Product) -> str:
    return (
        f'{{"type":"track","event":"{event}","messageId":"{key}","timestamp":"{time}",{_who(anonymous, user)},'
        f'"properties":{{"product_id":"{one.sku}","name":"{one.name}","category":"{one.category}","price":{one.price}}},'
        f'"context":{{{_LIBRARY}}}}}'
    )


def checkout(key: str, time: str, anonymous: str, user: str, total: float) -> str:
    return (
        f'{{"type":"track","event":"Checkout Started","messageId":"{key}","timestamp":"{time}",{_who(anonymous, user)},'
        f'"properties":{{"total":{total:.2f},"currency":"EUR"}},"context":{{{_LIBRARY}}}}}'
    )


def signed_up(key: str, time: str, anonymous: str, one: Customer) -> str:
    email, sms, ads = ("true" if given else "false" for given in one.agreed)
    return (
        f'{{"type":"identify","messageId":"{key}","timestamp":"{time}",{_who(anonymous, one.user)},'
        f'"traits":{{"email":"{one.email}","firstName":"{one.first}","lastName":"{one.last}","country":"{one.country}",'
        f'"city":"{one.city}","birthday":"{one.birthday}","consents":{{"email":{email},"sms":{sms},"ads":{ads}}}}},'
        f'"context":{{{_LIBRARY}}}}}'
    )


def screen(key: str, time: str, device: str, user: str, name: str) -> str:
    return (
        f'{{"type":"screen","name":"{name}","messageId":"{key}","timestamp":"{time}",{_who(device, user)},'
        f'"context":{{"device":{{"id":"{device}","type":"ios"}},"app":{{"name":"Harbour & Pine","version":"3.2"}}}}}}'
    )


def order(
    key: str, time: str, who: str, event: str, number: str, items: list[Product], store: str = "", extra: str = ""
) -> str:
    total = sum(item.price for item in items)
    lines = ",".join(
        f'{{"product_id":"{item.sku}","name":"{item.name}","category":"{item.category}","price":{item.price},"quantity":1}}'
        for item in items
    )
    where = f',"store":"{store}"' if store else ""
    return (
        f'{{"type":"track","event":"{event}","messageId":"{key}","timestamp":"{time}"{who},'
        f'"properties":{{"order_id":"{number}","total":{total:.2f},"currency":"EUR","products":[{lines}]{where}{extra}}}}}'
    )


def by_user(one: Customer) -> str:
    return f',"userId":"{one.user}"'


def contact(key: str, time: str, one: Customer, name: str, email: str, phone: str) -> str:
    """A CRM contact: typed by hand, known by the CRM's own number."""
    return (
        f'{{"type":"identify","messageId":"{key}","timestamp":"{time}",'
        f'"traits":{{"name":"{name}","email":"{email}","phone":"{phone}","owner":"Store team {one.country}"}},'
        f'"context":{{"externalIds":[{{"type":"crm","id":"C{one.number + 70_000}"}}]}}}}'
    )


def subscriber(key: str, time: str, one: Customer) -> str:
    return (
        f'{{"type":"identify","messageId":"{key}","timestamp":"{time}","traits":{{"email":"{one.email}"}},'
        f'"context":{{"externalIds":[{{"type":"newsletter","id":"N{one.number + 30_000}"}}]}}}}'
    )


def mail(key: str, time: str, one: Customer, event: str, subject: str, campaign: str = "") -> str:
    named = f',"campaign":"{campaign}","source":"newsletter"' if campaign else ""
    return (
        f'{{"type":"track","event":"{event}","messageId":"{key}","timestamp":"{time}",'
        f'"properties":{{"subject":"{subject}"{named}}},{_reader(one)}}}'
    )


def _reader(one: Customer) -> str:
    """Whom the newsletter means: known by its own number."""
    return f'"context":{{"externalIds":[{{"type":"newsletter","id":"N{one.number + 30_000}"}}]}}'


def enrolled(
    key: str, time: str, one: Customer, experiment: tuple[str, str], arm: tuple[str, str], control: bool
) -> str:
    """Somebody was drawn into an arm of a test; both as (id, name)."""
    marks = ',"control":true' if control else ""
    return (
        f'{{"type":"track","event":"Experiment Viewed","messageId":"{key}","timestamp":"{time}",'
        f'"properties":{{"experiment_id":"{experiment[0]}","experiment_name":"{experiment[1]}",'
        f'"variation_id":"{arm[0]}","variation_name":"{arm[1]}"{marks}}},{_reader(one)}}}'
    )


def text_clicked(key: str, time: str, one: Customer, way: Arrival) -> str:
    """The link in a text message was followed."""
    return (
        f'{{"type":"track","event":"SMS Clicked","messageId":"{key}","timestamp":"{time}",{_reader(one)},'
        f'"properties":{{"source":"{way.source}","medium":"{way.medium}","campaign":"{way.campaign}"}}}}'
    )


def tapped(key: str, time: str, device: str, one: Customer) -> str:
    return (
        f'{{"type":"track","event":"Push Notification Tapped","messageId":"{key}","timestamp":"{time}",'
        f'{_who(device, one.user)},"properties":{{"campaign":"new-in"}},'
        f'"context":{{"device":{{"id":"{device}","type":"ios"}}}}}}'
    )


def in_store(key: str, time: str, device: str, one: Customer, store: str) -> str:
    """The app noticed that its owner came into a store."""
    return (
        f'{{"type":"track","event":"Store Visited","messageId":"{key}","timestamp":"{time}",{_who(device, one.user)},'
        f'"properties":{{"store":"{store}"}},"context":{{"device":{{"id":"{device}","type":"ios"}}}}}}'
    )


def called(key: str, time: str, one: Customer, about: str, seconds: int) -> str:
    """Somebody rang the call centre, and gave an e-mail address."""
    return (
        f'{{"type":"track","event":"Call Ended","messageId":"{key}","timestamp":"{time}",'
        f'"properties":{{"email":"{one.email}","about":"{about}","duration":{seconds}}}}}'
    )


def ticket(key: str, time: str, one: Customer, event: str, number: int, title: str) -> str:
    return (
        f'{{"type":"track","event":"{event}","messageId":"{key}","timestamp":"{time}",'
        f'"properties":{{"ticket_id":"{number}","title":"{title}","email":"{one.email}","channel":"e-mail"}}}}'
    )


def clicked(key: str, time: str, anonymous: str, way: Arrival, click: str) -> str:
    return (
        f'{{"type":"track","event":"Ad Clicked","messageId":"{key}","timestamp":"{time}","anonymousId":"{anonymous}",'
        f'"properties":{{"network":"{way.source}","medium":"{way.medium}","campaign":"{way.campaign}",'
        f'"click_id":"{click}"}}}}'
    )


def seen(key: str, time: str, anonymous: str, way: Arrival) -> str:
    """An advertisement was shown."""
    return (
        f'{{"type":"track","event":"Ad Viewed","messageId":"{key}","timestamp":"{time}","anonymousId":"{anonymous}",'
        f'"properties":{{"network":"{way.source}","medium":"{way.medium}","campaign":"{way.campaign}"}}}}'
    )


def card_linked(key: str, time: str, one: Customer) -> str:
    return (
        f'{{"type":"identify","messageId":"{key}","timestamp":"{time}","userId":"{one.user}",'
        f'"traits":{{"loyaltyCard":"{one.card}","phone":"{one.phone}"}}}}'
    )
