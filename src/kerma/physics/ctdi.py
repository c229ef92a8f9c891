"""CTDI from a pencil chamber: CTDI100, weighted, volume, DLP, display check, geometric efficiency.

Definitions of IEC 60601-2-44 as recalled; the formulae for CTDIvol and DLP also as seen in teaching
material (see the method page). Beams wider than 40 mm are refused: the correction for them is in
neither the reference data nor the methods notes.
"""

from __future__ import annotations

from collections.abc import Sequence

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.physics.ct import require_phantom

_WIDEST_MM = 40.0
_EDGES = ("12 o'clock", "3 o'clock", "6 o'clock", "9 o'clock")
_PHANTOM = {"head": "head (16 cm)", "body": "body (32 cm)"}
_ONE = quantity(1, "1")


def _collimation(made: Record, collimation: Quantity) -> float:
    """Take the nominal beam width N T in mm, or refuse one that needs the wide-beam correction."""
    width = made.given("Nominal beam width", "NT", collimation, "mm")
    if width > _WIDEST_MM * (1 + 1e-12):
        raise InputError(
            f"The beam is {width:g} mm wide. Above 40 mm a 100 mm chamber needs the wide-beam "
            "correction, which is not held here. Measure at a narrower beam.",
            code="wide-beam",
        )
    made.assume(
        "The beam is inside the 100 mm chamber, one axial rotation, table still; readings have "
        "their corrections for temperature, pressure and background."
    )
    return width


@calculates
def ctdi100(
    integral: Quantity, collimation: Quantity, *, calibration: Quantity = _ONE
) -> Calculation:
    """Return the CTDI100 of one position, free in air or in a phantom.

    CTDI100 = N_k R / (N T), R the integral of dose along the chamber (`dose_length`).

    Parameters
    ----------
    integral
        Dose-length reading of one rotation, mGy cm.
    collimation
        Nominal beam width N T; at most 40 mm.
    calibration
        Of the chamber with its meter, at this beam quality.

    Raises
    ------
    InputError
        ``wide-beam``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("ctdi100", "1", "CTDI100")
    nt = _collimation(made, collimation)
    r = made.given("Dose-length reading", "R", integral, "mGy.cm")
    n = made.given("Calibration factor", "Nk", calibration, "1")
    made.work(f"CTDI100 = Nk R / NT = {n:.4g} × {r:.4g} mGy cm / {nt / 10:.4g} cm")
    made.limit("An index of the scanner's output; not a patient's dose.")
    return made.result(lambda v: v["Nk"] * v["R"] / (v["NT"] / 10.0), "mGy")


@calculates
def free_air(
    integral: Quantity, collimation: Quantity, *, mas: Quantity, calibration: Quantity = _ONE
) -> Calculation:
    """Return the CTDI free in air on the axis per tube current-time product, mGy/mAs.

    nCTDIair = N_k R / (N T Q): CTDI100 without a phantom, Q the mAs of the rotation.

    Parameters
    ----------
    integral, collimation, calibration
        As `ctdi100`, the chamber free in air on the axis of rotation.
    mas
        Tube current-time product of the one rotation.

    Raises
    ------
    InputError
        As `ctdi100`.
    """
    made = Record("ctdi-free-air", "1", "CTDI free in air per mAs")
    nt = _collimation(made, collimation)
    r = made.given("Dose-length reading", "R", integral, "mGy.cm")
    n = made.given("Calibration factor", "Nk", calibration, "1")
    q = made.given("Tube current-time product of the rotation", "Q", mas, "mAs")
    air = n * r / (nt / 10.0)
    made.work(
        f"CTDIair = Nk R / NT = {n:.4g} × {r:.4g} mGy cm / {nt / 10:.4g} cm = {air:.4g} mGy",
        f"per mAs: {air:.4g} mGy / {q:.4g} mAs",
    )
    made.assume("The chamber is free in air on the axis; the table is out of the beam.")
    made.limit("An index of the scanner's output; not a patient's dose.")
    return made.result(
        lambda v: v["Nk"] * v["R"] / (v["NT"] / 10.0) / v["Q"], "mGy/mAs",
        others={"ctdi_air": quantity(air, "mGy")},
    )  # fmt: skip


@calculates
def dose_length(reading: Quantity, chamber_length: Quantity) -> Calculation:
    """Return the dose-length integral of a chamber whose meter shows the mean dose over its length.

    R = D L (definition of the mean).

    Parameters
    ----------
    reading
        Mean dose over the chamber, mGy.
    chamber_length
        Active length as the calibration states it; 100 mm, or it is no CTDI100.

    Raises
    ------
    InputError
        ``other-chamber``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("ctdi-dose-length", "1", "Dose-length integral of a pencil chamber")
    d = made.given("Mean dose over the chamber", "D", reading, "mGy")
    length = made.given("Chamber length", "L", chamber_length, "cm")
    if abs(length - 10.0) > 1e-9:
        raise InputError(
            f"CTDI100 needs a chamber of 100 mm; this one is {length * 10:g} mm.",
            code="other-chamber",
        )
    made.work(f"R = D L = {d:.4g} mGy × {length:.4g} cm")
    return made.result(lambda v: v["D"] * v["L"], "mGy.cm")


