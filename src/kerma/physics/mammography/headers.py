"""Mean glandular dose of a patient's exposure from what its header states, by Dance.

The incident air kerma is the header's entrance dose, or the survey's output at the header's tube
voltage times its mAs. Output and half-value layer between surveyed tube voltages: ln Y linear in
ln kV, HVL linear in kV; beyond them refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kerma.core import InputError, Quantity, quantity
from kerma.physics.breast import incident_kerma, mean_glandular_dose, target_filters
from kerma.physics.calculation import Calculation, exact
from kerma.physics.calls import calculates

# DICOM's defined terms for anode target and filter material, and the chemical symbols.
_ANODES = {"TUNGSTEN": "W", "MOLYBDENUM": "Mo", "RHODIUM": "Rh", "W": "W", "MO": "Mo", "RH": "Rh"}
_FILTERS = {"ALUMINUM": "Al", "ALUMINIUM": "Al", "MOLYBDENUM": "Mo", "RHODIUM": "Rh",
            "SILVER": "Ag", "AL": "Al", "MO": "Mo", "RH": "Rh", "AG": "Ag"}  # fmt: skip
# mm; the factor s for silver is for these thicknesses (its row's name).
_SILVER_MM = (0.050, 0.075)
_PLACE = (
    "The tube voltage finds the place in the survey; its uncertainty has no part in the budget. "
    "Give the output and the half-value layer their own."
)


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a survey measured at one tube voltage for one target and filter, paddle in the beam."""

    kv: Quantity
    hvl: Quantity
    output: Quantity | None = None


def target_filter(anode: str, material: str, thickness: Quantity | None = None) -> str:
    """Return the target and filter as the factors s name them, from header terms.

    Raises
    ------
    InputError
        ``unknown-material``, ``no-spectrum-factor``, ``wrong-unit``.
    """
    names = _ANODES.get(anode.strip().upper()), _FILTERS.get(material.strip().upper())
    if None in names:
        raise InputError(
            f"“{anode}” with “{material}” is no mammographic target and filter known here.",
            code="unknown-material",
        )
    wanted = "/".join(str(n) for n in names)
    found = [t for t in target_filters() if t == wanted or t.startswith(f"{wanted} (")]
    if len(found) != 1:
        raise InputError(
            f"There is no factor s for {wanted} by breast thickness. There are: "
            f"{', '.join(target_filters())}.",
            code="no-spectrum-factor",
        )
    if wanted == "W/Ag" and thickness is not None:
        mm = thickness.to("mm").value
        if not _SILVER_MM[0] * (1 - 1e-9) <= mm <= _SILVER_MM[1] * (1 + 1e-9):
            raise InputError(
                f"The factor s for silver is for 0.050 to 0.075 mm; this filter has {mm:g} mm.",
                code="no-spectrum-factor",
            )
    return found[0]


def _between(survey: Sequence[Surveyed], kv: float) -> tuple[Surveyed, Surveyed, float]:
    held = sorted(survey, key=lambda s: s.kv.to("kV").value)
    at = [s.kv.to("kV").value for s in held]
    exact = [s for s, v in zip(held, at, strict=True) if math.isclose(v, kv, rel_tol=1e-9)]
    if exact:
        return exact[0], exact[0], 0.0
    if len(held) < 2 or not at[0] < kv < at[-1]:
        ends = f"from {at[0]:g} to {at[-1]:g} kV" if held else "at no tube voltage"
        raise InputError(
            f"This target and filter was surveyed {ends}; the exposure is at {kv:g} kV. Nothing "
            "is carried beyond the survey.",
            code="outside-survey",
        )
    i = next(n for n, v in enumerate(at) if v > kv)
    return held[i - 1], held[i], (kv - at[i - 1]) / (at[i] - at[i - 1])


def _hvl(survey: Sequence[Surveyed], kv: float) -> Quantity:
    low, high, part = _between(survey, kv)
    ends = low.hvl.to("mm Al"), high.hvl.to("mm Al")
    u = (1 - part) * (ends[0].u or 0.0) + part * (ends[1].u or 0.0)
    return quantity((1 - part) * ends[0].value + part * ends[1].value, "mm Al", u or None)


