"""Attribution: from events to touchpoints, journeys and conversions, and from those to shares by model.

What comes of it is never called incremental or causal: it says who stood by. Only an experiment says what was added
(`campaigns.experiments`).
"""
