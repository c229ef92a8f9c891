"""A site's own workload from its dose records: kerma-area product by tube voltage.

NCRP 147: W(V) = KAP / (K_W(V) F / dF²), the mA min behind a KAP where the output K_W is known. UK
method: K = Σ S(θ, V) KAP(V) / d², with the transmission of each tube voltage (`mixed.MixedBeam`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.physics.shielding._expression import evaluate
from kerma.physics.shielding.angular import ANGULAR, scatter_factor
from kerma.physics.shielding.barrier import YEAR, Source
from kerma.physics.shielding.mixed import MixedBeam, Term
from kerma.physics.shielding.workload import OUTPUT
from kerma.reference import row

# Tube voltage of a bin and what was recorded in it, in any order.
Histogram = Sequence[tuple[Quantity, Quantity]]
_FORMULA = "bir/scatter_from_kap/formula"
_MOST_KV = 150.0  # up to where transmission is tabulated


def _bins(made: Record, histogram: Histogram) -> dict[str, float]:
    """Take a histogram into a record; return the tube voltage by symbol of its KAP."""
    found: dict[str, float] = {}
    for kv, kap in histogram:
        volts = kv.to("kV").value
        symbol = f"P{volts:g}"
        if not 0.0 < volts <= _MOST_KV * (1 + 1e-12):
            raise InputError(
                f"A bin stands at {volts:g} kV; transmission is tabulated up to {_MOST_KV:g} kV.",
                code="outside-domain",
            )
        if symbol in found:
            raise InputError(f"There are two bins at {volts:g} kV. Add them.", code="two-bins")
        inside = kap.to("Gy.cm2").value
        if inside < 0.0:
            raise InputError(f"The bin at {volts:g} kV is below zero.", code="no-workload")
        if inside > 0.0:
            made.given(f"KAP at {volts:g} kV", symbol, kap, "Gy.cm2")
            found[symbol] = volts
    if not found:
        raise InputError("The histogram holds no kerma-area product.", code="no-workload")
    made.assume("Each bin stands at its own tube voltage; give bins by their upper end.")
    return found


def _output(made: Record, volts: Sequence[float], measured: Histogram | None) -> dict[float, float]:
    """Return the output at 1 m, mGy per mA min, by tube voltage: measured, or the survey's."""
    if measured is None:
        low, high = (float(v) for v in row(OUTPUT).fields["valid_kvp"])
        _require_inside(volts, low, high)
        made.rests_on(OUTPUT)
        made.assume("The output is that of the report's survey (Figure B.1), not this tube's.")
        return {v: float(evaluate(row(OUTPUT), {"kVp": v})) for v in volts}
    points = sorted((k.to("kV").value, y.to("mGy/(mA.min)").value) for k, y in measured)
    if len(points) < 2 or any(not (k > 0.0 and y > 0.0) for k, y in points):
        raise InputError(
            "The output is needed at two tube voltages or more, each above zero.",
            code="not-above-zero",
        )
    _require_inside(volts, points[0][0], points[-1][0])
    for k, y in points:
        made.choice(f"Measured output at 1 m, {k:g} kV", f"{y:.4g} mGy/(mA min)")
    made.assume("Between measured outputs ln K is linear in ln kV.")
    found = {}
    for v in volts:
        at = next(i for i in range(1, len(points)) if v <= points[i][0] * (1 + 1e-12))
        (k0, y0), (k1, y1) = points[at - 1], points[at]
        part = math.log(v / k0) / math.log(k1 / k0)
        found[v] = math.exp(math.log(y0) + part * math.log(y1 / y0))
    return found


def _require_inside(volts: Sequence[float], low: float, high: float) -> None:
    outside = [v for v in volts if not low * (1 - 1e-12) <= v <= high * (1 + 1e-12)]
    if outside:
        raise InputError(
            f"The output is known from {low:g} to {high:g} kV, and there is a workload at "
            f"{', '.join(f'{v:g}' for v in outside)} kV. Give measured outputs that reach it.",
            code="outside-domain",
        )


