"""CT: size-specific dose estimate, effective dose from DLP.

CTDI phantoms are named ``head`` (16 cm) and ``body`` (32 cm). A CTDIvol or DLP without its phantom
is refused: on 16 cm it reads about twice what it reads on 32 cm.
"""

from __future__ import annotations

import math
import re

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.reference import Row, rows

# Names of the fits in the data set, by phantom and region.
_FIT = {("body", "body"): ("AAPM 204", "f32"), ("head", "body"): ("AAPM 204", "f16"),
        ("head", "head"): ("AAPM 293", "f16_head")}  # fmt: skip


def require_phantom(phantom: str) -> str:
    """Return the phantom, or refuse.

    Raises
    ------
    InputError
        Code ``no-phantom``.
    """
    if phantom not in ("head", "body"):
        raise InputError(
            "State the CTDI phantom: head (16 cm) or body (32 cm). Without it a CTDIvol or DLP "
            "means nothing.",
            code="no-phantom",
        )
    return phantom


def _ssde_row(phantom: str, region: str) -> Row:
    fit = _FIT.get((require_phantom(phantom), region))
    if fit is None:
        raise InputError(
            "There is no size factor for this region on this phantom. A head is scanned on the "
            "head (16 cm) phantom; a body on either.",
            code="no-size-factor",
        )
    return next(r for r in rows("ssde") if (r.text("report"), r.text("name")) == fit)


