"""What the frame itself keeps: which stage has a wake-up waiting."""

from django.db import models


class Stage(models.Model):
    """A stage of the data's way. `woken` means: a task is queued that will look for work after now."""

    name = models.CharField(max_length=30, primary_key=True)
    woken = models.BooleanField(default=False)
    woken_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "stage"
