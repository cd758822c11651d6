"""Experiments: their arms, and who was put into which since when."""

from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


class Experiments(models.QuerySet["Experiment"]):
    def listed(self) -> "Experiments":
        """Those that nobody put away."""
        return self.filter(archived_at=None)


class Experiment(models.Model):
    """A test or holdout, made from what arrives (`Experiment Viewed`), a file, or by hand."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    key = models.TextField(unique=True, help_text="experiment_id as it is sent.")
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    channel = models.ForeignKey(
        "campaigns.Channel", null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False
    )
    campaign = models.ForeignKey(
        "campaigns.Campaign", null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False
    )
    days = models.PositiveSmallIntegerField(default=14, help_text="How long after somebody's enrolment outcomes count.")
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it is in no list; it goes on to be followed."
    )
    file_inbox_id = models.BigIntegerField(
        null=True, blank=True, help_text="Of its last file the last row in the inbox: no result before it is followed."
    )

    objects = Experiments.as_manager()

    class Meta:
        db_table = "experiment"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class Arm(models.Model):
    """An arm: exactly one of an experiment's is the control. `share` is what was planned, for the sample-ratio check."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms", db_constraint=False)
    key = models.TextField(help_text="variation_id as it is sent.")
    name = models.CharField(max_length=200)
    control = models.BooleanField(default=False)
    share = models.FloatField(null=True, blank=True, help_text="Planned; arms without one share what is left equally.")

    class Meta:
        db_table = "experiment_arm"
        ordering = ["-control", "name"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "key"], name="experiment_arm_unique"),
            models.UniqueConstraint(
                fields=["experiment"], condition=models.Q(control=True), name="experiment_one_control"
            ),
        ]


class Enrolment(models.Model):
    """Who was put into an arm, and since when (the first message that said so). In several arms of one experiment: in two
    rows, and counted in none (`campaigns.experiments`)."""

    pk = models.CompositePrimaryKey("profile_id", "experiment_id", "arm_id")
    profile_id = models.BigIntegerField()
    experiment_id = models.BigIntegerField()
    arm_id = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "enrolment"
        indexes = [models.Index(fields=["experiment_id", "arm_id", "profile_id"], name="enrolment_of_experiment")]


class EnrolProfile(models.Model):
    """Queue: a person whose enrolments may have changed. Claimed by `campaigns.experiments.enrol`."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    profile_id = models.BigIntegerField()

    class Meta:
        db_table = "enrol_profile"


class EnrolmentFile(models.Model):
    """A file of who was in which arm, uploaded and not sent yet: somebody is looking at what it would do."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=200)
    body = models.BinaryField()
    chosen = models.JSONField(
        default=dict, help_text="What was chosen in the form: campaigns.experiments.files.Chosen."
    )
    created_by = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "enrolment_file"


class ExperimentTally(models.Model):
    """An experiment counted on one outcome: what pages show for a while. A cache; `campaigns.experiments.tallies`."""

    pk = models.CompositePrimaryKey("experiment_id", "outcome")
    experiment_id = models.BigIntegerField()
    outcome = models.TextField(help_text="campaigns.experiments.outcomes.Outcome.key")
    days = models.PositiveSmallIntegerField(help_text="The experiment's, when it was counted.")
    at = models.DateTimeField()
    seconds = models.FloatField(default=0, help_text="What counting it took.")
    stale = models.BooleanField(default=False, help_text="Somebody came to an arm, or left one, since.")
    body = models.JSONField()

    class Meta:
        db_table = "experiment_tally"
