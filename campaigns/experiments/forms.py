"""What may be said of an experiment by hand: its name, what it is about, its control and planned shares; and a file of it."""

from typing import Any

from django import forms
from django.db import transaction

from campaigns.experiments import files
from campaigns.experiments.statistics import planned
from campaigns.models import Arm, Campaign, Channel, Experiment

MOST_DAYS = 365


class About(forms.ModelForm):
    """Beside the model's fields one for each arm's name and share, and which of them is the control."""

    class Meta:
        model = Experiment
        fields = ["name", "description", "channel", "campaign", "days"]
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["channel"].queryset = Channel.objects.all()  # type: ignore[attr-defined]
        self.fields["campaign"].queryset = Campaign.objects.exclude(status=Campaign.Status.MERGED)  # type: ignore[attr-defined]
        for name in ("channel", "campaign"):
            self.fields[name].empty_label = "none"  # type: ignore[attr-defined]
        self.fields["days"] = forms.IntegerField(min_value=1, max_value=MOST_DAYS, initial=14)
        self.arms = list(self.instance.arms.all())
        self.fields["control"] = forms.ChoiceField(
            choices=[("", "not known yet"), *((str(arm.pk), arm.name) for arm in self.arms)],
            required=False,
            initial=next((str(arm.pk) for arm in self.arms if arm.control), ""),
        )
        for arm in self.arms:
            self.fields[f"name-{arm.pk}"] = forms.CharField(max_length=200, initial=arm.name)
            self.fields[f"share-{arm.pk}"] = forms.FloatField(
                required=False, min_value=0.01, max_value=100, initial=None if arm.share is None else 100 * arm.share
            )

    def rows(self) -> list[tuple[Arm, forms.BoundField, forms.BoundField]]:
        """The arms with their two fields."""
        return [(arm, self[f"name-{arm.pk}"], self[f"share-{arm.pk}"]) for arm in self.arms]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        shares = self._shares(given)
        if self.arms and not self.errors and planned(shares) is None:
            self.add_error(
                None, "The planned shares are more than 100 % together, or leave nothing for the other arms."
            )
        if shares and all(share is not None for share in shares) and abs(sum(filter(None, shares)) - 1) > 0.005:
            self.add_error(None, "The planned shares must be 100 % together.")
        return given

    def _shares(self, given: dict[str, Any]) -> list[float | None]:
        said = [given.get(f"share-{arm.pk}") for arm in self.arms]
        return [None if share is None else share / 100 for share in said]

    @transaction.atomic
    def save(self, commit: bool = True) -> Experiment:
        saved = super().save(commit)
        given = self.cleaned_data
        # First none is the control: there may never be two.
        self.instance.arms.update(control=False)
        for arm, share in zip(self.arms, self._shares(given), strict=True):
            arm.name, arm.share = given[f"name-{arm.pk}"], share
            arm.control = given["control"] == str(arm.pk)
            arm.save()
        return saved


class Upload(forms.Form):
    """A file that says who is in which arm."""

    file = forms.FileField(max_length=200)


class Reading(forms.Form):
    """How an uploaded file is to be read."""

    experiment = forms.ChoiceField(required=False)
    name = forms.CharField(max_length=200, required=False)
    identifier = forms.ChoiceField()
    kind = forms.ChoiceField()
    arm = forms.ChoiceField()
    since = forms.ChoiceField(required=False)
    start = forms.CharField(max_length=40)
    control = forms.CharField(max_length=files.MOST_KEY, required=False)

    def __init__(self, given: Any, table: files.Table, kinds: list[tuple[str, str]]) -> None:
        super().__init__(given)
        columns = [(name, name) for name in table.head]
        there = [(one.key, one.name) for one in Experiment.objects.listed()[:500]]
        self.fields["experiment"].choices = [("", "a new one"), *there]  # type: ignore[attr-defined]
        self.fields["identifier"].choices = columns  # type: ignore[attr-defined]
        self.fields["arm"].choices = columns  # type: ignore[attr-defined]
        self.fields["since"].choices = [("", "no column: all at the moment below"), *columns]  # type: ignore[attr-defined]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]

    def clean_start(self) -> str:
        start: str = self.cleaned_data["start"]
        try:
            files.moment(start)
        except ValueError:
            raise forms.ValidationError("Write it as 2026-01-31 or 2026-01-31T12:00.") from None
        return start

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not given.get("experiment") and not (given.get("name") or "").strip():
            self.add_error("name", "Give the experiment a name.")
        if given.get("identifier") and given.get("identifier") == given.get("arm"):
            self.add_error("arm", "The person and the arm can't be the same column.")
        return given

    def chosen(self) -> files.Chosen:
        """What was chosen. A new experiment's key is its name."""
        given = self.cleaned_data
        name = " ".join(given["name"].split())
        key = given["experiment"] or name
        old = Experiment.objects.filter(key=key).first()
        return files.Chosen(
            key, old.name if old else name, given["identifier"], given["kind"], given["arm"], given["since"] or "",
            given["start"], given["control"],
        )  # fmt: skip
