"""Messages as the demo's systems would send them, written as JSON text: about 2 µs each, for there are a million.

Every function takes the message's id, its time (ISO 8601), and what it is about; nothing here draws at random. Texts of
the demo hold no character that JSON would escape.
"""

from cdp_site.demo.company import Product
from cdp_site.demo.people import Customer

_LIBRARY = '"library":{"name":"analytics.js","version":"4.1.2"}'
SITE = "https://www.harbour-and-pine.example"


def _who(anonymous: str, user: str) -> str:
    return f'"anonymousId":"{anonymous}"' + (f',"userId":"{user}"' if user else "")


def page(
    key: str, time: str, anonymous: str, user: str, path: str, title: str, campaign: str = "", query: str = ""
) -> str:
    return (
        f'{{"type":"page","messageId":"{key}","timestamp":"{time}",{_who(anonymous, user)},'
        f'"properties":{{"path":"{path}","title":"{title}"}},'
        f'"context":{{{_LIBRARY}{campaign},"page":{{"path":"{path}","url":"{SITE}{path}{query}"}}}}}}'
    )


def campaign(source: str, medium: str, name: str) -> str:
    """For the context of the page on which somebody landed."""
    return f',"campaign":{{"source":"{source}","medium":"{medium}","name":"{name}"}}'


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


def mail(key: str, time: str, one: Customer, event: str, subject: str) -> str:
    return (
        f'{{"type":"track","event":"{event}","messageId":"{key}","timestamp":"{time}",'
        f'"properties":{{"subject":"{subject}"}},'
        f'"context":{{"externalIds":[{{"type":"newsletter","id":"N{one.number + 30_000}"}}]}}}}'
    )


def ticket(key: str, time: str, one: Customer, event: str, number: int, title: str) -> str:
    return (
        f'{{"type":"track","event":"{event}","messageId":"{key}","timestamp":"{time}",'
        f'"properties":{{"ticket_id":"{number}","title":"{title}","email":"{one.email}","channel":"e-mail"}}}}'
    )


def clicked(key: str, time: str, anonymous: str, source: str, name: str, click: str) -> str:
    return (
        f'{{"type":"track","event":"Ad Clicked","messageId":"{key}","timestamp":"{time}","anonymousId":"{anonymous}",'
        f'"properties":{{"network":"{source}","campaign":"{name}","click_id":"{click}"}}}}'
    )


def card_linked(key: str, time: str, one: Customer) -> str:
    return (
        f'{{"type":"identify","messageId":"{key}","timestamp":"{time}","userId":"{one.user}",'
        f'"traits":{{"loyaltyCard":"{one.card}","phone":"{one.phone}"}}}}'
    )
