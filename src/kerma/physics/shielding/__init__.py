"""Structural shielding: transmission, NCRP 147, the UK method by KAP and DLP, kerma over a plan.

Two methods, never mixed in one barrier: `ncrp` counts a week, `bir` a year.
"""

from kerma.physics.shielding.archer import Beam, curve, materials, thickness, transmission
from kerma.physics.shielding.barrier import Source, behind, required, standard_lead
from kerma.physics.shielding.layers import layers
from kerma.physics.shielding.room import KermaMap, PlanBarrier, PlanSource, kerma_at, kerma_map
from kerma.physics.shielding.workload import per_patient

__all__ = [
    "Beam",
    "KermaMap",
    "PlanBarrier",
    "PlanSource",
    "Source",
    "behind",
    "curve",
    "kerma_at",
    "kerma_map",
    "layers",
    "materials",
    "per_patient",
    "required",
    "standard_lead",
    "thickness",
    "transmission",
]