@calculates
def weighted(
    centre: Quantity,
    edges: Sequence[Quantity],
    collimation: Quantity,
    *,
    phantom: str,
    calibration: Quantity = _ONE,
) -> Calculation:
    """Return the weighted CTDI of a phantom from five pencil-chamber readings.

    CTDIw = CTDI100,centre / 3 + 2 CTDI100,edge / 3, the edge the mean of four (IEC 60601-2-44).

    Parameters
    ----------
    centre
        Dose-length reading in the centre, mGy cm.
    edges
        The four at the edge: 12, 3, 6 and 9 o'clock.
    collimation
        Nominal beam width N T; at most 40 mm.
    phantom
        ``head`` (16 cm) or ``body`` (32 cm).
    calibration
        Of the chamber with its meter; common to all readings.

    Raises
    ------
    InputError
        ``no-phantom``, ``four-edges``, ``wide-beam``, ``wrong-unit``, ``not-above-zero``.
    """
    require_phantom(phantom)
    if len(edges) != len(_EDGES):
        raise InputError(
            f"The edge is the mean of four readings; there are {len(edges)}.", code="four-edges"
        )
    made = Record("ctdi-weighted", "1", "Weighted CTDI")
    made.choice("CTDI phantom", _PHANTOM[phantom])
    nt = _collimation(made, collimation)
    n = made.given("Calibration factor", "Nk", calibration, "1")
    middle = made.given("Centre", "Rc", centre, "mGy.cm")
    symbols = [f"R{i}" for i in range(1, 5)]
    around = [
        made.given(f"Edge, {place}", symbol, reading, "mGy.cm")
        for place, symbol, reading in zip(_EDGES, symbols, edges, strict=True)
    ]
    per = n / (nt / 10.0)
    inner, outer = middle * per, sum(around) / 4.0 * per
    made.work(
        f"CTDI100, centre = {n:.4g} × {middle:.4g} mGy cm / {nt / 10:.4g} cm = {inner:.4g} mGy",
        f"CTDI100, edge = mean of four = {outer:.4g} mGy",
        f"CTDIw = ({inner:.4g} + 2 × {outer:.4g}) / 3 mGy",
    )
    made.limit("An index of the scanner's output in this phantom; not a patient's dose.")

    def equation(v: Values) -> float:
        edge = sum(v[s] for s in symbols) / 4.0
        return v["Nk"] / (v["NT"] / 10.0) * (v["Rc"] + 2.0 * edge) / 3.0

    return made.result(
        equation, "mGy",
        others={"centre": quantity(inner, "mGy"), "edge": quantity(outer, "mGy"),
                "edge_to_centre": quantity(outer / inner, "1")},
    )  # fmt: skip


