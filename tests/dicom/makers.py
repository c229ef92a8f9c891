"""Dose reports as makers of many kinds write them, each with the values it must give.

All are invented; structure, units and habits follow PS3.16 and what makers are known to send. A
truth pairs a path in the JSON of a study (`kerma.dicom.dose.as_dict`; dots part its steps) with the
value; lengths and doses are in the units the names carry.
"""

from __future__ import annotations

from tests.dicom import build
from tests.dicom.maker_parts import (
    BODY,
    COMPREHENSIVE_3D,
    CT,
    ENHANCED_XRAY,
    HEAD,
    MAMMOGRAPHY,
    PROJECTION,
    RADIOPHARMACEUTICAL,
    ROTATIONAL,
    STATIONARY,
    Case,
    ct_dose,
    ct_totals,
    event,
    mean_dose,
    numbers,
    plane,
    procedure,
    totals,
)


def biplane_with_all_planes() -> Case:
    """A biplane room that also states the sum of its planes."""
    rows = ("113722", "113725")
    return build.report(
        [
            procedure(PROJECTION),
            totals("A", (rows[0], "0.003", "Gy.m2"), (rows[1], "0.6", "Gy")),
            totals("B", (rows[0], "0.002", "Gy.m2"), (rows[1], "0.4", "Gy")),
            totals("all", (rows[0], "0.005", "Gy.m2"), (rows[1], "1.0", "Gy")),
        ]
    ), {"totals.kap_gy_m2": 0.005, "totals.dose_rp_gy": 1.0}


def biplane() -> Case:
    """Two planes, no sum: the study's total is theirs together."""
    return build.report(
        [
            totals("A", ("113722", "30", "Gy·cm²"), ("113730", "60", "s")),
            totals("B", ("113722", "20", "Gy·cm²"), ("113730", "0.5", "min")),
        ]
    ), {"modality": "RF", "totals.kap_gy_m2": 0.005, "totals.fluoro_time_s": 90.0}


def portable_totals_only() -> Case:
    """A mobile image intensifier: totals, a device type, neither events nor a fluoroscopy time."""
    return build.report(
        [
            procedure(PROJECTION),
            build.code(
                build.dcm("122142", "Acquisition Device Type"),
                build.dcm("113957", "Fluoroscopy-Guided Projection Radiography System"),
            ),
            totals("single", ("113722", "251.5", "cGy·cm²"), ("113725", None, "Gy")),
        ]
    ), {"modality": "RF", "totals.kap_gy_m2": 2.515e-4, "event_count": 0}


def portable_fluoro_kap() -> Case:
    """The same with a fluoroscopy dose-area product and an empty time."""
    return build.report([totals("single", ("113726", "100", "cGy*cm²"), ("113730", None, "s"))]), {
        "modality": "RF",
        "totals.fluoro_kap_gy_m2": 1e-4,
    }


def rotational_run() -> Case:
    """A cone-beam run of an angiography room, in units with dots in the middle."""
    return build.report(
        [
            procedure(PROJECTION),
            totals("single", ("113722", "5.25", "Gy·cm²"), ("113725", "52.5", "mGy")),
            event(
                "1.9.1",
                ROTATIONAL,
                ("122130", "5.25", "Gy·cm²"),
                ("113738", "52500", "µGy"),
                ("112011", "-100", "deg"),
                ("113739", "100", "°"),
                ("113768", "133", "{pulses}"),
                ("113791", "30", "{frames}/s"),
                ("113733", "90", "kVp"),
                ("113736", "12.5", "mA·s"),
            ),
        ]
    ), {
        "modality": "RF",
        "totals.kap_gy_m2": 5.25e-4,
        "totals.dose_rp_gy": 0.0525,
        "events.0.dose_rp_gy": 0.0525,
        "events.0.kind": "rotational",
        "events.0.pulse_rate_per_s": 30.0,
        "events.0.exposure_uas": 12500.0,
        "events.0.primary_angle_deg": -100.0,
    }


def dose_per_pulse_twice() -> Case:
    """The dose-area product of an event stated twice, measured and calculated: one dose."""
    measured = build.num(
        build.dcm("122130"),
        "0.0002",
        "Gy.m2",
        [build.code(build.dcm("121401", "Derivation"), ("R-41D2D", "SRT", "Calculated"))],
    )
    return build.report(
        [event("1.9.2", STATIONARY, ("122130", "0.0002", "Gy.m2"), items=[measured])]
    ), {"totals.kap_gy_m2": 2e-4}


def pulses_in_one_item() -> Case:
    """One number a pulse, in one item with several values."""
    return build.report(
        [
            event(
                "1.9.3",
                STATIONARY,
                ("113733", "80\\81\\79", "kV"),
                ("113734", "500\\510\\505", "mA"),
                ("113735", "5\\5\\5", "msec"),
                ("122130", "12", "uGym^2"),
            )
        ]
    ), {
        "events.0.kvp_kv": [80.0, 81.0, 79.0],
        "events.0.exposure_time_ms": [5.0, 5.0, 5.0],
        "totals.kap_gy_m2": 1.2e-5,
    }


