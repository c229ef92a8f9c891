"""Known files, and what the reader makes of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from kerma.core import KermaError
from kerma.dicom.dose import StudyRecord, read_report
from kerma.dicom.dose.records import Event
from kerma.simulate.department import build_department
from kerma.simulate.dose_reports import write_reports
from kerma.simulate.dose_truth import Truth

# The files are the same in every run: what is tested is the reader, here, at this version.
ATTENDANCES, SEED, DAY = 200, 20_260_101, date(2026, 11, 23)
_NEAR = 1e-9  # of the value: the files hold decimal text, nothing may be lost in reading it
# Known values the reader reads: one of these that is lost is an error, not a value not compared.
_READ = (
    "kap_gy_m2", "kerma_rp_gy", "kv", "ma", "exposure_uas", "field_area_m2", "pulses", "duration_s",
    "ctdivol_mgy", "dlp_mgy_cm", "length_mm", "pitch", "time_s", "rotation_s",
    "total_collimation_mm", "agd_mgy", "hvl_mm", "thickness_mm", "force_n", "primary_angle_deg",
    "exposure_index",
)  # fmt: skip
_TOTALS = {
    "dlp_mgy_cm": "dlp", "kap_total_gy_m2": "kap", "kerma_rp_total_gy": "dose_rp",
    "fluoro_time_total_s": "fluoro_time", "agd_left_mgy": "agd_left", "agd_right_mgy": "agd_right",
}  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What was compared, by kind of report, and everything that did not agree."""

    files: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    oddities: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        """Whether everything agreed, and something was compared at all."""
        return not self.wrong and sum(self.values.values()) > 0


def _read(event: Event) -> dict[str, float | None]:
    """Return what the reader found in an event, by the names of the known values; none if lost."""
    source, found = event.sources[0], dict.fromkeys(_READ)
    found |= {
        "kap_gy_m2": event.kap, "kerma_rp_gy": event.dose_rp, "kv": source.kvp,
        "ma": source.tube_current, "exposure_uas": source.exposure,
        "field_area_m2": source.field_area, "pulses": source.pulses,
        "duration_s": event.irradiation_time,
    }  # fmt: skip
    if event.ct:
        found |= {
            "ctdivol_mgy": event.ct.ctdivol, "dlp_mgy_cm": event.ct.dlp,
            "length_mm": event.ct.scan_length, "pitch": event.ct.pitch,
            "time_s": event.ct.exposure_time, "rotation_s": source.time_per_rotation,
            "total_collimation_mm": event.ct.total_collimation,
        }  # fmt: skip
    if event.breast:
        found |= {"agd_mgy": event.breast.agd, "hvl_mm": event.breast.half_value_layer}
    if event.mechanics:
        found |= {
            "thickness_mm": event.mechanics.compression_thickness,
            "force_n": event.mechanics.compression_force,
            "primary_angle_deg": event.mechanics.primary_angle,
        }
    if event.detector:
        found |= {"exposure_index": event.detector.exposure_index}
    return {name: None if value is None else value.number for name, value in found.items()}


def _agree(seen: float | None, expected: float | None) -> bool:
    if seen is None or expected is None:
        return seen is expected
    return math.isclose(seen, expected, rel_tol=_NEAR, abs_tol=1e-15)


def _compared(record: StudyRecord, truth: Truth) -> Iterator[tuple[str, object, object]]:
    """Yield (what, read, expected) for everything known of a file that the reader reads."""
    study = truth.study
    yield "study UID", record.study_uid, study.uid
    yield "accession number", record.header.accession_number, study.accession
    yield "station", record.header.device.station, truth.station_name
    yield "serial number", record.header.device.serial, truth.device_serial
    yield "sex", record.header.patient.sex, study.patient.sex
    yield "events", len(record.events), len(study.events)
    for event, known in zip(record.events, study.events, strict=False):
        yield "event UID", event.uid, known.uid
        yield "protocol", event.protocol, known.protocol
        seen = _read(event)
        for name, value in known.values.items():
            if name in seen:
                yield f"{name} of event {known.uid}", seen[name], value
    for name, total in _TOTALS.items():
        expected = truth.totals.get(name)
        if expected:
            found = getattr(record.totals, total)
            yield f"total {name}", found.stated.number if found and found.stated else None, expected


def compare(
    folder: Path, truths: list[Truth], read: Callable[[Path], StudyRecord] = read_report
) -> Outcome:
    """Read known files and hold every value beside what is known of it.

    Parameters
    ----------
    folder, truths
        Files, and what they contain.
    read
        The reader under test.
    """
    outcome = Outcome()
    for truth in truths:
        outcome.oddities.update(truth.quirks)
        try:
            record = read(folder / truth.file)
        except KermaError:
            if truth.readable:
                outcome.wrong.append(f"{truth.file}: refused although it is whole")
            outcome.refused += not truth.readable
            continue
        if not truth.readable:
            outcome.wrong.append(f"{truth.file}: read although it is cut short")
            continue
        outcome.files[truth.template] += 1
        for what, seen, expected in _compared(record, truth):
            outcome.values[truth.template] += 1
            number = isinstance(expected, float | int) or expected is None
            same = _agree(seen, expected) if number else seen == expected  # type: ignore[arg-type]
            if not same:
                outcome.wrong.append(f"{truth.file}: {what} read as {seen}, is {expected}")
    return outcome


def acceptance() -> Outcome:
    """Write the known files and compare them."""
    with TemporaryDirectory(prefix="kerma-acceptance-") as name:
        folder = Path(name)
        truths = write_reports(folder, build_department(today=DAY), ATTENDANCES, SEED, DAY)
        return compare(folder, truths)
