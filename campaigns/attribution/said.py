"""What one event says of where somebody came from. Pure: texts to texts.

Which events are touchpoints of their own, which properties are read, and in which order: docs/attribution.md.
"""