def radiography_units(unit: str, sent: str, kap: float) -> Case:
    return build.report(
        [
            procedure(PROJECTION),
            totals("single", ("113722", sent, unit), ("113731", "1", "1")),
            event("1.9.4", STATIONARY, ("122130", sent, unit), ("113845", "412.5", "1")),
        ]
    ), {
        "modality": "DX",
        "totals.kap_gy_m2": kap,
        "events.0.kap_gy_m2": kap,
        "events.0.exposure_index": 412.5,
    }


def mammogram(laterality: build.Concept, unit: str, sent: str, side: str, agd: float) -> Case:
    side_item = build.code(("272741003", "SCT", "Laterality"), laterality)
    region = build.code(("123014", "DCM", "Target Region"), ("76752008", "SCT", "Breast"))
    region.ContentSequence = [side_item]
    return build.report(
        [
            procedure(MAMMOGRAPHY),
            build.item(
                "CONTAINER",
                build.dcm("113702"),
                [plane("single"), build.num(build.dcm("111637"), sent, unit, [side_item])],
            ),
            event("1.9.5", STATIONARY, ("111631", sent, unit), items=[region]),
        ]
    ), {"modality": "MG", f"totals.agd_mgy_{side}": agd, "events.0.agd_mgy": agd}


def head_and_body_ct() -> Case:
    """A stated sub-total for each phantom belongs to neither the total nor its phantom."""
    subtotals = [
        build.num(
            build.dcm("130745", "CT Dose Length Product Sub-Total"),
            dlp,
            "mGy.cm",
            [build.code(build.dcm("113835"), phantom)],
        )
        for dlp, phantom in (("900", HEAD), ("400", BODY))
    ]
    return build.report(
        [
            procedure(CT),
            ct_totals(build.num(build.dcm("113813"), "1300", "mGy·cm", subtotals)),
            mean_dose(
                "1.9.6",
                ("116152004", "SCT", "Spiral Acquisition"),
                ct_dose("60", "900", "mGy-cm", HEAD),
            ),
            mean_dose(
                "1.9.7",
                ("702569007", "SCT", "Cone Beam Acquisition"),
                ct_dose("10", "400", "mGy*cm", BODY),
            ),
        ]
    ), {
        "modality": "CT",
        "totals.dlp_mgy_cm": 1300.0,
        "events.0.kind": "spiral",
        "events.0.ctdi_phantom": "head",
        "events.1.kind": "cone beam",
        "events.1.ctdi_phantom": "body",
    }


def dual_source_ct() -> Case:
    """Two sources, dynamic scan without table travel, and a phantom the standard added later."""
    sources = [
        build.item(
            "CONTAINER",
            build.dcm("113831"),
            [
                build.text(build.dcm("113832"), name),
                build.num(build.dcm("113733"), kv, "kV"),
                build.num(build.dcm("113833"), ma, "mA"),
                build.num(build.dcm("113834"), "0.25", "sec"),
            ],
        )
        for name, kv, ma in (("A", "90", "300"), ("B", "150", "200"))
    ]
    small = build.dcm("130541", "10 cm Dosimetry Phantom")
    return build.report(
        [
            mean_dose(
                "1.9.8",
                build.dcm("113806", "Stationary Acquisition"),
                ct_dose("5", "20", "mGy x cm", small),
                sources,
            )
        ]
    ), {
        "events.0.kvp_kv": [90.0, 150.0],
        "events.0.max_ma_ma": [300.0, 200.0],
        "events.0.rotation_time_s": [0.25, 0.25],
        "events.0.ctdi_phantom": "10 cm Dosimetry Phantom",
        "events.0.kind": "stationary",
        "totals.dlp_mgy_cm": 20.0,
    }


def three_dimensional_class() -> Case:
    """A dose report in the class of comprehensive reports with three-dimensional coordinates."""
    dataset, truth = radiography_units("cGy·cm²", "50", 5e-5)
    dataset.SOPClassUID = COMPREHENSIVE_3D
    return dataset, truth


def administration() -> Case:
    """Radiopharmaceutical: activity in GBq, no event UID."""
    return build.report(
        [
            build.item(
                "CONTAINER",
                build.dcm("113502", "Radiopharmaceutical Administration"),
                [
                    build.code(
                        ("349358000", "SCT", "Radiopharmaceutical agent"),
                        ("35321007", "SCT", "Fluorodeoxyglucose F^18^"),
                    ),
                    build.num(build.dcm("113507"), "0.372", "GBq"),
                    build.num(build.dcm("113839"), "7.1", "mSv"),
                ],
            )
        ],
        ("113500", "DCM", "Radiopharmaceutical Radiation Dose Report"),
        SOPClassUID=RADIOPHARMACEUTICAL,
    ), {
        "modality": "NM",
        "totals.administered_activity_mbq": 372.0,
        "totals.effective_dose_msv": 7.1,
    }


