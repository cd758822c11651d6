"""Campaigns are recognised alike in whatever order and portions their origins arrive, and merging loses nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns import named
from campaigns.attribution.channels import assign
from campaigns.models import Campaign, CampaignName, Origin

pytestmark = pytest.mark.django_db
Said = tuple[str, str, str]
SAID = st.tuples(
    st.sampled_from(["", "google", "bing"]), st.sampled_from(["", "a", "b"]), st.sampled_from(["", "1", "2"])
)


def recognised(origins: list[Said], portion: int) -> set[frozenset[Said]]:
    """Which origins make a campaign together, when they arrive in this order, some at a time; none are left out."""
    CampaignName.objects.all().delete()
    Campaign.objects.all().delete()
    Origin.objects.all().delete()
    for start in range(0, len(origins), portion):
        ids = range(start, min(start + portion, len(origins)))
        Origin.objects.bulk_create(
            Origin(id=id, key=id, category="web", medium="cpc", source=source, campaign_name=name, ad=ad)
            for id, (source, name, ad) in zip(ids, origins[start : start + portion], strict=True)
        )
        assign(list(ids))
    return groups(origins)


def groups(origins: list[Said]) -> set[frozenset[Said]]:
    found: dict[int | None, set[Said]] = {}
    for id, campaign in Origin.objects.values_list("id", "campaign_id"):
        found.setdefault(campaign, set()).add(origins[id])
    without = found.pop(None, set())
    assert all(not name and not ad for _, name, ad in without), "whatever says a campaign has one"
    return {frozenset(one) for one in found.values()}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(SAID, unique=True, max_size=8), st.data())
def test_order_and_portions_make_no_difference(origins: list[Said], data: st.DataObject) -> None:
    at_once = recognised(origins, 100)
    other = data.draw(st.permutations(origins))
    assert recognised(other, data.draw(st.integers(1, 4))) == at_once
    assign()
    assert groups(other) == at_once, "asked again it is the same"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(SAID, unique=True, min_size=3, max_size=8), st.data())
def test_merging_moves_all_that_the_others_had(origins: list[Said], data: st.DataObject) -> None:
    before = recognised(origins, 100)
    there = named.living()
    if len(there) < 2:
        return
    chosen = data.draw(st.lists(st.sampled_from(there), unique=True, min_size=2))
    had = {one: set(Origin.objects.filter(campaign=one).values_list("id", flat=True)) for one in chosen}
    named.merge(chosen[0], chosen)
    assert set(Origin.objects.filter(campaign=chosen[0]).values_list("id", flat=True)) == set.union(*had.values())
    assert len(groups(origins)) == len(before) - len(chosen) + 1
