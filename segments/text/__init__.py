"""The language of rules: a rule as text (`writing`) and back (`reading`). docs/segments.md has its grammar."""

from segments.text.reading import MAX_LENGTH, parse
from segments.text.tokens import TextError
from segments.text.writing import WIDE, to_text

__all__ = ["MAX_LENGTH", "WIDE", "TextError", "parse", "to_text"]
