"""Pictures of paths and of standing: small channels go together, names keep out of each other's way, nothing is drawn below 0."""

from collections.abc import Iterable
from datetime import date
from math import log10
from urllib.parse import parse_qs, parse_qsl, urlparse

from campaigns.attribution import figures, pictures, sentences
from campaigns.attribution.figures import Mark, Standing
from campaigns.attribution.filters import Filters
from campaigns.attribution.paths import CONVERTED, LOST, Bin, Flow, Link, Paths, Stop
from campaigns.attribution.steps_clicked import Steps
from campaigns.attribution.which import Which, which

FILTERS = Filters(1, date(2026, 11, 1), date(2026, 11, 30))


def walked(channels: int, single: int = 40, median: float = 2.0) -> Paths:
    """One step by each of so many channels, the first the largest; then a conversion or none."""
    stops = [Stop(0, number, f"Channel {number}", 10 * number, 1000 - number) for number in range(1, channels + 1)]
    ends = [Stop(1, CONVERTED, "Converted", 150, 100), Stop(1, LOST, "No conversion", 0, 100)]
    links = [Link(place, channels + end, 10 + place, 10) for place in range(channels) for end in (0, 1)]
    lengths = (Bin(1, 1, "1", 0, single, 0.0), Bin(2, 2, "2", 0, 100 - single, 0.0))
    return Paths(
        FILTERS, Flow((*stops, *ends), tuple(links)), (), channels, lengths, (), median, 4.0, 500, 120, 20, "EUR", 0
    )  # fmt: skip


def test_small_channels_of_the_flow_stand_together_and_no_journey_is_lost() -> None:
    found = walked(12)
    drawn = pictures.flow(found, "days=30")["data"][0]
    assert drawn["node"]["label"].count("Other channels") == 1
    assert len(drawn["node"]["label"]) == pictures.MOST_IN_FLOW + 3
    assert sum(drawn["link"]["value"]) == sum(link.journeys for link in found.flow.links)


def test_the_flow_of_few_channels_names_them_all() -> None:
    assert "Other channels" not in pictures.flow(walked(5), "")["data"][0]["node"]["label"]


def test_every_step_and_stream_leads_to_its_people_with_the_filters() -> None:
    found = walked(12)
    drawn = pictures.flow(found, "days=30")["data"][0]
    addresses = [*drawn["node"]["customdata"], *drawn["link"]["customdata"]]
    assert len(set(addresses)) == len(addresses)
    asked = [parse_qs(urlparse(address).query) for address in addresses]
    assert all(one["days"] == ["30"] for one in asked)
    others = asked[drawn["node"]["label"].index("Other channels")]
    assert others["of_at"] == ["0.0"] and len(others["of_besides"][0].split(".")) == pictures.MOST_IN_FLOW
    listed = pictures.links(found, "days=30")
    assert {which(one) for one in plain(step.journeys for step in listed)} == {
        Which(converted=converted, steps=Steps(((0, channel),), (), (1, 1)))
        for channel in range(1, 13)
        for converted in (True, False)
    }


def plain(addresses: Iterable[str]) -> list[dict[str, str]]:
    return [dict(parse_qsl(urlparse(address).query)) for address in addresses]


def test_the_sentence_of_paths() -> None:
    assert sentences.way(walked(3), "orders") == (
        "Of the orders with a known touchpoint half needed 2 or fewer, 40 % needed only one; half came within 4 days of the "
        "first."
    )
    assert "60 % needed only one; half came" in sentences.way(walked(3, single=60, median=1.0), "orders")


def test_what_is_lost_not_at_all_and_an_interval_below_zero_stand_at_the_foot() -> None:
    standings = [
        Standing(Mark("E-mail", 80), 0.3, 0.2, (0.05, -0.02, 0.12)),
        Standing(Mark("Display", 345), 0.4, 0.0),
        Standing(Mark("Direct", 240), 0.0, 0.0),
    ]
    figure = figures.contributes(standings, "orders")
    low, top = figure["layout"]["yaxis"]["range"]
    dots = next(one for one in figure["data"] if one["mode"] == "markers+text")
    assert all(low <= log10(y) <= top for y in dots["y"])
    diamond = next(one for one in figure["data"] if one["mode"] == "markers")
    assert diamond["y"][0] - diamond["error_y"]["arrayminus"][0] > 0
    figures.contributes([], "orders")


def test_names_keep_out_of_each_others_way() -> None:
    crowd = [Standing(Mark(f"Channel {number}", 0), 0.1 + 0.001 * number, 0.1) for number in range(4)]
    dots = figures.contributes(crowd, "orders")["data"][2]
    assert len(set(dots["textposition"])) == 4
