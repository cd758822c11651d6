"""From a rule and columns to answers. Pure NumPy: no database, no clock of its own.

One evaluator for counting, filling, following, explaining and the doctor: `answers` asks a rule at points (a person at a
moment), `windows` finds events, `totals` adds them up, `chains` follows sequences, `turning` says when time may turn it.
"""

from segments.evaluate.answers import Answers, Found, evaluate, next_change, ranked, sampled
from segments.evaluate.windows import Points, View
from segments.load import NEVER

__all__ = ["NEVER", "Answers", "Found", "Points", "View", "evaluate", "next_change", "ranked", "sampled"]
