"""Forms of the dashboards: a view's name, and the letter that brings it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from campaigns.models import Report, SavedView

PAGES = {
    "attribution": "Channels",
    "attribution_campaigns": "Campaigns",
    "attribution_paths": "Paths",
    "attribution_cohorts": "Cohorts",
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_ADDRESSES = 20
LONGEST_QUERY = 2_000  # characters


class ViewForm(forms.Form):
    """Keep a page with its filters."""

    name = forms.CharField(max_length=120)
    page = forms.ChoiceField(choices=list(PAGES.items()))
    query = forms.CharField(max_length=LONGEST_QUERY, required=False)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if SavedView.objects.filter(name=name).exists():
            raise ValidationError(
                f"There is a view called “{name}” already. Take another name, or remove that one first."
            )
        return name


class ReportForm(forms.Form):
    """To whom a view is sent, and when."""

    to = forms.CharField(
        max_length=2_000, label="To", help_text="E-mail addresses, with commas or blanks between them."
    )
    weekdays = forms.TypedMultipleChoiceField(
        choices=list(enumerate(WEEKDAYS)), coerce=int, label="On", widget=forms.CheckboxSelectMultiple
    )
    hour = forms.TypedChoiceField(choices=[(hour, f"{hour}:00") for hour in range(24)], coerce=int, label="At")

    def clean_to(self) -> list[str]:
        addresses = self.cleaned_data["to"].replace(",", " ").replace(";", " ").split()
        for one in addresses:
            try:
                validate_email(one)
            except ValidationError:
                raise ValidationError(f"“{one}” is not an e-mail address.") from None
        if len(addresses) > MOST_ADDRESSES:
            raise ValidationError(f"At most {MOST_ADDRESSES} addresses.")
        return list(dict.fromkeys(addresses))

    @classmethod
    def of(cls, report: Report | None, data: Any = None) -> "ReportForm":
        """A form with what is kept, or with what is usual: Mondays at eight."""
        if report is None:
            return cls(data, initial={"weekdays": [0], "hour": 8}, auto_id=False)
        return cls(
            data,
            initial={"to": ", ".join(report.to), "weekdays": report.weekdays, "hour": report.hour},
            auto_id=False,
        )
