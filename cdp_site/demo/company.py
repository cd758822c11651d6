"""What the demo company is: its systems, stores, catalogue, and the names and places of its customers. Plain values."""

from dataclasses import dataclass

NAME = "Harbour & Pine"


@dataclass(frozen=True)
class System:
    """A source: what it is called, its colour, how its phone numbers are read."""

    key: str
    name: str
    category: str
    hue: int


SYSTEMS = (
    System("web", "Website", "web", 215),
    System("app", "App", "app", 265),
    System("shop", "Online shop", "shop", 160),
    System("till", "Tills", "till", 45),
    System("crm", "CRM", "crm", 300),
    System("mail", "Newsletter", "email", 95),
    System("help", "Helpdesk", "help", 20),
    System("ads", "Advertising", "ads", 340),
)

STORES = {
    "ES": ("Goya, Madrid", "Passeig de Gràcia, Barcelona", "Colón, Valencia"),
    "DE": ("Mitte, Berlin", "Altona, Hamburg"),
    "FR": ("Le Marais, Paris", "Bellecour, Lyon"),
    "IT": ("Brera, Milano",),
    "NL": ("De Pijp, Amsterdam",),
    "SE": ("Södermalm, Stockholm",),
}
COUNTRIES = tuple(STORES)
COUNTRY_WEIGHTS = (0.34, 0.24, 0.18, 0.1, 0.08, 0.06)
CITIES = {
    "ES": ("Madrid", "Barcelona", "Valencia", "Sevilla", "Bilbao", "Málaga"),
    "DE": ("Berlin", "Hamburg", "München", "Köln", "Leipzig"),
    "FR": ("Paris", "Lyon", "Nantes", "Toulouse"),
    "IT": ("Milano", "Torino", "Bologna", "Roma"),
    "NL": ("Amsterdam", "Utrecht", "Rotterdam"),
    "SE": ("Stockholm", "Göteborg", "Malmö"),
}
FIRST = {
    "ES": ("Ana", "Lucía", "Carmen", "Marta", "Elena", "Pablo", "Javier", "Luis", "Diego", "Sara", "Nuria", "Álvaro"),
    "DE": ("Lena", "Hannah", "Jonas", "Felix", "Mia", "Paul", "Katrin", "Moritz", "Greta", "Uwe"),
    "FR": ("Camille", "Chloé", "Hugo", "Louis", "Manon", "Julien", "Inès", "Mathieu", "Élodie"),
    "IT": ("Giulia", "Marco", "Chiara", "Luca", "Francesca", "Matteo", "Sofia"),
    "NL": ("Sanne", "Daan", "Femke", "Bram", "Lotte", "Sem"),
    "SE": ("Astrid", "Erik", "Maja", "Nils", "Ebba", "Lars"),
}
LAST = {
    "ES": (
        "Ferrer",
        "García",
        "Ortega",
        "Navarro",
        "Iglesias",
        "Molina",
        "Vidal",
        "Castro",
        "Romero",
        "Soler",
        "Prieto",
    ),
    "DE": ("Weber", "Schneider", "Vogel", "Krüger", "Brandt", "Lorenz", "Seidel", "Hoffmann"),
    "FR": ("Moreau", "Lefèvre", "Girard", "Roux", "Fontaine", "Mercier", "Blanc", "Dubois"),
    "IT": ("Ricci", "Conti", "Marchetti", "Greco", "Ferrari", "Bianchi"),
    "NL": ("de Vries", "Bakker", "Visser", "Mulder", "Smit"),
    "SE": ("Lindqvist", "Ekström", "Nyberg", "Holm", "Sandberg"),
}
# Mobile prefixes; the rest of the number is drawn.
DIAL = {
    "ES": ("34", "6"),
    "DE": ("49", "151"),
    "FR": ("33", "6"),
    "IT": ("39", "33"),
    "NL": ("31", "6"),
    "SE": ("46", "70"),
}
DIGITS = {"ES": 8, "DE": 8, "FR": 8, "IT": 8, "NL": 8, "SE": 7}
MAIL = ("example.com", "example.net", "example.org")


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    category: str
    price: float


_KINDS = {
    "shirts": (("Linen shirt", 59), ("Oxford shirt", 65), ("Flannel shirt", 69), ("Camp-collar shirt", 55)),
    "knitwear": (("Harbour jumper", 89), ("Merino cardigan", 109), ("Fisherman's roll-neck", 119), ("Cotton crew", 69)),
    "coats": (("Pine parka", 229), ("Wool overcoat", 279), ("Rain mac", 159), ("Quilted vest", 119)),
    "trousers": (("Chinos", 79), ("Corduroys", 85), ("Linen trousers", 75), ("Selvedge jeans", 109)),
    "dresses": (("Wrap dress", 95), ("Linen dress", 89), ("Knit dress", 105)),
    "shoes": (("Deck shoes", 99), ("Desert boots", 129), ("Canvas trainers", 69), ("Espadrilles", 45)),
    "accessories": (
        ("Wool beanie", 25),
        ("Leather belt", 39),
        ("Canvas tote", 29),
        ("Striped scarf", 35),
        ("Socks, 3 pairs", 15),
    ),
}
_COLOURS = ("navy", "ecru", "forest", "rust", "sky")
PRODUCTS = tuple(
    Product(f"HP-{category[:2].upper()}{number:02}-{colour[:2].upper()}", f"{name}, {colour}", category, float(price))
    for category, kinds in _KINDS.items()
    for number, (name, price) in enumerate(kinds, 1)
    for colour in _COLOURS
)
CATEGORIES = tuple(_KINDS)
NEWSLETTERS = (
    "New in: knitwear",
    "Linen is back",
    "The coat edit",
    "Members' weekend",
    "How to wear corduroy",
    "Last sizes",
    "From the harbour",
)
TICKETS = (
    "Size exchange",
    "Parcel not arrived",
    "Refund missing",
    "Loyalty points",
    "Wrong item delivered",
    "Question about care",
)
CALLS = ("Is it in stock", "Which size", "Delivery date", "Change of address")
# How busy a month is, January first: sales in January and July, presents in November and December.
SEASON = (1.15, 0.8, 0.9, 1.0, 1.05, 1.0, 1.15, 0.75, 0.95, 1.05, 1.35, 1.5)
# How busy an hour is.
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 12, 11, 10, 10, 11, 12, 13, 15, 17, 16, 11, 6)