@calculates
def ssde(
    ctdivol: Quantity, diameter: Quantity, *, phantom: str, region: str = "body"
) -> Calculation:
    """Return the size-specific dose estimate.

    SSDE = f CTDIvol, f = a exp(-b D) (AAPM Reports 204, 220, 293; data set ``ssde``).

    Parameters
    ----------
    ctdivol
        As displayed, mGy.
    diameter
        Water-equivalent (or effective) diameter.
    phantom
        ``head`` or ``body``: what the CTDIvol refers to.
    region
        ``body`` or ``head``: which fit.

    Raises
    ------
    InputError
        ``no-phantom``, ``no-size-factor``, ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    fit = _ssde_row(phantom, region)
    made = Record("ct-ssde", "1", "Size-specific dose estimate")
    made.choice("Phantom of the CTDIvol", f"{phantom} ({'16' if phantom == 'head' else '32'} cm)")
    made.choice("Fit", f"{fit.text('report')}, {fit.text('name')}")
    c = made.given("CTDIvol", "C", ctdivol, "mGy")
    d = made.given("Water-equivalent diameter", "D", diameter, "cm")
    _require_domain(made, fit, d)
    a = made.coefficient("Fit coefficient", "a", fit, "a", "1")
    b = made.coefficient("Fit coefficient", "b", fit, "b", "1/cm")
    factor = a * math.exp(-b * d)
    made.work(
        f"f = a exp(-b D) = {a:g} × exp(-{b:g} × {d:.4g}) = {factor:.4f}",
        f"SSDE = f C = {factor:.4f} × {c:.4g} mGy",
    )
    made.assume("The diameter is that of the scanned length, averaged; CTDIvol is its average too.")
    made.limit(
        "SSDE is a dose to the middle of the scanned length of a patient of this size; it is not "
        "an organ dose, and SSDE times length is not to be multiplied by an effective-dose factor.",
        "The fits carry an uncertainty of 10 to 20 % stated by their report (recalled), which is "
        "not in the budget.",
    )
    return made.result(
        lambda v: v["a"] * math.exp(-v["b"] * v["D"]) * v["C"], "mGy",
        others={"size_factor": quantity(factor, "1")},
    )  # fmt: skip


def _require_domain(made: Record, fit: Row, diameter_cm: float) -> None:
    """Refuse a size the fit was not made for, where its row says for which it was."""
    stated = re.match(r"([\d.]+)-([\d.]+) cm", fit.text("domain"))
    if stated is None:
        made.limit("The row does not say for which sizes the fit was made.")
        return
    low, high = float(stated[1]), float(stated[2])
    if not low <= diameter_cm <= high:
        raise InputError(
            f"The size factor is known for {low:g} to {high:g} cm; this is {diameter_cm:.3g} cm.",
            code="outside-domain",
        )


def coefficient_sets() -> dict[str, list[Row]]:
    """Return the named sets of effective-dose coefficients with their rows."""
    found: dict[str, list[Row]] = {}
    for item in rows("ct-k-factors"):
        found.setdefault(item.text("set"), []).append(item)
    return found


def _k_row(set_name: str, region: str, age: str, kv: str, weighting: str) -> Row:
    sets = coefficient_sets()
    if set_name not in sets:
        raise InputError(
            f"There is no set “{set_name}”. There are: {', '.join(sets)}.", code="unknown-set"
        )
    fits = [
        r for r in sets[set_name]
        if r.text("region") == region and r.text("age_y") == age and not r.text("habitus")
    ]  # fmt: skip
    exact = [r for r in fits if r.text("kV") == kv]
    if not exact:
        have = sorted({r.text("kV") or "any kV" for r in fits})
        hint = f" For this region and age it has: {', '.join(have)}." if fits else ""
        raise InputError(
            f"The set {set_name} has no coefficient for {region}, age {age}"
            f"{f', {kv} kV' if kv else ''}.{hint} Coefficients are not carried over from another "
            "set, age or tube voltage.",
            code="no-coefficient",
        )
    chosen = [r for r in exact if not weighting or r.text("weighting") == weighting]
    if len(chosen) != 1:
        have = sorted({r.text("weighting") for r in exact})
        raise InputError(
            f"The set {set_name} holds this coefficient for {' and '.join(have)}. Say which "
            "weighting factors are meant.",
            code="which-weighting",
            detail={"weighting": have},
        )
    return chosen[0]


@calculates
def effective_dose(
    dlp: Quantity,
    *,
    set_name: str,
    region: str,
    age: str = "adult",
    phantom: str,
    kv: str = "",
    weighting: str = "",
) -> Calculation:
    """Return the effective dose of a reference person from the DLP.

    E = k DLP (AAPM Report 96; one named set for the whole calculation, data set ``ct-k-factors``).

    Parameters
    ----------
    dlp
        Dose-length product.
    set_name, region, age, kv
        Which coefficient; ages and tube voltages as the set writes them (``0``, ``1``, ``5``,
        ``10``, ``adult``; ``120``, empty where it does not distinguish).
    weighting
        ``ICRP 60`` or ``ICRP 103``, where the set holds both.
    phantom
        ``head`` or ``body``: what the DLP refers to; it must be the set's phantom for the region.

    Raises
    ------
    InputError
        ``no-phantom``, ``other-phantom``, ``unknown-set``, ``no-coefficient``, ``which-weighting``,
        ``wrong-unit``, ``not-above-zero``.
    """
    chosen = _k_row(set_name, region, age, kv, weighting)
    needed = phantom_of(region, age, set_name)
    if require_phantom(phantom) != needed:
        raise InputError(
            f"The coefficients for {region}, age {age}, belong to the {needed} phantom and this "
            f"DLP is stated for the {phantom} phantom. Convert the DLP first, or choose a set "
            "defined on it.",
            code="other-phantom",
        )
    made = Record("ct-effective-dose", "1", "Effective dose from DLP")
    made.choice("Coefficients", f"{set_name} ({chosen.text('weighting')})")
    made.choice("Region and age", f"{region}, {age}")
    made.choice("CTDI phantom", phantom)
    value = made.given("Dose-length product", "DLP", dlp, "mGy.cm")
    k = made.coefficient("Effective dose per DLP", "k", chosen, "k_mSv_per_mGy_cm", "mSv/(mGy.cm)")
    made.work(f"E = k DLP = {k:g} mSv/(mGy cm) × {value:.4g} mGy cm")
    note = chosen.text("notes")
    made.assume(
        "The dose is that of a reference person of the set, not of the patient.",
        *([note[0].upper() + note[1:] + "."] if note else []),
    )
    made.limit(
        "Sets differ by up to a factor of two for the same region; the set is part of the result.",
        "Effective dose is for comparison and for communicating risk in bands; it is not an "
        "individual's dose and not for an individual's risk.",
        "The uncertainty of the coefficient itself is not stated by its source and is not in the "
        "budget.",
    )
    return made.result(lambda v: v["k"] * v["DLP"], "mSv")


_ON_HEAD = ("head", "head and neck", "neck", "brain", "intracranial angiography")
_UNSAID = ("cervical spine",)
# Regions that scanners scan on either phantom, in a set that does not state its own.
_UNSAID_OF = {"Korea_NCICT": ("neck", "intracranial angiography")}


def phantom_of(region: str, age: str, set_name: str = "") -> str:
    """Return the CTDI phantom a coefficient belongs to: head regions and children 16 cm.

    Adult body 32 cm, paediatric body 16 cm: note of the rows of ``ct-k-factors`` (recalled).

    Parameters
    ----------
    region, age, set_name
        As `effective_dose`; without a set, what holds in most.

    Raises
    ------
    InputError
        ``no-phantom``: scanners differ in the phantom of this region; no set says which is meant.
    """
    unsaid = region in _UNSAID_OF.get(set_name, ())
    if region in _ON_HEAD and not unsaid:
        return "head"
    if unsaid or region in _UNSAID:
        raise InputError(
            f"Scanners state the DLP of the {region} on either phantom, and the set does not say "
            "which its coefficient belongs to.",
            code="no-phantom",
        )
    return "body" if "adult" in age else "head"
