"""The form for a kind of identifiers: every rule checked, in words that say how to mend it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from profiles import patterns
from profiles.identifiers import FIRST_OWN, LAST_OWN
from profiles.kinds import BUILT_IN, FORMS_OF, MOST_VALUES, ROLES_OF, rules_of
from profiles.models import IdentifierKind
from profiles.normalise import FORM_CHOICES


class Lines(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea

    def __init__(self, **given: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 4, "cols": 60}), **given)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        lines = [line.strip() for line in (value or "").replace("\0", "").splitlines()]
        return list(dict.fromkeys(filter(None, lines)))

    def validate(self, value: Any) -> None:
        if len(value) > MOST_VALUES:
            raise forms.ValidationError(
                f"{len(value):,} lines; {MOST_VALUES:,} is the most. A pattern may say it shorter."
            )


class KindForm(forms.ModelForm):
    """Rules of one kind. The name is for good; built-in kinds keep what they are."""

    blocked = Lines(label="Blocked values", help_text="One a line; whatever the case. They never identify anybody.")
    patterns = Lines(
        label="Blocked patterns",
        help_text="Regular expressions, one a line. A value that one matches from its beginning to its end, whatever the"
        " case, never identifies anybody. At most two of * and +.",
    )
    trusted = Lines(
        label="A person's all the same",
        help_text="One a line, in normal form. Never taken for shared, however often seen.",
    )

    class Meta:
        model = IdentifierKind
        fields = [
            "name", "label", "priority", "role", "identifies", "form", "limit_per_profile", "shared_above", "yields_after",
            "blocked", "patterns", "trusted",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        id = self.instance.pk
        if id is not None and "name" in self.fields:
            self.fields["name"].disabled = True
        for name, allowed, choices in (
            ("form", FORMS_OF.get(id), FORM_CHOICES),
            ("role", ROLES_OF.get(id, ("merge", "suggest")), IdentifierKind.Role.choices),
        ):
            if name in self.fields and allowed:
                self.fields[name].choices = [one for one in choices if one[0] in allowed]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.instance.pk is None and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise forms.ValidationError(
                "Small letters, digits and _ only, a letter first: it is what senders write as `type`."
            )
        return name

    def clean_priority(self) -> int:
        priority: int = self.cleaned_data["priority"]
        other = IdentifierKind.objects.filter(priority=priority).exclude(pk=self.instance.pk).first()
        if other:
            free = _free_beside(priority, IdentifierKind.objects.values_list("priority", flat=True))
            raise forms.ValidationError(f"{priority} is the priority of {other.label}; {free} is free, for example.")
        return priority

    def clean_blocked(self) -> list[str]:
        return [value.lower() for value in self.cleaned_data["blocked"]]

    def clean_patterns(self) -> list[str]:
        wrong = [f"'{one}' {said}" for one in self.cleaned_data["patterns"] if (said := patterns.problem(one))]
        if wrong:
            raise forms.ValidationError(wrong)
        found: list[str] = self.cleaned_data["patterns"]
        return found

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        both = {*cleaned.get("blocked", ())} & {value.lower() for value in cleaned.get("trusted", ())}
        if both:
            self.add_error(
                "trusted", f"{', '.join(sorted(both))}: blocked and a person's at once; leave it in one list."
            )
        if self.instance.pk is None and not self.errors:
            taken = set(IdentifierKind.objects.values_list("id", flat=True))
            free = next((id for id in range(FIRST_OWN, LAST_OWN + 1) if id not in taken), None)
            if free is None:
                raise forms.ValidationError(
                    f"There are {LAST_OWN - FIRST_OWN + 1} kinds of your own already, the most."
                )
            self.instance.id = free
        return cleaned


def _free_beside(priority: int, taken: Iterable[int]) -> int:
    used = set(taken)
    return min((one for one in range(1, 1_001) if one not in used), key=lambda one: (abs(one - priority), one))


_WORDS = {
    "limit_per_profile": "at most {} a person",
    "shared_above": "shared when seen with more than {}",
    "yields_after": "yields after {} days",
    "priority": "priority {}",
    "role": "{}",
}


def in_words(kind: IdentifierKind, before: Mapping[str, Any]) -> str:
    """What is different of a kind's rules, in a line."""
    said = []
    for field, now in rules_of(kind).items():
        was = before.get(field)
        if now == was:
            continue
        if field in _WORDS:
            said.append(_WORDS[field].format(now) + f" (was {was})" * (was is not None))
        elif isinstance(now, list):
            more, less = [one for one in now if one not in (was or [])], [one for one in was or [] if one not in now]
            name = {"blocked": "blocked", "patterns": "blocked by pattern", "trusted": "a person's all the same"}[field]
            said += [f"{len(more)} more {name}"] * bool(more) + [f"{len(less)} no longer {name}"] * bool(less)
        else:
            said.append(f"{field} {now}")
    return f"{kind.label}: {', '.join(said)}" if said else ""


__all__ = ["BUILT_IN", "KindForm", "Lines", "in_words"]
