"""One call of every public calculation, for what must hold of all of them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from kerma.core import Quantity, quantity
from kerma.physics import breast, risk
from kerma.physics.beam.meter import CalibrationPoint
from kerma.physics.mammography.headers import Surveyed
from kerma.physics.mammography.tg282 import Table, read_table
from kerma.physics.shielding import Beam, Source, bir, ncrp, per_patient
from kerma.physics.shielding.isodose import MapPoint


def q(value: float, unit: str = "1", u: float | None = None) -> Quantity:
    """Return a quantity."""
    return quantity(value, unit, u)


TABLE: dict[str, Any] = {
    "schema": "kerma-breast-table/1", "model": "TG-282", "edition": "invented for a test",
    "document": "none", "supplied_by": "a test", "quantity": "mGy/mGy",
    "rows": [
        {"target_filter": "W/Rh", "breast": "average", "thickness_mm": t, "hvl_mm_al": h,
         "value": 20.0 * h / t} for t in (40, 50, 60) for h in (0.5, 0.6)
    ],
}  # fmt: skip


def table(content: dict[str, Any] | None = None) -> Table:
    """Return a breast table of figures made up for the tests."""
    data = json.dumps(content or TABLE).encode()
    return read_table(data, sha256=hashlib.sha256(data).hexdigest())


FLOOR = "Rad Room (floor or other barriers)"
LEAD = Beam("primary", kv=100.0)
HISTOGRAM = ((q(70, "kV"), q(100, "Gy.cm2", 5)), (q(85, "kV"), q(300, "Gy.cm2")),
             (q(110, "kV"), q(100, "Gy.cm2")))  # fmt: skip
ISODOSE = tuple(
    MapPoint(x, y, q(0.2 / (x * x + y * y), "mGy"))
    for x in (1.0, 2.0, 3.0) for y in (-2.0, -1.0, 0.0, 1.0, 2.0)
)  # fmt: skip
SURVEY = (Surveyed(q(28, "kV"), q(0.52, "mm Al", 0.01), q(45, "uGy/mAs", 1)),
          Surveyed(q(31, "kV"), q(0.55, "mm Al", 0.01), q(58, "uGy/mAs", 1)))  # fmt: skip
FIELD: dict[str, Any] = {"field_area": q(1000, "cm2"), "field_distance": q(1, "m"),
                         "angle": q(90, "deg")}  # fmt: skip


def _ncrp() -> Source:
    return ncrp.secondary_source(FLOOR, patients=q(125), distance=q(2, "m"), direction="side")


def _uk() -> Source:
    kerma = bir.wall_scatter(q(500, "Gy.cm2"), q(85, "kV"), distance=q(1.5, "m", 0.05))
    return bir.source(kerma, 85.0)


def _detriment() -> Any:
    return risk.nominal_detriment(q(1.2, "mSv", 0.2))


def _pmma() -> Any:
    return breast.pmma_dose(q(5, "mGy", 0.1), q(0.5, "mm Al"), q(45, "mm"), target_filter="W/Rh")


def _tube() -> dict[str, Any]:
    return {"angle": q(12, "deg")}


AL = {"Al": q(2.5, "mm Al")}
CASES: dict[str, dict[str, Any]] = {
    "beam.distance.focus_offset": {
        "near": q(4, "mGy", 0.02), "far": q(1, "mGy"), "near_distance": q(500, "mm"),
        "far_distance": q(1010, "mm")},
    "beam.distance.inverse_square": {
        "kerma": q(1, "mGy", 0.02), "distance": q(100, "cm"), "wanted": q(75, "cm"),
        "focus_offset": q(0, "mm", 5)},
    "beam.meter.calibration_factor": {
        "points": (CalibrationPoint("RQR 4", q(1.01, "1", 0.01)),
                   CalibrationPoint("RQR 6", q(1.03, "1", 0.02))), "at": q(2.7, "mm Al", 0.05)},
    "beam.minimum.against_minimum": {
        "hvl": q(2.8, "mm Al", 0.05), "kv": q(75, "kV"), "standard": "IEC 60601-1-3:2008 Table 3"},
    "beam.output.deviation": {"measured": q(1.1, "mGy", 0.02), "expected": q(1, "mGy", 0.03)},
    "beam.output.expected_kerma": {
        "measured": q(1, "mGy", 0.02), "measured_kv": q(70, "kV"), "measured_mas": q(20, "mAs"),
        "measured_distance": q(100, "cm"), "measured_filtration": AL, "kv": q(80, "kV"),
        "mas": q(10, "mAs"), "distance": q(150, "cm"), "filtration": AL, **_tube()},
    "beam.quality.half_value_layer": {"kv": q(80, "kV"), "filtration": AL, **_tube()},
    "beam.quality.total_filtration": {
        "hvl": q(2.9, "mm Al", 0.05), "kv": q(80, "kV"), **_tube()},
    "breast.incident_kerma": {
        "output": q(50, "uGy/mAs"), "mas": q(90, "mAs"), "output_distance": q(60, "cm"),
        "support_distance": q(66, "cm"), "thickness": q(50, "mm")},
    "breast.mean_glandular_dose": {
        "kerma": q(5, "mGy"), "hvl": q(0.5, "mm Al"), "thickness": q(50, "mm"),
        "composition": "women 50-64", "target_filter": "W/Rh"},
    "breast.pmma_dose": {
        "kerma": q(5, "mGy"), "hvl": q(0.5, "mm Al"), "thickness": q(45, "mm"),
        "target_filter": "W/Rh"},
    "ct.effective_dose": {
        "dlp": q(400, "mGy.cm", 20), "set_name": "AAPM96_EUR16262", "region": "chest",
        "phantom": "body"},
    "ct.ssde": {"ctdivol": q(10, "mGy"), "diameter": q(30, "cm"), "phantom": "body"},
    "ctdi.ctdi100": {"integral": q(30, "mGy.cm", 0.3), "collimation": q(20, "mm")},
    "ctdi.display_deviation": {"displayed": q(21, "mGy"), "measured": q(20, "mGy", 1)},
    "ctdi.dlp": {"ctdivol": q(20, "mGy"), "length": q(30, "cm"), "phantom": "body"},
    "ctdi.dose_length": {"reading": q(3, "mGy"), "chamber_length": q(100, "mm")},
    "ctdi.free_air": {
        "integral": q(30, "mGy.cm", 0.3), "collimation": q(20, "mm"), "mas": q(100, "mAs")},
    "ctdi.geometric_efficiency": {"collimation": q(20, "mm"), "dose_width": q(25, "mm")},
    "ctdi.volume": {"ctdi_w": q(30, "mGy"), "pitch": q(1.5), "phantom": "body"},
    "ctdi.weighted": {
        "centre": q(20, "mGy.cm"), "edges": tuple(q(40, "mGy.cm") for _ in range(4)),
        "collimation": q(20, "mm"), "phantom": "body"},
    "fetal.cancer_risk": {"dose": q(5, "mGy", 1)},
    "fetal.fatal_cancer_risk": {"dose": q(5, "mGy", 1)},
    "fetal.typical": {"examination": "Lumbar spine"},
    "mammography.headers.mgd": {
        "kvp": q(29, "kV"), "anode": "TUNGSTEN", "filter_material": "RHODIUM",
        "thickness": q(55, "mm"), "composition": "women 50-64", "mas": q(90, "mAs"),
        "survey": SURVEY, "output_distance": q(60, "cm"), "support_distance": q(66, "cm")},
    "mammography.limits.against_limits": {"dose": _pmma()},
    "mammography.tg282.mean_glandular_dose": {
        "kerma": q(5, "mGy"), "hvl": q(0.55, "mm Al"), "thickness": q(45, "mm"),
        "target_filter": "W/Rh", "breast": "average", "table": table()},
    "organ.dose": {
        "reading": q(2, "Gy.cm2"), "coefficient": q(1.5, "mGy/(Gy.cm2)", 0.2), "organ": "uterus",
        "document": "a test", "conditions": "none"},
    "projection.backscatter_factor": {
        "kv": q(80, "kV"), "hvl": q(3, "mm Al"), "width": q(20, "cm"), "height": q(25, "cm")},
    "projection.effective_dose": {
        "kap": q(20, "Gy.cm2", 1), "set_name": "Brambilla 2017",
        "examination": "Coronary angiography"},
    "projection.entrance_surface_dose": {
        "incident": q(1, "mGy", 0.02), "kv": q(80, "kV"), "hvl": q(3, "mm Al"),
        "width": q(20, "cm"), "height": q(25, "cm")},
    "projection.entrance_surface_kerma": {
        "incident": q(1, "mGy", 0.02), "kv": q(80, "kV"), "hvl": q(3, "mm Al"),
        "width": q(20, "cm"), "height": q(25, "cm")},
    "projection.incident_air_kerma": {
        "output": q(50, "uGy/mAs", 1), "mas": q(20, "mAs"), "output_distance": q(100, "cm"),
        "distance": q(80, "cm")},
    "projection.incident_from_kap": {
        "kap": q(1000, "mGy.cm2"), "width": q(20, "cm"), "height": q(25, "cm"),
        "field_distance": q(100, "cm"), "distance": q(80, "cm")},
    "risk.lifetime_risk": {"dose": q(10, "mGy", 1), "sex": "F", "age": q(37, "y")},
    "risk.nominal_detriment": {"dose": q(1.2, "mSv", 0.2)},
    "risk_words.in_words": {"risk": _detriment(), "effective_dose": q(1.2, "mSv")},
    "shielding.archer.thickness": {"material": "lead", "wanted": q(0.01), "beam": LEAD},
    "shielding.archer.transmission": {
        "material": "lead", "x": q(1, "mm", 0.05), "beam": LEAD},
    "shielding.barrier.behind": {
        "sources": (_ncrp(),), "material": "lead", "x": q(1, "mm"), "period": "week"},
    "shielding.barrier.required": {
        "sources": (_ncrp(),), "material": "lead", "goal": q(0.02, "mGy"), "occupancy": q(1),
        "period": "week"},
    "shielding.barrier.standard_lead": {"x": q(1.3, "mm")},
    "shielding.bir.barrier": {
        "sources": (_uk(),), "material": "lead", "occupancy": q(1)},
    "shielding.bir.ct": {
        "region": "body", "dlp": q(1e6, "mGy.cm"), "phantom": "body", "distance": q(2, "m")},
    "shielding.bir.dental": {
        "modality": "panoramic", "kap": q(1, "Gy.cm2"), "distance": q(1, "m")},
    "shielding.bir.primary": {
        "kap": q(100, "Gy.cm2"), "field_area": q(1000, "cm2"), "field_distance": q(1, "m"),
        "distance": q(2, "m")},
    "shielding.bir.scatter": {
        "kap": q(500, "Gy.cm2"), "kv": q(85, "kV"), "angle": q(117, "deg"),
        "distance": q(1.5, "m")},
    "shielding.bir.wall_scatter": {
        "kap": q(500, "Gy.cm2"), "kv": q(85, "kV"), "distance": q(1.5, "m")},
    "shielding.histogram.kap_workload": {
        "histogram": HISTOGRAM, "field_area": q(1000, "cm2", 50), "field_distance": q(1, "m")},
    "shielding.histogram.scatter": {
        "histogram": HISTOGRAM, "angle": q(117, "deg"), "distance": q(1.5, "m", 0.05)},
    "shielding.isodose.kerma": {
        "points": ISODOSE, "x": q(1.3, "m", 0.05), "y": q(0.4, "m"), "workload": q(100),
        "per": q(1), "largest_gap": q(1.5, "m"), "document": "a test"},
    "shielding.layers.layers": {
        "stack": (("lead", q(1, "mm")), ("gypsum_wallboard", q(25, "mm"))), "beam": LEAD},
    "shielding.mixed.secondary": {
        "of": {70.0: 40.0, 100.0: 20.0}, "patients": q(1), "distance": q(2, "m"),
        "leakage_distance": q(2.2, "m"), **FIELD},
    "shielding.ncrp.barrier": {
        "sources": (_ncrp(),), "material": "lead", "area": "uncontrolled", "occupancy": q(1)},
    "shielding.ncrp.ct": {
        "region": "body", "procedures": q(150), "dlp": q(770, "mGy.cm"), "phantom": "body",
        "distance": q(3, "m")},
    "shielding.ncrp.primary": {
        "distribution": FLOOR, "patients": q(125), "distance": q(4.1, "m"), "use": q(0.89)},
    "shielding.ncrp.secondary": {
        "distribution": FLOOR, "patients": q(125), "distance": q(2, "m"), "direction": "side"},
    "shielding.workload.per_patient": {"of": {100.0: 2.0}, **FIELD},
    "shielding.workload.unshielded": {
        "per": per_patient({100.0: 2.0}, **FIELD), "what": "scatter", "patients": q(10),
        "distance": q(2, "m"), "use": q(1)},
    "staff.effective_dose": {
        "algorithm": "Webster 1989 (used by US regulators)", "over": q(1, "mSv", 0.1),
        "under": q(0.1, "mSv"), "thyroid_shield": True},
}  # fmt: skip