@calculates
def volume(ctdi_w: Quantity, pitch: Quantity, *, phantom: str) -> Calculation:
    """Return the volume CTDI.

    CTDIvol = CTDIw / p (IEC 60601-2-44). For axial scans p is table increment over N T.

    Parameters
    ----------
    ctdi_w
        Weighted CTDI of one rotation with the technique of the scan.
    pitch
        Table travel per rotation over nominal beam width.
    phantom
        ``head`` or ``body``: what the CTDIw was measured in.

    Raises
    ------
    InputError
        ``no-phantom``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("ctdi-volume", "1", "Volume CTDI")
    made.choice("CTDI phantom", _PHANTOM[require_phantom(phantom)])
    c = made.given("Weighted CTDI", "Cw", ctdi_w, "mGy")
    p = made.given("Pitch", "p", pitch, "1")
    made.work(f"CTDIvol = CTDIw / p = {c:.4g} mGy / {p:.4g}")
    made.assume("The CTDIw is of the tube current, voltage, rotation time and beam of the scan.")
    made.limit(
        "Not a patient's dose. Not for rotations without table movement, where dose adds up."
    )
    return made.result(lambda v: v["Cw"] / v["p"], "mGy")


@calculates
def dlp(ctdivol: Quantity, length: Quantity, *, phantom: str) -> Calculation:
    """Return the dose-length product.

    DLP = CTDIvol L (methods note, dosimetry.md).

    Parameters
    ----------
    ctdivol
        Mean over the scanned length.
    length
        Irradiated length, with the over-ranging of helical scans.
    phantom
        ``head`` or ``body``: what the CTDIvol refers to, and so the DLP.

    Raises
    ------
    InputError
        ``no-phantom``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("ctdi-dlp", "1", "Dose-length product")
    made.choice("CTDI phantom", _PHANTOM[require_phantom(phantom)])
    c = made.given("CTDIvol", "C", ctdivol, "mGy")
    long = made.given("Irradiated length", "L", length, "cm")
    made.work(f"DLP = CTDIvol L = {c:.4g} mGy × {long:.4g} cm")
    made.limit("DLPs of the two phantoms are not to be added.")
    return made.result(lambda v: v["C"] * v["L"], "mGy.cm")


@calculates
def display_deviation(displayed: Quantity, measured: Quantity) -> Calculation:
    """Return by how much a displayed CTDI differs from the measured one, in per cent of it.

    δ = displayed / measured − 1.

    Parameters
    ----------
    displayed, measured
        CTDIvol (or both CTDIw) in the same phantom, of the same technique.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("ctdi-display", "1", "Deviation of the displayed CTDI")
    shown = made.given("Displayed", "Cd", displayed, "mGy")
    found = made.given("Measured", "Cm", measured, "mGy")
    made.work(f"δ = Cd / Cm − 1 = {shown:.4g} / {found:.4g} − 1")
    made.assume("Both are for the same phantom and technique.")
    return made.result(lambda v: 100.0 * (v["Cd"] / v["Cm"] - 1.0), "%")


@calculates
def geometric_efficiency(collimation: Quantity, dose_width: Quantity) -> Calculation:
    """Return the geometric efficiency along z by widths.

    η = N T / w, w the width at half maximum of the dose profile free in air on the axis (UK survey
    practice, recalled). The standard's own definition integrates the profile and is not this.

    Parameters
    ----------
    collimation
        Nominal beam width N T.
    dose_width
        Full width at half maximum of the profile, w.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("ctdi-geometric-efficiency", "1", "Geometric efficiency")
    nt = made.given("Nominal beam width", "NT", collimation, "mm")
    w = made.given("Width of the dose profile", "w", dose_width, "mm")
    made.work(f"η = NT / w = {nt:.4g} mm / {w:.4g} mm")
    made.limit("By widths, not by the integral of the profile; the two differ for a wide penumbra.")
    if nt > w:
        made.limit(
            "The dose profile is narrower than the nominal width: look at width and collimation."
        )
    return made.result(lambda v: 100.0 * v["NT"] / v["w"], "%")
