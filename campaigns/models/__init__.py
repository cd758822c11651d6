"""What attribution and experiments keep: channels, campaigns and their cost, journeys, experiments, saved views."""

from campaigns.models.channels import Channel, ChannelRule, Origin
from campaigns.models.experiments import Arm, Enrolment, EnrolmentFile, EnrolProfile, Experiment, ExperimentTally
from campaigns.models.journeys import Goal, Journey, JourneyBlock
from campaigns.models.named import AudienceChannel, Campaign, CampaignName, Cost
from campaigns.models.views import Report, SavedView

__all__ = [
    "Arm",
    "AudienceChannel",
    "Campaign",
    "CampaignName",
    "Channel",
    "ChannelRule",
    "Cost",
    "EnrolProfile",
    "Enrolment",
    "EnrolmentFile",
    "Experiment",
    "ExperimentTally",
    "Goal",
    "Journey",
    "JourneyBlock",
    "Origin",
    "Report",
    "SavedView",
]
