"""People who share no identifier and may be one person all the same: found by probability, joined by people or by rule.

The way: `job` (the stage) writes the people's traits to a file, `engine` (a process of its own, the only one that loads
Splink and DuckDB) learns from them and scores pairs, `intake` keeps what it found as suggestions, `review` shows them and
`decide` makes links or cuts of the answers.
"""
