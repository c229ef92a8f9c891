"""What the CDMAM measurements share: beams, limits, values, curves and tables of thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kerma.core import Curve, Image, InputError, Quantity, quantity
from kerma.imaging.mammography._cdmam_curve import Smooth, Step, automatic, contrast, human
from kerma.imaging.mammography._cdmam_spec import reading
from kerma.reference import levels

_MOST_KV_SHARE = 0.05
# Sixteen diameters are looked at, and the right choices of an ideal observer follow the curve only
# nearly. Design choice.
_MISFIT = 0.001


@dataclass(frozen=True, slots=True)
class Gold:
    """The attenuation of gold used, and where it is from."""

    mu_per_um: float
    facts: dict[str, Any]


@dataclass(slots=True)
class Result:
    """Values, curves, warnings and facts gathered on the way to an analysis."""

    values: dict[str, Quantity] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def size_name(diameter_mm: float) -> str:
    """Return how a diameter is spelled in names of values: ``0p1mm``."""
    return f"{diameter_mm:g}".replace(".", "p") + "mm"


def gold(mu_per_um: float | None, beam: str | None, images: Sequence[Image]) -> Gold:
    """Return the attenuation coefficient given, or that of a named beam.

    Raises
    ------
    InputError
        Codes ``missing-parameter`` (neither, or both), ``unknown-beam``, ``beam-quality``.
    """
    beams = {entry["id"]: entry for entry in reading()["beams"]}
    if (mu_per_um is None) == (beam is None):
        raise InputError(
            "Say how gold attenuates this beam: give either mu_per_um (per µm) or the name of a "
            f"beam. There are: {', '.join(beams)}.",
            code="missing-parameter",
        )
    if mu_per_um is not None:
        if not 0.01 <= mu_per_um <= 1.0:
            raise InputError(
                f"An attenuation of gold of {mu_per_um:g} per µm is not that of a mammographic "
                "beam; it lies from 0.01 to 1 per µm.",
                code="bad-parameter",
            )
        return Gold(mu_per_um, {"mu_per_um": mu_per_um, "source": "given"})
    if beam not in beams:
        raise InputError(
            f"There is no beam called “{beam}”. There are: {', '.join(beams)}.",
            code="unknown-beam",
        )
    entry = beams[beam]
    for image in images:
        _require_beam(image, entry)
    return Gold(float(entry["mu_per_um"]), dict(entry))


def _require_beam(image: Image, entry: dict[str, Any]) -> None:
    said = {
        "anode": str(image.facts.get("AnodeTargetMaterial") or "").upper(),
        "filter": str(image.facts.get("FilterMaterial") or "").upper(),
    }
    wrong = [f"{k} {v.lower()}" for k, v in said.items() if v and entry[k] not in v]
    kv = image.facts.get("KVP")
    if isinstance(kv, int | float) and abs(kv - entry["kv"]) > _MOST_KV_SHARE * entry["kv"]:
        wrong.append(f"{kv:g} kV")
    if wrong:
        raise InputError(
            f"The beam “{entry['id']}” is {entry['title']}; the images say {', '.join(wrong)}. "
            "Give mu_per_um of the beam used.",
            code="beam-quality",
            detail={"said": wrong},
        )


def factor_table(
    name: str, given: tuple[tuple[float, float], ...] | None
) -> tuple[Sequence[Sequence[float]], dict[str, Any]]:
    """Return human factors by diameter, and what is recorded of them."""
    if given is not None:
        ordered = sorted(given)
        if len(ordered) < 2 or any(d <= 0 or r <= 0 for d, r in ordered):
            raise InputError(
                "The factors are pairs of a diameter in mm and a factor, two or more of them.",
                code="bad-parameter",
            )
        return ordered, {"values": [list(p) for p in ordered], "source": "given"}
    table = reading()["factors"][name]
    return table["values"], dict(table)


def report(found: Sequence[Step], curve: Smooth | None, mu: float) -> Result:
    """Return values, curves and facts of fitted thresholds."""
    made = Result()
    _by_diameter(made, found, mu)
    if curve is None:
        made.warnings.append(
            "No smooth curve: fewer than four diameters have a predicted human threshold."
        )
    else:
        _smoothed(made, curve)
    _limits(made)
    return made


def _by_diameter(made: Result, found: Sequence[Step], mu: float) -> None:
    table: list[dict[str, Any]] = []
    lines: dict[str, list[tuple[float, float, float]]] = {"Automatic": [], "Predicted human": []}
    for step in found:
        auto, person = automatic(step, mu), human(step, mu)
        fit = step.fit
        entry: dict[str, Any] = {
            "diameter_mm": step.diameter_mm,
            "thickness_um": [float(t) for t in step.counts.thickness_um],
            "right": [int(k) for k in step.counts.right],
            "total": [int(n) for n in step.counts.total],
            "factor": step.factor,
        }
        if auto is None:
            entry["reason"] = fit.reason
            made.warnings.append(f"{step.diameter_mm:g} mm: {fit.reason}")
        else:
            made.values[f"auto_gold_{size_name(step.diameter_mm)}"] = quantity(
                auto[0], "um Au", auto[1]
            )
            lines["Automatic"].append((step.diameter_mm, *auto))
            entry |= {
                "auto_um": auto[0], "u_auto_um": auto[1], "slope": fit.slope,
                "u_slope": fit.u_slope, "misfit": step.misfit,
                "auto_contrast": fit.threshold,
            }  # fmt: skip
            if step.misfit is not None and step.misfit < _MISFIT:
                made.warnings.append(
                    f"{step.diameter_mm:g} mm: the right choices do not follow a psychometric "
                    "curve; look at the cell map."
                )
        if person is not None:
            lines["Predicted human"].append((step.diameter_mm, *person))
            entry |= {"human_um": person[0], "u_human_um": person[1]}
        table.append(entry)
    without = [s.diameter_mm for s in found if s.factor is None and s.fit.threshold is not None]
    if without:
        made.warnings.append(
            "No factor to human reading is known for "
            f"{', '.join(f'{d:g}' for d in without)} mm, so these are left out of the curve."
        )
    made.facts["diameters"] = table
    for name, points in lines.items():
        if points:
            made.curves.append(_curve(name, sorted(points)))


def _curve(name: str, points: Sequence[tuple[float, float, float]]) -> Curve:
    d, t, u = zip(*points, strict=True)
    return Curve(name, d, t, "Diameter", "mm", "Threshold gold thickness", "um Au", u)


def _smoothed(made: Result, curve: Smooth) -> None:
    low, high = curve.range_mm
    ratio = (high / low) ** (1 / 40)
    grid = [low * ratio**k for k in range(41)]
    points = [(d, at[0], at[1]) for d in grid if (at := curve.at(d)) is not None]
    made.curves.append(_curve("Fit to predicted human", points))
    limits = []
    for name in reading()["limits"]["rows"]:
        at = curve.at(float(name))
        if at is None:
            made.warnings.append(
                f"No threshold at {name} mm: the curve goes from {low:g} to {high:g} mm and is not "
                "extended."
            )
            continue
        made.values[f"gold_{size_name(float(name))}"] = quantity(at[0], "um Au", at[1])
        limits.append({"diameter_mm": float(name), "um": at[0], "limits_95_um": list(at[2])})
    made.facts["curve"] = {
        "terms": dict(zip("abce", map(float, curve.terms), strict=True)),
        "form": "T(d) = a + b/d + c/d^2 + e/d^3, terms not below zero",
        "range_mm": [low, high],
        "points": limits,
    }


def _limits(made: Result) -> None:
    """Put the limits of the European guidelines beside the result; judging is for protocols."""
    data = reading()["limits"]
    table, acceptable, achievable = [], [], []
    for name, test in data["rows"].items():
        (level,) = levels("mammography", test)
        most, best = level.criterion.high, float(data["achievable_um"][name])
        assert most is not None
        table.append(
            {"diameter_mm": float(name), "acceptable_um": most.value, "achievable_um": best,
             "row": level.source.row, "source": level.source.document,
             "confidence": level.source.confidence, "row_sha256": level.source.sha256}
        )  # fmt: skip
        acceptable.append((float(name), most.value, 0.0))
        achievable.append((float(name), best, 0.0))
    made.facts["limits"] = {
        "rows": table, "achievable_source": data["source"],
        "achievable_confidence": data["confidence"], "judged": False,
    }  # fmt: skip
    made.curves.append(_curve("EUREF acceptable", sorted(acceptable)))
    made.curves.append(_curve("EUREF achievable", sorted(achievable)))


def contrasts(found: Sequence[Step], mu: float) -> list[Curve]:
    """Return share of right choices against contrast for each diameter."""
    made = []
    for step in found:
        c = contrast(step.counts.thickness_um, mu)
        share = step.counts.right / step.counts.total
        made.append(
            Curve(f"Right choices, {step.diameter_mm:g} mm", tuple(map(float, 100 * c)),
                  tuple(map(float, 100 * share)), "Contrast", "%", "Right choices", "%")
        )  # fmt: skip
    return made
