"""Peak skin dose from what a fluoroscopy system reports; see ``docs/methods/skin-dose.md``."""

from kerma.physics.skin.dose import Settings, skin_dose
from kerma.physics.skin.ensemble import Ensemble
from kerma.physics.skin.events import ExposureEvent, Opening, Patient
from kerma.physics.skin.phantom import Phantom, cylinder, plane, sized
from kerma.physics.skin.profile import RoomProfile, built_in, profile_for
from kerma.physics.skin.result import SkinDoseMap

__all__ = [
    "Ensemble",
    "ExposureEvent",
    "Opening",
    "Patient",
    "Phantom",
    "RoomProfile",
    "Settings",
    "SkinDoseMap",
    "built_in",
    "cylinder",
    "plane",
    "profile_for",
    "sized",
    "skin_dose",
]
