"""What somebody says of a campaign, of what it cost, of a channel, of a line of the rule table."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from campaigns.attribution.rules import FIELDS, OPERATORS, WITHOUT_VALUE, Condition, read
from campaigns.models import Campaign, Channel
from campaigns.named import Told

_DAY = {"type": "date"}


class CampaignForm(forms.Form):
    name = forms.CharField(max_length=200)
    channel = forms.ModelChoiceField(Channel.objects.all(), required=False, empty_label="No channel")
    starts = forms.DateField(required=False, widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    ends = forms.DateField(required=False, widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    margin = forms.DecimalField(required=False, min_value=0, max_value=100, decimal_places=2, max_digits=5)

    @property
    def told(self) -> Told:
        found = self.cleaned_data
        margin = None if found["margin"] is None else found["margin"] / 100
        return Told(found["name"], found["channel"], found["starts"], found["ends"], margin)


def of_campaign(campaign: Campaign) -> CampaignForm:
    """The form with what is known."""
    margin = None if campaign.margin is None else f"{campaign.margin * 100:.2f}".rstrip("0").rstrip(".")
    known = {
        "name": campaign.name, "channel": campaign.channel_id, "starts": campaign.starts, "ends": campaign.ends,
        "margin": margin,
    }  # fmt: skip
    return CampaignForm(initial=known)


class CostForm(forms.Form):
    channel = forms.ModelChoiceField(Channel.objects.all(), required=False, empty_label="The campaign’s")
    campaign = forms.ModelChoiceField(
        Campaign.objects.exclude(status=Campaign.Status.MERGED), required=False, empty_label="The whole channel"
    )
    since = forms.DateField(widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    until = forms.DateField(widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    amount = forms.DecimalField(min_value=Decimal(0), max_digits=14, decimal_places=2)
    currency = forms.RegexField("^[A-Za-z]{3}$", initial=lambda: settings.CURRENCY)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        campaign = found.get("campaign")
        found["channel"] = found.get("channel") or (campaign.channel if campaign else None)
        if "channel" not in self.errors and "campaign" not in self.errors and found["channel"] is None:
            self.add_error("channel", "Say which channel it was.")
        since, until = found.get("since"), found.get("until")
        if since and until and until < since:
            self.add_error("until", "It ends before it begins.")
        return found


class ChannelForm(forms.ModelForm):
    class Meta:
        model = Channel
        fields = ["name", "hue", "paid"]

    hue = forms.IntegerField(min_value=0, max_value=360)


class LineForm(forms.Form):
    """A line of the rule table. Conditions come as three lists of the same length: field, is, value (commas between)."""

    channel = forms.ModelChoiceField(Channel.objects.all(), empty_label=None)
    number = forms.IntegerField(min_value=1, max_value=10_000)

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        self.trouble = ""
        lists = [data.getlist(name) for name in ("field", "is", "value")] if data is not None else [[], [], []]
        self.rows = [row for row in zip(*lists, strict=False) if row[0]]

    def conditions(self) -> tuple[Condition, ...] | None:
        """None where they can't be read; `trouble` says why."""
        told = [
            {"field": field, "is": op, "value": [part for part in value.split(",") if part.strip()]}
            for field, op, value in self.rows
        ]
        try:
            return read(told)
        except ValueError as why:
            self.trouble = str(why)
            return None


def choices() -> dict[str, Sequence[tuple[str, str]]]:
    """What a condition can be made of."""
    return {"fields": list(FIELDS.items()), "operators": list(OPERATORS.items())}


def typed(conditions: Sequence[Condition]) -> list[tuple[str, str, str]]:
    """Conditions as the form's rows."""
    return [
        (one.field, one.op, "" if one.op in WITHOUT_VALUE else ", ".join(one.values)) for one in conditions
    ]  # fmt: skip
