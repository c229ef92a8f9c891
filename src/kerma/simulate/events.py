"""Invented irradiation events of one attendance, by kind of equipment.

Within an event the figures hang together as a real device's do: DLP is CTDIvol times length, kerma
at the reference point is kerma-area product over area, charge is current times time. The
distributions are choices of the simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from kerma.simulate.dose_truth import EventTruth
from kerma.simulate.seeding import uid

FLUOROSCOPIC = ("fluoroscopy", "interventional", "cbct_other", "cbct_dental")
BREAST = ("mammography", "tomosynthesis")


@dataclass(frozen=True, slots=True)
class Draw:
    """What the events of one attendance are drawn from.

    `factor` is the dose relative to a patient of reference mass; `plan` and `exam` are entries of
    ``data/examinations.yaml``.
    """

    rng: np.random.Generator
    exam: Mapping[str, Any]
    plan: Mapping[str, Any]
    started: datetime
    factor: float
    study_uid: str
    seed: int

    def event_uid(self, index: int) -> str:
        """Return the Irradiation Event UID of an event of the attendance."""
        return uid(self.seed, self.study_uid, "event", index)

    def lognormal(self, median: float, spread: float) -> float:
        """Draw with a median and a geometric standard deviation."""
        return median * math.exp(math.log(spread) * float(self.rng.standard_normal()))


def significant(value: float, digits_kept: int = 4) -> float:
    """Round to the figures a device would print, so that truth and file agree exactly."""
    return float(f"{value:.{digits_kept}g}")


def bounded(rng: np.random.Generator, spec: Sequence[float]) -> float:
    """Draw a normal deviate (mean, deviation) held within (low, high)."""
    mean, deviation, low, high = spec
    return float(np.clip(rng.normal(mean, deviation), low, high))


def events_for(equipment_type: str) -> Callable[[Draw], Iterator[EventTruth]]:
    """Return the function that draws the events of a kind of equipment."""
    if equipment_type == "ct":
        return _ct_events
    if equipment_type in BREAST:
        return _breast_events
    return _screening_events if equipment_type in FLUOROSCOPIC else _radiographs


def _ct_events(draw: Draw) -> Iterator[EventTruth]:
    """Give a topogram and one spiral; DLP is CTDIvol times the irradiated length."""
    exam, started = draw.exam, draw.started
    length = significant(draw.lognormal(*exam["length_mm"]))
    top = draw.plan["topogram"]
    region = {"region": str(exam["region"])}
    top_dlp = significant(top["ctdivol_mgy"] * length / 10, 3)
    yield EventTruth(
        draw.event_uid(0),
        "constant_angle",
        "Topogram",
        started,
        {
            "ctdivol_mgy": top["ctdivol_mgy"],
            "dlp_mgy_cm": top_dlp,
            "length_mm": length,
            "kv": top["kv"],
            "ma": top["ma"],
            "single_collimation_mm": top["collimation_mm"][0],
            "total_collimation_mm": top["collimation_mm"][1],
        },
        {**region, "phantom": "phantom_body"},
    )
    head = exam["phantom"] == "head"
    # The head changes little with body mass.
    ctdivol = significant(
        draw.lognormal(exam["ctdivol_mgy"], exam["spread"]) * (1 if head else draw.factor)
    )
    single, total = exam["collimation_mm"]
    turns = length / (total * exam["pitch"])
    current = ctdivol * exam["mas_per_mgy"] * exam["pitch"] / exam["rotation_s"]
    yield EventTruth(
        draw.event_uid(1),
        "spiral",
        str(exam["protocol"]),
        started + timedelta(seconds=75),
        {
            "ctdivol_mgy": ctdivol,
            "dlp_mgy_cm": significant(ctdivol * length / 10, 5),
            "length_mm": length,
            "kv": exam["kv"],
            "ma": significant(current, 3),
            "ma_max": significant(1.4 * current, 3),
            "rotation_s": exam["rotation_s"],
            "time_s": significant(turns * exam["rotation_s"], 3),
            "pitch": exam["pitch"],
            "single_collimation_mm": single,
            "total_collimation_mm": total,
        },
        {**region, "phantom": f"phantom_{exam['phantom']}"},
    )


def _breast_events(draw: Draw) -> Iterator[EventTruth]:
    """Give four views; glandular dose rises with compressed thickness, 2 % a millimetre."""
    rng, exam, started = draw.rng, draw.exam, draw.started
    thickness = bounded(draw.rng, exam["thickness_mm"])
    views = [(side, view) for side in ("right", "left") for view in ("view_cc", "view_mlo")]
    for index, (side, view) in enumerate(views):
        depth = round(thickness + float(rng.normal(0, 3)) + (3 if view == "view_mlo" else 0))
        agd = draw.lognormal(exam["agd_mgy"], exam["spread"]) * math.exp(0.02 * (depth - 55))
        current, mas = 100.0, significant(70 * agd, 3)
        yield EventTruth(
            draw.event_uid(index),
            "stationary",
            f"{side[0].upper()} {view.removeprefix('view_').upper()}",
            started + timedelta(seconds=70 * index),
            {
                "agd_mgy": significant(agd, 3),
                "entrance_mgy": significant(agd * 3.4, 3),
                "kv": exam["kv"],
                "ma": current,
                "time_ms": significant(mas / current * 1000),
                "exposure_uas": significant(mas * 1000),
                "hvl_mm": exam["hvl_mm"],
                "thickness_mm": float(depth),
                "force_n": round(bounded(draw.rng, exam["force_n"])),
                "filter_mm": exam["filter_mm"],
                "source_detector_mm": 660.0,
            },
            {"region": "breast", "side": side, "view": view, "filter": str(exam["filter"])},
        )


def _radiographs(draw: Draw) -> Iterator[EventTruth]:
    """Give one exposure per view; mAs and kerma-area product move together."""
    rng, exam, started = draw.rng, draw.exam, draw.started
    scale = draw.lognormal(1.0, exam["spread"]) * draw.factor
    for index, view in enumerate(exam["views"]):
        dose = scale * math.exp(0.08 * float(rng.standard_normal()))
        mas = significant(view["mas"] * dose, 3)
        current = 320.0 if mas > 1 else 160.0
        index_value = significant(260 * math.exp(0.3 * float(rng.standard_normal())), 3)
        yield EventTruth(
            draw.event_uid(index),
            "stationary",
            str(view["protocol"]),
            started + timedelta(seconds=90 * index),
            {
                "kap_gy_m2": significant(view["kap_gy_cm2"] * dose * 1e-4),
                "kv": view["kv"],
                "ma": current,
                "time_ms": significant(mas / current * 1000, 3),
                "exposure_uas": significant(mas * 1000, 3),
                "field_area_m2": significant(view["area_cm2"] * 1e-4),
                "exposure_index": index_value,
                "target_index": 260.0,
                # IEC 62494-1: deviation index = 10 log10(EI / target EI), to one decimal.
                "deviation_index": round(10 * math.log10(index_value / 260.0), 1),
                "source_detector_mm": 1150.0,
            },
            {"region": str(exam["region"])},
        )


def _screening_events(draw: Draw) -> Iterator[EventTruth]:
    """Give fluoroscopy and runs in turn that share out one total kerma-area product."""
    rng, exam, started = draw.rng, draw.exam, draw.started
    total = draw.lognormal(exam["kap_gy_cm2"], exam["spread"]) * draw.factor * 1e-4
    low, high = exam["runs"]
    runs = int(rng.integers(low, high + 1))
    bouts = 0 if not exam["fluoro_share"] else 2 * runs + 3
    parts = ["fluoroscopy"] * bouts + ["run"] * runs
    rng.shuffle(parts)
    fluoro = rng.dirichlet(np.full(max(bouts, 1), 1.2))
    shots = rng.dirichlet(np.full(max(runs, 1), 3.0))
    fluoro_share = exam["fluoro_share"] if runs else 1.0
    seconds = exam["fluoro_s"] * draw.lognormal(1.0, 1.5)
    now, turn = started, {"fluoroscopy": 0, "run": 0}
    for index, part in enumerate(parts):
        share = fluoro[turn[part]] if part == "fluoroscopy" else shots[turn[part]]
        turn[part] += 1
        beam = part == "fluoroscopy"
        kap = total * share * (fluoro_share if beam else 1 - fluoro_share)
        duration = max(0.3, seconds * share) if beam else float(rng.uniform(3, 8))
        kind = "fluoroscopy" if beam else _run_kind(exam, turn["run"])
        yield _screening_event(
            draw, index, kind=kind, kap_gy_m2=kap, duration_s=duration, started=now
        )
        now += timedelta(seconds=int(duration) + int(rng.integers(15, 90)))


def _run_kind(exam: Mapping[str, Any], turn: int) -> str:
    return "rotational" if exam.get("rotational") and turn == 1 else "stationary"


def _screening_event(
    draw: Draw, index: int, *, kind: str, kap_gy_m2: float, duration_s: float, started: datetime
) -> EventTruth:
    rng, exam = draw.rng, draw.exam
    rate = exam["pulse_rate"] if kind == "fluoroscopy" else exam["frame_rate"]
    pulses = max(1, round(duration_s * rate))
    width_ms = round(float(rng.uniform(4, 11)), 1)
    area_m2 = exam["area_cm2"] * 1e-4 * float(rng.uniform(0.8, 1.2))
    # Field and kerma are both at the reference point (15 cm from the isocentre towards the
    # source), so kerma is kerma-area product over area.
    kap = significant(kap_gy_m2)
    values: dict[str, float | None] = {
        "kap_gy_m2": kap,
        "kerma_rp_gy": significant(kap / area_m2),
        "kv": significant(exam["kv"] + float(rng.normal(0, 4)), 3),
        "ma": significant(float(rng.uniform(40, 110)) * (1 if kind == "fluoroscopy" else 5), 3),
        "time_ms": significant(pulses * width_ms, 5),
        "pulse_rate": rate,
        "pulses": float(pulses),
        "pulse_width_ms": width_ms,
        "duration_s": significant(duration_s, 4),
        "primary_angle_deg": round(float(rng.normal(0, 22)), 1),
        "secondary_angle_deg": round(float(rng.normal(0, 12)), 1),
        "source_detector_mm": float(round(rng.uniform(1000, 1180))),
        "source_isocentre_mm": 785.0,
        "field_area_m2": significant(area_m2),
        "filter_mm": exam["copper_mm"] or None,
    }
    if values["filter_mm"] is None:
        del values["filter_mm"]
    codes = {"region": str(exam["region"])}
    return EventTruth(draw.event_uid(index), kind, str(exam["name"]), started, values, codes)