def enhanced_cone_beam() -> Case:
    """TID 10040: the enhanced dose report, whose containers are others."""
    return build.report(
        [
            procedure(PROJECTION),
            build.item(
                "CONTAINER",
                build.dcm("130500", "Accumulated Dose Data"),
                [
                    build.text(build.dcm("113832"), "1"),
                    *numbers(
                        [
                            ("113722", "0.0004", "Gy.m2"),
                            ("113725", "0.04", "Gy"),
                            ("113855", "20", "s"),
                        ]
                    ),
                ],
            ),
            build.item(
                "CONTAINER",
                build.dcm("130501", "Irradiation Event Summary Data"),
                [
                    build.uid(build.dcm("113769"), "1.9.9"),
                    build.moment(build.dcm("111526"), "20240205101112"),
                    build.moment(build.dcm("111527"), "20240205101132"),
                    build.text(build.dcm("113832"), "1"),
                    build.code(build.dcm("113721"), ROTATIONAL),
                    *numbers([("113738", "0.04", "Gy"), ("122130", "0.0004", "Gy.m2")]),
                ],
            ),
            build.item("CONTAINER", build.dcm("130505", "Irradiation Details"), []),
        ],
        SOPClassUID=ENHANCED_XRAY,
    ), {
        "modality": "RF",
        "event_count": 1,
        "events.0.event_uid": "1.9.9",
        "events.0.kind": "rotational",
        "events.0.start": "2024-02-05T10:11:12",
        "totals.kap_gy_m2": 4e-4,
        "totals.dose_rp_gy": 0.04,
    }


def enhanced_ct() -> Case:
    """TID 10040 of a CT scanner."""
    summary = build.item(
        "CONTAINER",
        build.dcm("130501"),
        [
            build.uid(build.dcm("113769"), "1.9.10"),
            build.code(build.dcm("113721"), ROTATIONAL),
            *ct_dose("7.5", "300", "mGy.cm", BODY),
        ],
    )
    accumulated = build.item(
        "CONTAINER", build.dcm("130500"), [build.num(build.dcm("113813"), "300", "mGy.cm")]
    )
    return build.report([procedure(CT), accumulated, summary], SOPClassUID=ENHANCED_XRAY), {
        "modality": "CT",
        "totals.dlp_mgy_cm": 300.0,
        "events.0.ctdivol_mgy": 7.5,
        "events.0.ctdi_phantom": "body",
    }


def private_totals(unit: str | None) -> Case:
    """A report of totals in the enhanced class, under a private title with codes of its own."""
    own = "99MAKER"
    return build.report(
        [
            build.num(("1", own, "Number of exposures"), "12", None),
            build.num(("2", own, "Cumulative fluoro time"), "93", "s"),
            build.num(("3", own, "Cumulative dose area product"), "1.86", unit),
        ],
        ("9", own, "Radiation totals"),
        SOPClassUID=build.ENHANCED_SR,
    ), {
        "modality": "RF",
        "event_count": 0,
        "totals.kap_gy_m2": 1.86e-4,
        "totals.fluoro_time_s": 93.0,
    }


REPORTS: dict[str, Case] = {
    "biplane": biplane(),
    "biplane, all planes": biplane_with_all_planes(),
    "portable, totals only": portable_totals_only(),
    "portable, fluoroscopy total": portable_fluoro_kap(),
    "rotational run": rotational_run(),
    "one dose twice": dose_per_pulse_twice(),
    "pulses in one item": pulses_in_one_item(),
    "DX in µGy·m²": radiography_units("µGy·m²", "12.5", 1.25e-5),
    "DX in dGy*cm²": radiography_units("dGy*cm²", "1.25", 1.25e-5),
    "DX in mGy cm2": radiography_units("mGy cm2", "125", 1.25e-5),
    "DX in Gy-cm^2": radiography_units("Gy-cm^2", "0.125", 1.25e-5),
    "breast code, dGy": mammogram(("73056007", "SCT", "Right"), "dGy", "0.0123", "right", 1.23),
    "breast code, mGy": mammogram(("T-04030", "SRT", "Left"), "mGy", "1.23", "left", 1.23),
    "head and body CT": head_and_body_ct(),
    "dual source CT": dual_source_ct(),
    "comprehensive 3D class": three_dimensional_class(),
    "radiopharmaceutical": administration(),
    "enhanced, cone beam": enhanced_cone_beam(),
    "enhanced, CT": enhanced_ct(),
    "private totals": private_totals("Gycm2"),
}  # fmt: skip
