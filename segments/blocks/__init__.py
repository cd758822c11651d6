"""Column blocks: past events of each name and day as packed columns, for questions about everybody.

`sealing` makes them in the background, `reading` answers a stream from them and from what came later, `people` keeps
columns of everybody, `packing` is the form of one block, `check` is the doctor's look. A cache: what isn't there is read
from the tables.
"""
