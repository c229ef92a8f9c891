"""What the commands print for people: the same facts as their JSON, in tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerma.core import Analysis, Region, quantity
from kerma.core.quantity import format_number
from kerma.core.typeset import pretty_unit, result_text

_EVENTS = 20  # rows printed; --json gives all
_HASH = 16
_DASH = "\N{EN DASH}"

# Name in the record -> words, unit kept, unit printed.
_TOTALS = {
    "dlp_mgy_cm": ("DLP", "mGy.cm", "mGy.cm"),
    "kap_gy_m2": ("Kerma-area product", "Gy.m2", "Gy.cm2"),
    "fluoro_kap_gy_m2": ("  of it fluoroscopy", "Gy.m2", "Gy.cm2"),
    "acquisition_kap_gy_m2": ("  of it acquisition", "Gy.m2", "Gy.cm2"),
    "dose_rp_gy": ("Dose at the reference point", "Gy", "mGy"),
    "fluoro_dose_rp_gy": ("  of it fluoroscopy", "Gy", "mGy"),
    "acquisition_dose_rp_gy": ("  of it acquisition", "Gy", "mGy"),
    "fluoro_time_s": ("Fluoroscopy time", "s", "s"),
    "acquisition_time_s": ("Acquisition time", "s", "s"),
    "agd_mgy_left": ("AGD, left breast", "mGy", "mGy"),
    "agd_mgy_right": ("AGD, right breast", "mGy", "mGy"),
    "administered_activity_mbq": ("Administered activity", "MBq", "MBq"),
    "effective_dose_msv": ("Effective dose, as stated", "mSv", "mSv"),
}
_COLUMNS = {
    "kvp_kv": ("Voltage", "kV", "kV"),
    "ma_ma": ("Current", "mA", "mA"),
    "ctdivol_mgy": ("CTDIvol", "mGy", "mGy"),
    "dlp_mgy_cm": ("DLP", "mGy.cm", "mGy.cm"),
    "kap_gy_m2": ("KAP", "Gy.m2", "Gy.cm2"),
    "dose_rp_gy": ("Dose at RP", "Gy", "mGy"),
    "agd_mgy": ("AGD", "mGy", "mGy"),
}


def study_text(console: Console, record: Mapping[str, Any]) -> None:
    """Print a dose report.

    Parameters
    ----------
    console
        Where to.
    record
        From `kerma.dicom.dose.as_dict`.
    """
    device, patient = record["device"], record["patient"]
    _line(console, " ".join(_given(record["modality"], record["description"])), style="bold")
    when = " ".join(_given(record["study_date"], (record["study_time"] or "")[:8]))
    names = ("manufacturer", "model", "station")
    _facts(console, {
        "Date": when,
        "Device": " ".join(_given(*(device[n] for n in names))) or "not named",
        "Serial number": device["serial"],
        "Patient": _patient(patient),
        "Study UID": record["study_instance_uid"],
        **{n.capitalize().replace("_", " "): t for n, t in record.get("identity", {}).items()},
    })  # fmt: skip
    if record["third_party"]:
        _line(console, "Made from dose screens by another program, not by the device.", "yellow")
    _totals(console, record)
    _events(console, record["events"])
    _administrations(console, record["administrations"])
    _notes(console, record["warnings"])
    uids = ", ".join(record["sop_instance_uids"])
    _line(console, f"Read from {uids}. Nothing was stored.", style="dim")


def _patient(patient: Mapping[str, Any]) -> str:
    units = (("age_years", "years"), ("height_m", "m"), ("mass_kg", "kg"))
    sized = [
        f"{format_number(patient[n], None, None)} {u}" for n, u in units if patient[n] is not None
    ]
    return ", ".join(_given(patient["sex"], *sized)) or "nothing stated"


def _totals(console: Console, record: Mapping[str, Any]) -> None:
    origins: Mapping[str, Any] = record["total_origins"]
    if not origins:
        _line(console, "No total is stated and none can be summed.")
        return
    table = _table("Totals", ("Quantity", "l"), ("Value", "r"), ("Unit", "l"), ("Obtained", "l"))
    for name, origin in origins.items():
        words, kept, shown = _TOTALS[name]
        value = record["totals"][name]
        obtained = [origin["origin"]]
        if origin["flagged"] and origin["difference"] is not None:
            percent = f"{100 * origin['difference']:+.1f} %".replace("-", "\N{MINUS SIGN}")
            obtained.append(f"sum of events differs by {percent}")
        table.add_row(
            words,
            _number(value, kept, shown) if value is not None else "missing",
            pretty_unit(shown),
            "; ".join([*obtained, *_given(origin["note"])]),
        )
    console.print(table)


def _events(console: Console, events: list[dict[str, Any]]) -> None:
    if not events:
        return
    present = {n: c for n, c in _COLUMNS.items() if any(e.get(n) is not None for e in events)}
    heads = [(f"{words}\n{pretty_unit(shown)}", "r") for words, _, shown in present.values()]
    table = _table(
        f"Irradiation events: {len(events)}", ("", "r"), ("Type", "l"), ("Protocol", "l"), *heads
    )
    for number, event in enumerate(events[:_EVENTS], 1):
        doses = (_number(event.get(n), kept, to) for n, (_, kept, to) in present.items())
        kind = event["kind"] or event["type"] or _DASH
        table.add_row(str(number), kind, event["protocol"] or event["view"] or _DASH, *doses)
    console.print(table)
    if len(events) > _EVENTS:
        _line(console, f"and {len(events) - _EVENTS} more; --json gives all", style="dim")


def _administrations(console: Console, given: list[dict[str, Any]]) -> None:
    for item in given:
        activity = item["activity_mbq"]
        amount = f"{format_number(activity)} MBq" if activity is not None else "activity missing"
        what = " ".join(_given(item["agent"], item["radionuclide"]))
        _line(console, f"Administered: {what}, {amount}")


def analysis_text(console: Console, analysis: Analysis) -> None:
    """Print an image measurement: values, how many regions and curves, warnings, provenance."""
    _line(console, f"{analysis.name}: {analysis.status}", style="bold")
    if analysis.reason:
        _line(console, analysis.reason, style="yellow")
    if analysis.values:
        table = _table("Values", ("Quantity", "l"), ("Value", "r"))
        for name, value in analysis.values.items():
            table.add_row(name.replace("_", " "), result_text(value))
        console.print(table)
        if any(value.expanded for value in analysis.values.values()):
            _line(console, "\N{PLUS-MINUS SIGN} is the expanded uncertainty U = k u.", style="dim")
    counts = [_counted(analysis.regions, "region")]
    if analysis.curves:
        counts.append(_counted(analysis.curves, "curve"))
    _line(console, ", ".join(counts))
    _notes(console, analysis.warnings)
    made = analysis.provenance
    parameters = ", ".join(f"{k} = {v}" for k, v in made.parameters.items())
    inputs = ", ".join(sha256[:_HASH] for sha256 in made.inputs[:3])
    more = f" and {len(made.inputs) - 3} more" if len(made.inputs) > 3 else ""
    told = [f"{made.algorithm} {made.version}, Kerma {made.package}"]
    told += _given(made.edition, parameters, f"input SHA-256 {inputs}{more}" if inputs else "")
    _line(console, "; ".join(told), style="dim")


def _counted(items: tuple[Region, ...] | tuple[Any, ...], word: str) -> str:
    return f"{len(items)} {word}{'' if len(items) == 1 else 's'}"


def _given(*texts: Any) -> list[str]:
    return [str(t) for t in texts if t not in (None, "")]


def _number(value: Any, kept: str, shown: str) -> str:
    """Return a number in the unit printed; of several (one a pulse) the range."""
    if value is None:
        return _DASH
    numbers = value if isinstance(value, list) else [value]
    if kept != shown:
        numbers = [quantity(n, kept).to(shown).value for n in numbers]
    ends = dict.fromkeys(format_number(n) for n in (min(numbers), max(numbers)))
    return " to ".join(ends)


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=SIMPLE_HEAD
    )
    for name, side in columns:
        right = side == "r"
        table.add_column(name, justify="right" if right else "left", no_wrap=right)
    return table


def _facts(console: Console, pairs: Mapping[str, str | None]) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in pairs.items():
        if value:
            grid.add_row(name, Text(value))
    console.print(grid)


def _notes(console: Console, notes: Iterable[str]) -> None:
    for note in notes:
        _line(console, f"note: {note}", style="yellow")


def _line(console: Console, text: str, style: str = "") -> None:
    # What a file says is text, never markup.
    console.print(Text(text), style=style or None, highlight=False)
