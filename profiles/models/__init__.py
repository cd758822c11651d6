"""The people and the evidence about them: profiles, identifiers, links, events, records, traits, and the inbox before them.

Keys are made by the application (`cdp_site.ids`). Whatever belongs to a person has `profile_id` first in its primary key,
so that a cluster can keep a person's rows together. `source_id` names a row of `connectors.Source`, which this app
doesn't know.
"""

from profiles.models.arrival import Batch, Inbox, Message, Rejected
from profiles.models.evidence import Act, Cut, Identifier, IdentifierKind, Link, Merge, Part
from profiles.models.matching import MatchRun, MatchSettings, Suggestion
from profiles.models.people import ChangedProfile, Event, EventName, Profile, ProfileRedirect, Record, TraitValue
from profiles.models.rebuild import Rebuild, RebuildLink, RebuildSeed
from profiles.models.sealing import EventSeal, UnsealedProfile
from profiles.models.traits import TraitCount, TraitPolicy

__all__ = [
    "Act",
    "Batch",
    "ChangedProfile",
    "Cut",
    "Event",
    "EventName",
    "EventSeal",
    "Identifier",
    "IdentifierKind",
    "Inbox",
    "Link",
    "MatchRun",
    "MatchSettings",
    "Merge",
    "Message",
    "Part",
    "Profile",
    "ProfileRedirect",
    "Rebuild",
    "RebuildLink",
    "RebuildSeed",
    "Record",
    "Rejected",
    "Suggestion",
    "TraitCount",
    "TraitPolicy",
    "TraitValue",
    "UnsealedProfile",
]
