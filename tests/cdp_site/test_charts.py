"""Figures say what their numbers say, in bars that can be seen."""

from cdp_site.charts import size_over_time

HOUR = 3_600_000  # milliseconds


def test_bars_of_hours_are_an_hour_wide_however_soon_after_one_it_is_now() -> None:
    times = ["2026-11-24T21:00:00+01:00", "2026-11-24T23:00:00+01:00", "2026-11-24T23:00:09+01:00"]
    figure = size_over_time(times, [5, 7, 7], [0, 3, 0], [0, 1, 0])
    _, came, went = figure["data"]
    assert (came["width"], came["x"], came["y"]) == (HOUR, times, [0, 3, 0])
    assert went["y"] == [0, -1, 0]
    assert figure["layout"]["xaxis"]["range"] == [times[0], times[-1]]


def test_over_weeks_a_bar_is_a_day() -> None:
    times = [
        "2026-10-24T21:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T23:00:00+01:00",
        "2026-11-24T09:00:00+01:00",
    ]
    _, came, went = size_over_time(times, [1, 2, 3, 3], [1, 2, 3, 0], [0, 1, 1, 0])["data"]
    assert came["x"] == ["2026-10-24", "2026-10-25", "2026-11-24"]
    assert (came["width"], came["y"], went["y"]) == (24 * HOUR, [1, 5, 0], [0, -2, 0])


def test_where_nobody_came_or_went_there_are_no_empty_axes() -> None:
    figure = size_over_time(["2026-11-24T21:00:00+01:00"], [5], [0], [0])
    assert len(figure["data"]) == 1 and "yaxis2" not in figure["layout"]
