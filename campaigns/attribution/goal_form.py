"""The form of a goal: what counts as a conversion, what takes it back, how far back touchpoints count."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from campaigns.models import Goal

CONDITIONS = 3  # that the form has room for
LONGEST_LOOKBACK = 365  # days
LEAST_HALF_LIFE = Decimal("0.5")  # days


class GoalForm(forms.Form):
    """Its fields in the words of the page; `written` puts them into a goal."""

    name = forms.CharField(max_length=80, error_messages={"required": "Give the goal a name, such as Orders."})
    event = forms.CharField(max_length=200, error_messages={"required": "Choose the event that is the conversion."})
    back = forms.CharField(max_length=1_000, required=False)
    key = forms.CharField(max_length=100, required=False)
    lookback_days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_LOOKBACK,
        error_messages={
            "required": "Say how many days a touchpoint counts.",
            "invalid": "A whole number of days.",
            "min_value": "At least one day.",
            "max_value": "A year is the most.",
        },
    )
    half_life_days = forms.DecimalField(
        required=False,
        min_value=LEAST_HALF_LIFE,
        max_value=LONGEST_LOOKBACK,
        max_digits=5,
        decimal_places=2,
        error_messages={
            "invalid": "A number of days, such as 7.",
            "min_value": "Half a day is the least.",
            "max_value": "A year is the most.",
        },
    )
    currency = forms.CharField(max_length=3, min_length=3)
    margin = forms.DecimalField(
        min_value=0, max_value=100, max_digits=5, decimal_places=2, help_text="Per cent of revenue."
    )

    def __init__(self, sent: QueryDict | None, *, goal: Goal) -> None:
        self.goal = goal
        super().__init__(sent, initial=_initial(goal))
        for place in range(CONDITIONS):
            self.fields[f"property_{place}"] = forms.CharField(max_length=200, required=False)
            self.fields[f"is_{place}"] = forms.CharField(max_length=200, required=False)

    @property
    def conditions(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The property and value fields of each condition."""
        return [(self[f"property_{place}"], self[f"is_{place}"]) for place in range(CONDITIONS)]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Goal.objects.filter(name=name).exclude(pk=self.goal.pk).exists():
            raise forms.ValidationError(f"There is a goal “{name}” already.")
        return name

    def clean_back(self) -> list[str]:
        names = [name for one in self.cleaned_data["back"].split(",") if (name := one.strip())]
        return list(dict.fromkeys(names))

    def clean_currency(self) -> str:
        code: str = self.cleaned_data["currency"].upper()
        if not (code.isascii() and code.isalpha()):
            raise forms.ValidationError("A currency's three letters, such as EUR.")
        return code

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if found.get("event") and found["event"] in found.get("back", ()):
            self.add_error("back", f"“{found['event']}” is the conversion: it can't take itself back.")
        if found.get("back") and not found.get("key"):
            self.add_error("key", "Name the property by which they say which conversion they take back.")
        for place in range(CONDITIONS):
            name, value = found.get(f"property_{place}"), found.get(f"is_{place}")
            if bool(name) != bool(value):
                self.add_error(f"is_{place}", "A condition needs a property and what it is.")
        return found

    def written(self) -> Goal:
        """The goal as the form says; not saved yet."""
        found = self.cleaned_data
        for field in ("name", "event", "back", "key", "lookback_days", "currency"):
            setattr(self.goal, field, found[field])
        self.goal.half_life_days = found["half_life_days"] or Goal._meta.get_field("half_life_days").get_default()
        self.goal.margin = (found["margin"] / Decimal(100)).quantize(Decimal("0.0001"))
        self.goal.where = [
            {"property": found[f"property_{place}"], "is": found[f"is_{place}"]}
            for place in range(CONDITIONS)
            if found.get(f"property_{place}")
        ]
        return self.goal


def _initial(goal: Goal) -> dict[str, Any]:
    told = {field: getattr(goal, field) for field in ("name", "event", "key", "lookback_days", "currency")}
    told["back"] = ", ".join(goal.back)
    told["half_life_days"] = goal.half_life.partition(" ")[0]
    told["margin"] = (goal.margin * 100).normalize().__format__("f")
    for place, one in enumerate(goal.where[:CONDITIONS]):
        told |= {f"property_{place}": one["property"], f"is_{place}": one["is"]}
    return told


def new_goal() -> Goal:
    """What the form of a new goal begins with."""
    return Goal(currency=settings.CURRENCY)
