"""What the patient dose room keeps, by noun."""

from kerma.service.doses.models.alerts import Alert, AlertEntry, AlertRule
from kerma.service.doses.models.estimates import Estimate
from kerma.service.doses.models.explorer import SavedView
from kerma.service.doses.models.inbox import Fetch, SizeImport, Source
from kerma.service.doses.models.levels import Audit, LocalLevel
from kerma.service.doses.models.naming import NameRule, NamingVersion, StandardName
from kerma.service.doses.models.projects import Project
from kerma.service.doses.models.skin import RoomProfile, SkinDose
from kerma.service.doses.models.study import DoseEvent, DoseObject, Quarantined, Study, StudyEdit

__all__ = [
    "Alert",
    "AlertEntry",
    "AlertRule",
    "Audit",
    "DoseEvent",
    "DoseObject",
    "Estimate",
    "Fetch",
    "LocalLevel",
    "NameRule",
    "NamingVersion",
    "Project",
    "Quarantined",
    "RoomProfile",
    "SavedView",
    "SizeImport",
    "SkinDose",
    "Source",
    "StandardName",
    "Study",
    "StudyEdit",
]