def _output(survey: Sequence[Surveyed], kv: float) -> Quantity:
    low, high, _ = _between(survey, kv)
    if low.output is None or high.output is None:
        raise InputError(
            "The survey holds no output about this tube voltage, and the header no entrance dose.",
            code="no-kerma",
        )
    ends = low.output.to("uGy/mAs"), high.output.to("uGy/mAs")
    volts = low.kv.to("kV").value, high.kv.to("kV").value
    part = 0.0 if low is high else math.log(kv / volts[0]) / math.log(volts[1] / volts[0])
    value = math.exp((1 - part) * math.log(ends[0].value) + part * math.log(ends[1].value))
    relative = ((1 - part) * (ends[0].u or 0.0) / ends[0].value
                + part * (ends[1].u or 0.0) / ends[1].value)  # fmt: skip
    return quantity(value, "uGy/mAs", value * relative or None)


@calculates
def mgd(
    kvp: Quantity,
    *,
    anode: str,
    filter_material: str,
    thickness: Quantity,
    composition: str,
    filter_thickness: Quantity | None = None,
    hvl: Quantity | None = None,
    entrance: Quantity | None = None,
    entrance_with_backscatter: bool | None = None,
    mas: Quantity | None = None,
    survey: Sequence[Surveyed] = (),
    output_distance: Quantity | None = None,
    support_distance: Quantity | None = None,
    technique: str = "projection",
) -> Calculation:
    """Return the mean glandular dose of an exposure from header quantities (Dance).

    D = K g c s (`kerma.physics.breast.mean_glandular_dose`).

    Parameters
    ----------
    kvp, anode, filter_material, thickness
        KVP, Anode Target Material, Filter Material and Body Part Thickness of the header.
    composition
        See `kerma.physics.breast.compositions`; for a patient, by her age.
    filter_thickness
        Where the header states it.
    hvl
        Half-Value Layer of the header; the survey's at this tube voltage when not given.
    entrance, entrance_with_backscatter
        Entrance Dose in mGy of the header, and whether the maker says it has backscatter in it.
        With backscatter it is refused: there are no mammographic backscatter factors.
    mas, survey, output_distance, support_distance
        Where there is no entrance dose: mAs, the survey's points for this target and filter, the
        distance of its output, focus to breast support.
    technique
        As `kerma.physics.breast.mean_glandular_dose`.

    Raises
    ------
    InputError
        ``no-kerma``, ``backscatter-unknown``, ``no-backscatter-factor``, ``outside-survey``,
        ``no-hvl``, ``unknown-material``, ``bad-uncertainty`` of `kvp`; as
        `kerma.physics.breast.mean_glandular_dose` and
        `kerma.physics.breast.incident_kerma`.
    """
    spectrum = target_filter(anode, filter_material, filter_thickness)
    kv = exact(kvp, "kV", _PLACE)
    said: list[str] = []
    working: tuple[str, ...] = ()
    if entrance is not None:
        _require_incident(entrance_with_backscatter)
        kerma = entrance
        said.append("The incident air kerma is the header's, whose accuracy its survey tells.")
    else:
        missing = [name for name, given in (("mAs", mas), ("output distance", output_distance),
                   ("focus-to-support distance", support_distance)) if given is None]  # fmt: skip
        if mas is None or output_distance is None or support_distance is None:
            raise InputError(
                "The header states no entrance dose. From the output it needs also: "
                f"{', '.join(missing)}.",
                code="no-kerma",
            )
        made = incident_kerma(
            _output(survey, kv), mas, output_distance=output_distance,
            support_distance=support_distance, thickness=thickness,
        )  # fmt: skip
        kerma, working = made.value, made.working
        said += [*made.assumptions, "Between surveyed tube voltages ln output is linear in ln kV."]
    if hvl is None:
        if not survey:
            raise InputError(
                "Neither the header nor a survey states a half-value layer.", code="no-hvl"
            )
        hvl = _hvl(survey, kv)
        said.append("Between surveyed tube voltages the half-value layer is linear in kV.")
    dose = mean_glandular_dose(
        kerma, hvl, thickness, composition=composition, target_filter=spectrum,
        technique=technique,
    )  # fmt: skip
    return replace(
        dose, name="breast-mgd-header", title="Mean glandular dose from the header (Dance)",
        assumptions=(*dose.assumptions, *said), working=(*working, *dose.working),
    )  # fmt: skip


def _require_incident(with_backscatter: bool | None) -> None:
    if with_backscatter is None:
        raise InputError(
            "Say whether the header's entrance dose has backscatter in it; the maker's "
            "conformance statement does.",
            code="backscatter-unknown",
        )
    if with_backscatter:
        raise InputError(
            "An entrance dose with backscatter cannot be turned into incident air kerma: there "
            "are no mammographic backscatter factors. Use the survey's output.",
            code="no-backscatter-factor",
        )
