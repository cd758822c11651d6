"""Experiments: who was in which arm, and what the difference between the arms is. Only this is called incremental."""
