"""What is kept about the top: for each that live segments ask for the lowest value that is still among it."""

from django.db import models


class Ranking(models.Model):
    """The threshold of a top (`segments.ranking`). A small table, the same on every node."""

    key = models.CharField(max_length=64, primary_key=True, help_text="Digest of the top's `rules.key`.")
    top = models.JSONField(help_text="What is ranked, as a rule.")
    threshold = models.FloatField(help_text="Infinity where nobody has a value above 0.")
    at = models.DateTimeField(help_text="As of when everybody was ranked.")

    class Meta:
        app_label = "segments"
        db_table = "segment_ranking"
