"""Tube output scaled from one measured point: kerma at another voltage, mAs, distance, filter.

K2 = K1 (Q2 / Q1) (d1 / d2)² S(2) / S(1), S the modelled air kerma per mAs. Models differ by 15 % to
30 % in S and far less in its ratio; S alone is never given. The spread of the ratio over the models
is the model's part of the uncertainty.
"""

from __future__ import annotations

import math

from kerma.core import Quantity, quantity
from kerma.physics.beam.quality import Filters, beam_of, filter_mm, take_filters, take_tube
from kerma.physics.beams import Beam
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates

# Whose ratios are compared; all that know the anode and take about a second.
_COMPARED = {"W": ("casim", "uni", "spekpy-v1", "spekcalc"), "Mo": ("casim", "uni", "diff"),
             "Rh": ("casim", "uni", "diff")}  # fmt: skip
_MODEL = "m"


def ratio(
    first: tuple[float, Filters], second: tuple[float, Filters], anode: str, angle_deg: float,
    model: str,
) -> float:  # fmt: skip
    """Return modelled air kerma per mAs of the second beam over the first, at one distance."""
    found = []
    for kv, filtration in (first, second):
        stack = tuple((m, filter_mm(m, t).value) for m, t in filtration.items())
        found.append(Beam(kv, anode, angle_deg, stack, model).air_kerma())
    return found[1] / found[0]


@calculates
def expected_kerma(
    measured: Quantity,
    *,
    measured_kv: Quantity,
    measured_mas: Quantity,
    measured_distance: Quantity,
    measured_filtration: Filters,
    kv: Quantity,
    mas: Quantity,
    distance: Quantity,
    filtration: Filters,
    angle: Quantity,
    anode: str = "W",
    model: str = "casim",
) -> Calculation:
    """Return the air kerma expected of another setting, from one measured point of this tube.

    Parameters
    ----------
    measured
        Air kerma free in air.
    measured_kv, measured_mas, measured_distance, measured_filtration
        Where it was measured; filters by material, inherent filtration included.
    kv, mas, distance, filtration
        Of the wanted setting.
    angle, anode, model
        Of the tube; physics model of the spectrum.

    Raises
    ------
    InputError
        ``bad-beam``, ``unknown-material``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("beam-output", "1", "Air kerma expected from a measured output")
    k1 = made.given("Measured air kerma", "K1", measured, "mGy")
    take_tube(made, measured_kv, anode, angle, model, "1")
    q1 = made.given("Measured at, mAs", "Q1", measured_mas, "mAs")
    d1 = made.given("Measured at, distance", "d1", measured_distance, "cm")
    first = take_filters(made, measured_filtration, "1")
    take_tube(made, kv, anode, angle, model, "2")
    q2 = made.given("Tube current-time product", "Q2", mas, "mAs")
    d2 = made.given("Distance", "d2", distance, "cm")
    second = take_filters(made, filtration, "2")
    ends = (measured_kv.to("kV").value, measured_filtration), (kv.to("kV").value, filtration)
    each = [ratio(*ends, anode, angle.to("deg").value, m) for m in _COMPARED[anode]]
    own = ratio(*ends, anode, angle.to("deg").value, model)
    u = (max(each) - min(each)) / 2.0 / math.sqrt(3.0) / own
    made.given("Ratio of the models", _MODEL, quantity(1.0, "1", u or None), "1")
    made.rests_on("spectra/output_absolute")
    names = ", ".join(_COMPARED[anode])
    made.work(
        f"S2 / S1 = {own:.4g}; {min(each):.4g} to {max(each):.4g} over {names}",
        f"K2 = K1 (Q2/Q1) (d1/d2)² S2/S1 = {k1:.4g} mGy × ({q2:.4g}/{q1:.4g}) × "
        f"({d1:.4g}/{d2:.4g})² × {own:.4g}",
    )
    made.assume(
        "Output is proportional to mAs and falls with the square of distance; attenuation in air "
        "is left out.",
        "One tube and one focus; the heel effect and the rest of the beam's path are the same.",
    )
    made.limit(
        "Scaled to the measured point; modelled output is never used unscaled.",
        "The budget takes the two settings as independent; what they share (the tube's own "
        "filtration) makes it too large.",
    )

    def equation(v: Values) -> float:
        two, one = (beam_of(v, anode, model, s, n).air_kerma() for s, n in
                    ((second, "2"), (first, "1")))  # fmt: skip
        return v["K1"] * v["Q2"] / v["Q1"] * (v["d1"] / v["d2"]) ** 2 * two / one * v[_MODEL]

    return made.result(equation, "mGy", others={"ratio": quantity(own, "1")})


@calculates
def deviation(measured: Quantity, expected: Quantity | Calculation) -> Calculation:
    """Return by how much a measured value differs from an expected one, in per cent of it.

    δ = measured / expected − 1, for kerma, half-value layer or filtration alike.

    Parameters
    ----------
    measured
        As measured.
    expected
        Of the same kind: a quantity, or a calculation, whose rows and limits are kept.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("beam-deviation", "1", "Measured against expected")
    what = "Expected"
    if isinstance(expected, Calculation):
        what = f"Expected: {expected.title}"
        for used in expected.sources:
            made.rests_on(used.row)
        made.assume(*expected.assumptions)
        made.limit(*expected.limits)
        made.work(*expected.working)
        expected = expected.value
    unit = str(expected.unit)
    m = made.given("Measured", "M", measured, unit)
    e = made.given(what, "E", expected, unit)
    made.work(f"δ = M / E − 1 = {m:.4g} / {e:.4g} − 1")
    made.assume("Both are of one beam, setting and place.")
    u = math.hypot(measured.to(unit).u or 0.0, expected.u or 0.0)
    if u:
        within = "within" if abs(m - e) <= 2.0 * u else "beyond"
        made.work(
            f"The difference is {within} its expanded uncertainty (k = 2), {2 * u:.2g} {unit}."
        )
    return made.result(lambda v: 100.0 * (v["M"] / v["E"] - 1.0), "%")
