"""Rows of the columnar store from a stored study record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kerma.core import quantity
from kerma.dicom.dose.records import Event, StudyRecord, Total
from kerma.dicom.dose.tables import name_of
from kerma.dicom.dose.tree import Code
from kerma.dicom.dose.values import Value

# Of a stored record, what rows are made of: a test proves that nothing else counts.
_TOTALS = ("dlp", "kap", "dose_rp", "fluoro_time", "agd_left", "agd_right")
_EVENT = (
    "uid", "kind", "protocol", "region", "anatomy", "laterality", "view", "kap", "dose_rp",
)  # fmt: skip
_PARTS = {
    "ct": (
        "ctdivol", "phantom", "dlp", "pitch", "scan_length", "effective_diameter",
        "water_equivalent_diameter",
    ),
    "breast": ("agd",),
    "mechanics": ("compression_thickness",),
    "detector": ("exposure_index", "deviation_index"),
}  # fmt: skip
_SOURCE = (
    "kvp", "tube_current", "average_tube_current", "exposure", "exposure_time", "anode", "filters",
)  # fmt: skip


def needed(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a record's plain data that rows are made of.

    A report keeps much more (other totals, geometry, what the maker added), and to make typed
    records of it again takes most of the time of making rows.
    """
    return {
        "study_uid": plain["study_uid"], "modality": plain["modality"],
        "header": {}, "identity": {}, "staff": {}, "reports": (),
        "totals": {name: {"value": plain["totals"][name]["value"]} for name in _TOTALS},
        "events": [_slim(event) for event in plain["events"]],
    }  # fmt: skip


def _slim(event: Mapping[str, Any]) -> dict[str, Any]:
    slim = _some(event, _EVENT)
    for part, names in _PARTS.items():
        if event.get(part) is not None:
            slim[part] = _some(event[part], names)
    slim["sources"] = [_some(source, _SOURCE) for source in event["sources"][:1]]
    return slim


def _some(plain: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: plain[name] for name in names if plain.get(name) is not None}


def study_row(record: StudyRecord, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the study's row.

    Parameters
    ----------
    record
        As stored: no identifiers.
    context
        The columns of `kerma.doses.schema.CONTEXT`, and ``skin_peak_mgy``.
    """
    totals = record.totals
    largest = [c for c in (_one(e.ct.ctdivol) for e in record.events if e.ct) if c is not None]
    phantoms = {_phantom(e) for e in record.events if _dosed(e)}
    return {
        **context,
        "events": len(record.events),
        "dlp_mgy_cm": _total(totals.dlp, "mGy.cm"),
        "ctdivol_max_mgy": max(largest, default=None),
        # One phantom for all events with a dose, or none: a sum over two phantoms, or over one and
        # one that is not stated, compares with nothing.
        "phantom": phantoms.pop() if len(phantoms) == 1 else None,
        "kap_gy_cm2": _total(totals.kap, "Gy.cm2"),
        "dose_rp_mgy": _total(totals.dose_rp, "mGy"),
        "fluoro_time_s": _total(totals.fluoro_time, "s"),
        "agd_left_mgy": _total(totals.agd_left, "mGy"),
        "agd_right_mgy": _total(totals.agd_right, "mGy"),
        "skin_peak_mgy": context.get("skin_peak_mgy"),
    }


def event_rows(record: StudyRecord, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each irradiation event; see `study_row`."""
    shared = {k: v for k, v in context.items() if k != "skin_peak_mgy"}
    for number, event in enumerate(record.events, 1):
        yield {**shared, "event": number, **_described(event), **_measured(event)}


def _described(event: Event) -> dict[str, Any]:
    return {
        "type": event.kind or None,
        "protocol": event.protocol,
        "region": _word(event.region) or _word(event.anatomy),
        "laterality": _word(event.laterality),
        "view": _word(event.view),
        "phantom": _phantom(event),
        "anode_filter": _anode_filter(event),
    }


def _measured(event: Event) -> dict[str, Any]:
    tube = event.sources[0] if event.sources else None
    ct, breast, mechanics, detector = event.ct, event.breast, event.mechanics, event.detector
    return {
        "kvp_kv": _mean(tube.kvp, "kV") if tube else None,
        "current_ma": _mean(tube.average_tube_current or tube.tube_current, "mA") if tube else None,
        "exposure_mas": _sum(tube.exposure, "mAs") if tube else None,
        "time_ms": _sum(tube.exposure_time, "ms") if tube else None,
        "ctdivol_mgy": _as(ct.ctdivol, "mGy") if ct else None,
        "dlp_mgy_cm": _as(ct.dlp, "mGy.cm") if ct else None,
        "pitch": _one(ct.pitch) if ct else None,
        "scan_length_mm": _as(ct.scan_length, "mm") if ct else None,
        "size_mm": _as(_size(event), "mm"),
        "kap_gy_cm2": _as(event.kap, "Gy.cm2"),
        "dose_rp_mgy": _as(event.dose_rp, "mGy"),
        "agd_mgy": _as(breast.agd, "mGy") if breast else None,
        "thickness_mm": _as(mechanics.compression_thickness, "mm") if mechanics else None,
        "exposure_index": _one(detector.exposure_index) if detector else None,
        "deviation_index": _one(detector.deviation_index) if detector else None,
    }


def _dosed(event: Event) -> bool:
    ct = event.ct
    return ct is not None and any(v and any(v.numbers) for v in (ct.dlp, ct.ctdivol))


def _size(event: Event) -> Value | None:
    """Return the size SSDE would be taken at, as the device states it."""
    ct = event.ct
    if ct is None:
        return None
    return ct.water_equivalent_diameter or ct.effective_diameter


def _word(code: Code | None) -> str | None:
    return None if code is None else code.meaning or code.value


def _phantom(event: Event) -> str | None:
    """Return ``head`` or ``body`` (16 or 32 cm); a code not known counts as not stated."""
    ct = event.ct
    return (name_of("phantom", ct.phantom) or None) if ct else None


def _anode_filter(event: Event) -> str | None:
    tube = event.sources[0] if event.sources else None
    if tube is None or tube.anode is None or not tube.filters:
        return None
    return f"{_word(tube.anode)}/{_word(tube.filters[0].material)}"


def _one(value: Value | None) -> float | None:
    return value.number if value is not None else None


def _as(value: Value | None, unit: str) -> float | None:
    number = _one(value)
    return None if number is None or value is None else _converted(number, value.unit, unit)


def _mean(value: Value | None, unit: str) -> float | None:
    if value is None or not value.numbers:
        return None
    return _converted(sum(value.numbers) / len(value.numbers), value.unit, unit)


def _sum(value: Value | None, unit: str) -> float | None:
    if value is None or not value.numbers:
        return None
    return _converted(sum(value.numbers), value.unit, unit)


def _total(total: Total, unit: str) -> float | None:
    return _as(total.value, unit)


def _converted(number: float, kept: str, shown: str) -> float:
    if kept == shown:
        return number
    # Ten digits: what is left after a conversion of units is the device's number, not its noise.
    return float(f"{quantity(number, kept).to(shown).value:.10g}")