@calculates
def kap_workload(
    histogram: Histogram,
    *,
    field_area: Quantity,
    field_distance: Quantity,
    output: Histogram | None = None,
) -> Calculation:
    """Return the workload behind a kerma-area product, mA min; by tube voltage in `others`.

    W(V) = KAP(V) / (K_W(V) F / dF²): KAP is the kerma at 1 m times the area the field has there.

    Parameters
    ----------
    histogram
        (tube voltage, kerma-area product) of each bin, for a week.
    field_area, field_distance
        Mean field F at the distance dF from the focus.
    output
        (tube voltage, output at 1 m) as measured, such as µGy/mAs; the survey's of NCRP 147 when
        not given. A bin it does not reach is refused.

    Raises
    ------
    InputError
        ``no-workload``, ``two-bins``, ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("shielding-kap-workload", "1", "Workload from kerma-area product")
    bins = _bins(made, histogram)
    f = made.given("Mean field area", "F", field_area, "cm2")
    df = made.given("Distance of the field", "dF", field_distance, "m")
    known = _output(made, list(bins.values()), output)

    def part(v: Values, symbol: str) -> float:
        return v[symbol] * 1000.0 / (known[bins[symbol]] * v["F"] / v["dF"] ** 2)

    held = {symbol: kap.to("Gy.cm2").value for symbol, kap in _by_symbol(histogram).items()}
    values = {**held, "F": f, "dF": df}
    others = {f"{bins[s]:g} kV": quantity(part(values, s), "mA.min") for s in bins}
    for s, volts in bins.items():
        made.work(
            f"W({volts:g} kV) = {values[s]:.4g} Gy cm² / ({known[volts]:.4g} mGy/(mA min) × "
            f"{f:.4g} cm² / ({df:.4g} m)²) = {others[f'{volts:g} kV'].value:.4g} mA min"
        )
    made.limit(
        "The KAP meter's correction belongs to the KAP given; filters added since the output was "
        "measured make the workload too small, and leakage with it."
    )
    return made.result(lambda v: math.fsum(part(v, s) for s in bins), "mA.min", others=others)


def _by_symbol(histogram: Histogram) -> dict[str, Quantity]:
    return {f"P{kv.to('kV').value:g}": kap for kv, kap in histogram}


def as_workload(made: Calculation) -> dict[float, float]:
    """Return mA min by tube voltage of `kap_workload`, as `per_patient` and `mixed` take them.

    Raises
    ------
    InputError
        ``no-workload``: another calculation.
    """
    if made.name != "shielding-kap-workload":
        raise InputError(f"“{made.title}” is no workload by tube voltage.", code="no-workload")
    return {float(name.split()[0]): held.value for name, held in made.others.items()}


@calculates
def scatter(histogram: Histogram, *, angle: Quantity, distance: Quantity) -> Calculation:
    """Return the unshielded scattered air kerma, mGy per year: Σ S(θ, V) KAP(V) / d² (UK method).

    Parameters
    ----------
    histogram
        (tube voltage, kerma-area product) of each bin, for a year.
    angle
        From the forward beam to the point.
    distance
        From the scattering centre to the point (slant).

    Raises
    ------
    InputError
        ``no-workload``, ``two-bins``, ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("shielding-bir-histogram", "1", "Unshielded scattered air kerma from KAP by kV")
    bins = _bins(made, histogram)
    theta = made.given("Scattering angle", "θ", angle, "deg", above_zero=False)
    d = made.given("Distance from the scattering centre", "d", distance, "m")
    for name in (ANGULAR, _FORMULA):
        made.rests_on(name)
    for volts in bins.values():
        s = float(scatter_factor(theta, volts))
        made.work(f"S({theta:g}°, {volts:g} kV) = {s:.4g} µGy/(Gy cm²) at 1 m")
    made.work(f"K = Σ S KAP / d², d = {d:g} m")
    odd = [v for v in bins.values() if not 60.0 <= v <= 125.0]
    if odd:
        made.limit(
            f"{', '.join(f'{v:g}' for v in odd)} kV lie outside 60 to 125 kV, over which "
            "polynomial and wall formula were compared; the rows state no range of their own."
        )
    measured = made.rests_on("bir/scatter_from_kap/median_measured_over_calculated")
    made.limit(
        f"Measured over calculated scatter: median {measured.number('value'):g}, highest "
        f"{measured.number('max'):g} (Williams 1996).",
        "Copper-filtered beams scatter more per KAP; no correction is held, none is made.",
    )

    def equation(v: Values) -> float:
        at = min(max(v["θ"], 0.0), 180.0)
        total = math.fsum(float(scatter_factor(at, bins[s])) * v[s] for s in bins)
        return total / v["d"] ** 2 / 1000.0

    return made.result(equation, "mGy")


def beam(histogram: Histogram, *, angle: Quantity) -> MixedBeam:
    """Return the scattered beam of a histogram: shares S(θ, V) KAP(V), each at its tube voltage.

    Raises
    ------
    InputError
        As `scatter`.
    """
    terms = []
    for kv, kap in sorted(histogram, key=lambda b: b[0].to("kV").value):
        volts = kv.to("kV").value
        share = float(scatter_factor(angle.to("deg").value, volts)) * kap.to("Gy.cm2").value
        if share > 0.0:
            terms.append(Term(volts, share))
    return MixedBeam("secondary", name="KAP by tube voltage", terms=tuple(terms))


def source(histogram: Histogram, *, angle: Quantity, distance: Quantity) -> Source:
    """Return a source per year with the kerma and the transmission of a histogram; see `scatter`.

    Raises
    ------
    InputError
        As `scatter`.
    """
    made = scatter(histogram, angle=angle, distance=distance)
    return Source(made, beam(histogram, angle=angle), YEAR)
