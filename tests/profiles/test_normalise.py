"""Identifiers in the one form in which they are compared."""

import pytest

from profiles import normalise


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        (" Ana.Ferrer@Example.COM ", "ana.ferrer@example.com"),
        ("ana+news@example.com", "ana+news@example.com"),
        ("ana@bücher.example", "ana@bücher.example"),
        ("ana@example", None),
        ("not an address", None),
        ("", None),
        ("a@b@example.com", None),
    ],
)
def test_an_address_is_compared_in_lower_case(sent: str, normal: str | None) -> None:
    assert normalise.email(sent) == normal


@pytest.mark.parametrize(
    ("sent", "country", "normal"),
    [
        ("600 111 222", "ES", "+34600111222"),
        ("+34 600-111-222", "DE", "+34600111222"),
        ("0034600111222", "FR", "+34600111222"),
        ("(020) 7946 0018", "GB", "+442079460018"),
        ("34600111222", "ES", "+34600111222"),
        ("12", "ES", None),
        ("600111222", "", None),
        ("call me", "ES", None),
        ("000000000", "ES", None),
        ("999999999", "ES", None),
        ("123456789", "ES", None),
    ],
)
def test_a_phone_number_is_read_as_in_the_sources_country(sent: str, country: str, normal: str | None) -> None:
    assert normalise.phone(sent, country) == normal


@pytest.mark.parametrize(
    "filler",
    [
        *("", "  ", "null", "NULL", "undefined", "None", "anonymous", "n/a", "[object Object]", "(not set)"),
        *("0", "0000-0000", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_fillers_identify_nobody(filler: str) -> None:
    assert normalise.identifier(filler) is None


def test_other_ids_keep_their_case() -> None:
    assert normalise.identifier(" aB9 ") == "aB9"


def test_a_card_is_compared_without_what_people_type_between_digits() -> None:
    assert normalise.card("5512 0042-77 a") == "5512004277A"
    assert normalise.card("0000 0000") is None


@pytest.mark.parametrize("name", ["firstName", "FirstName", "first_name", "First name", "first-name", " first.name "])
def test_a_trait_has_one_name_however_it_is_written(name: str) -> None:
    assert normalise.trait_name(name) == "first_name"
