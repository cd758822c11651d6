"""Identifiers in the one form in which they are compared: pure functions of the text, None where it identifies nobody."""

import re
from collections.abc import Callable
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

# Words that systems send where they know nothing. Any id made of zeros alone is junk as well.
JUNK = frozenset(
    "0 -1 null none nil nan undefined unknown unidentified anonymous anon guest visitor n/a na - -- . ? test testing"
    " example default empty blank user userid user_id id true false void missing notset not_set (not set)"
    " [object object] not-available not_available".split()
) | {"(not set)", "[object object]", "not set", "not available", "no email", "no phone"}
# Characters that turn the text after them around, wherever it stands: they make '…gpj.exe' of 'exe.jpg…'. And how much of
# a name is shown: what goes on longer is no name, and is kept among the traits as it came.
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LONGEST_NAME = 120
_ZEROS = re.compile(r"[0\s:\-]+")
_UPPER_AFTER_LOWER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_A_DIGIT = re.compile(r"\D+", re.ASCII)
_NOT_A_WORD = re.compile(r"[^\w]+")


@lru_cache(maxsize=65536)
def email(text: str) -> str | None:
    """The address in lower case, its domain in Unicode's normal form; None for what is no address."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return found.normalized.lower()


@lru_cache(maxsize=65536)
def phone(text: str, country: str) -> str | None:
    """The number in E.164 ('+34600111222'), read as in `country` (ISO 3166, two letters) where it has no + or 00.

    None for what can't be a number there, and for fillers: one digit repeated, or counting up.
    """
    text = text.strip()
    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    national = str(number.national_number)
    if len(set(national)) == 1 or national in "01234567890123456789":
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=65536)
def identifier(text: str) -> str | None:
    """Any other id, blanks around it taken off; None for junk. Case is kept: many systems' ids differ by it alone."""
    text = text.strip()
    return None if not text or text.lower() in JUNK or _ZEROS.fullmatch(text) else text


def card(text: str) -> str | None:
    """A loyalty card's number: capitals, without the blanks and hyphens that people type."""
    return identifier(re.sub(r"[\s\-]", "", text).upper())


@lru_cache(maxsize=8192)
def trait_name(name: str) -> str:
    """'firstName', 'First Name' and 'first_name' are one trait: first_name."""
    return _NOT_A_WORD.sub("_", _UPPER_AFTER_LOWER.sub("_", name.strip())).strip("_").lower()


def lower(text: str) -> str | None:
    """An id whose case means nothing."""
    return identifier(text.lower())


def digits(text: str) -> str | None:
    """A number, without whatever people put between its digits; None where there are none."""
    return identifier(_NOT_A_DIGIT.sub("", text))


@lru_cache(maxsize=65536)
def untagged_email(text: str) -> str | None:
    """The address without what stands after a plus sign before the @: most mail systems deliver both to one person."""
    address = email(text)
    if address is None:
        return None
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def in_form(form: str, text: str, country: str = "") -> str | None:
    """`text` in the normal form of that name (`FORM_CHOICES`); `country` is where a phone number is read."""
    return phone(text, country) if form == "phone" else _FORMS[form](text)


# By the name under which a kind of identifiers keeps it.
_FORMS: dict[str, Callable[[str], str | None]] = {
    "trimmed": identifier, "lower": lower, "capitals": card, "digits": digits, "email": email, "untagged": untagged_email,
}  # fmt: skip
FORM_CHOICES = [
    ("trimmed", "as it is, without blanks around it"),
    ("lower", "lower case"),
    ("capitals", "capitals, without blanks and hyphens"),
    ("digits", "digits only"),
    ("email", "e-mail address, lower case"),
    ("untagged", "e-mail address, without +tag"),
    ("phone", "phone number, E.164"),
]
