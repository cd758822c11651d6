"""A form field for what must never be shown again: write-only, and empty means 'as it was'."""

from typing import Any

from django import forms


class SecretField(forms.CharField):
    """A secret in a destination's settings. `made` ones are made by us when nothing was entered."""

    def __init__(self, *, made: bool = False, **kwargs: Any) -> None:
        self.made = made
        self.needed = kwargs.pop("required", True) and not made
        kwargs.setdefault(
            "widget", forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "size": 60})
        )
        super().__init__(required=False, **kwargs)

    def note_stored(self, stored: bool) -> None:
        """Whether there is one already: then it may be left empty."""
        self.required = self.needed and not stored
        self.widget.is_required = self.required
        if stored:
            self.help_text = "One is stored and isn't shown again; leave empty to keep it."
