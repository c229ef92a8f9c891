"""The content trees of simulated dose reports: TID 10011 (CT) and TID 10001 (projection).

Templates and codes are those of DICOM PS3.16; which optional items are present follows what
devices of each kind commonly send.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kerma.simulate.dose_truth import EventTruth, Study
from kerma.simulate.sr import Coder

# 1 Gy.m2 is 1e5 dGy.cm2.
KAP_UNITS = {"Gy.m2": 1.0, "dGy.cm2": 1e5}


@dataclass(frozen=True, slots=True)
class Observer:
    """The device a report says it comes from."""

    uid: str
    name: str
    manufacturer: str
    model: str
    serial: str
    location: str


@dataclass(frozen=True, slots=True)
class Writer:
    """Turns a study into content items, in one code scheme and one unit of kerma-area product."""

    coder: Coder
    kap_unit: str = "Gy.m2"

    def content(
        self, study: Study, observer: Observer, totals: Mapping[str, float | None]
    ) -> bytes:
        """Return the encoded Content Sequence of a whole report."""
        items = [*self._context(study, observer)]
        if study.template == "ct":
            items.append(self._ct_total(totals))
            items += [self._ct_event(event) for event in study.events]
        else:
            items.append(self._accumulated(study, totals))
            items += [self._event(study, event) for event in study.events]
        items.append(self.coder.concept("source_of_information", "automated"))
        return b"".join(items)

    def _context(self, study: Study, observer: Observer) -> Iterator[bytes]:
        c = self.coder
        intent = c.concept("has_intent", "diagnostic_intent", by="HAS CONCEPT MOD")
        yield c.concept(
            "procedure_reported",
            f"{study.template}_procedure",
            by="HAS CONCEPT MOD",
            within=intent,
        )
        context = "HAS OBS CONTEXT"
        yield c.concept("observer_type", "device", by=context)
        yield c.uid("observer_uid", observer.uid, by=context)
        yield c.text("observer_name", observer.name, by=context)
        yield c.text("observer_manufacturer", observer.manufacturer, by=context)
        yield c.text("observer_model", observer.model, by=context)
        yield c.text("observer_serial", observer.serial, by=context)
        yield c.text("observer_location", observer.location, by=context)
        yield c.when("start", study.started, by=context)
        yield c.when("end", study.ended, by=context)
        scope = c.uid("study_uid", study.uid, by="HAS PROPERTIES")
        yield c.concept("scope", "study", by=context, within=scope)

    def _number(
        self,
        items: list[bytes],
        values: Mapping[str, float | None],
        key: str,
        name: str,
        unit: str,
        *,
        factor: float = 1.0,
    ) -> None:
        """Add a NUM item when the value is part of the truth, empty when it is ``None``."""
        if key in values:
            value = values[key]
            text = None if value is None else decimal(value * factor)
            items.append(self.coder.num(name, text, unit))

    def _kap(
        self, items: list[bytes], values: Mapping[str, float | None], key: str, name: str
    ) -> None:
        self._number(items, values, key, name, self.kap_unit, factor=KAP_UNITS[self.kap_unit])

    def _ct_total(self, totals: Mapping[str, float | None]) -> bytes:
        items: list[bytes] = []
        self._number(items, totals, "events", "total_events", "{events}")
        self._number(items, totals, "dlp_mgy_cm", "dlp_total", "mGy.cm")
        return self.coder.container("ct_accumulated", items)

    def _ct_event(self, event: EventTruth) -> bytes:
        c, v = self.coder, event.values
        parameters: list[bytes] = []
        self._number(parameters, v, "time_s", "exposure_time", "s")
        self._number(parameters, v, "length_mm", "scanning_length", "mm")
        self._number(parameters, v, "single_collimation_mm", "single_collimation", "mm")
        self._number(parameters, v, "total_collimation_mm", "total_collimation", "mm")
        self._number(parameters, v, "pitch", "pitch", "{ratio}")
        parameters.append(c.num("sources", "1", "{X-Ray sources}"))
        source = [c.text("source_id", "A")]
        self._number(source, v, "kv", "kvp", "kV")
        self._number(source, v, "ma_max", "ma_max", "mA")
        self._number(source, v, "ma", "ma", "mA")
        self._number(source, v, "rotation_s", "rotation_time", "s")
        parameters.append(c.container("ct_source", source))
        dose: list[bytes] = []
        self._number(dose, v, "ctdivol_mgy", "ctdivol", "mGy")
        dose.append(c.concept("phantom_type", event.codes["phantom"]))
        self._number(dose, v, "dlp_mgy_cm", "dlp", "mGy.cm")
        return c.container(
            "ct_acquisition",
            [
                c.text("protocol", event.protocol),
                c.concept("region", event.codes["region"]),
                c.concept("acquisition_type", event.kind),
                c.uid("event_uid", event.uid),
                c.container("ct_parameters", parameters),
                c.container("ct_dose", dose),
            ],
        )

    def _accumulated(self, study: Study, totals: Mapping[str, float | None]) -> bytes:
        c = self.coder
        items = [c.concept("plane", "single_plane", by="HAS CONCEPT MOD")]
        if study.template == "mammography":
            for side in ("left", "right"):
                value = totals.get(f"agd_{side}_mgy")
                if value is not None:
                    breast = c.concept("laterality", f"{side}_breast", by="HAS CONCEPT MOD")
                    items.append(c.num("agd_accumulated", decimal(value), "mGy", within=breast))
            return c.container("accumulated", items)
        for name in ("kap_total", "fluoro_kap_total", "acquisition_kap_total"):
            self._kap(items, totals, f"{name}_gy_m2", name)
        for name in ("kerma_rp_total", "fluoro_kerma_rp_total", "acquisition_kerma_rp_total"):
            self._number(items, totals, f"{name}_gy", name, "Gy")
        for name in ("fluoro_time_total", "acquisition_time_total"):
            self._number(items, totals, f"{name}_s", name, "s")
        self._number(items, totals, "frames_total", "frames_total", "1")
        if "kerma_rp_total_gy" in totals:
            items.append(c.concept("rp_definition", "rp_15cm"))
        return c.container("accumulated", items)

    def _event(self, study: Study, event: EventTruth) -> bytes:
        c, v = self.coder, event.values
        items = [
            c.concept("plane", "single_plane", by="HAS CONCEPT MOD"),
            c.uid("event_uid", event.uid),
            c.text("protocol", event.protocol),
            c.when("started", event.started),
            c.concept("event_type", event.kind),
            c.concept("region", event.codes["region"]),
        ]
        if study.template == "mammography":
            items += self._breast(event)
        self._kap(items, v, "kap_gy_m2", "kap")
        for key, name, unit in _EVENT_NUMBERS:
            self._number(items, v, key, name, unit)
        if "kerma_rp_gy" in v:
            items.append(c.concept("rp_definition", "rp_15cm"))
        if event.kind == "fluoroscopy":
            items.append(c.concept("fluoro_mode", "pulsed"))
        if "filter_mm" in v:
            items.append(self._filter(event))
        return c.container("event", items)

    def _breast(self, event: EventTruth) -> list[bytes]:
        c, codes = self.coder, event.codes
        side = c.concept("laterality", codes["side"], by="HAS CONCEPT MOD")
        return [
            c.concept("anatomy", "breast", within=side),
            c.concept("view", codes["view"]),
            c.concept("target_material", "tungsten"),
            c.concept("rp_definition", "rp_mammography"),
        ]

    def _filter(self, event: EventTruth) -> bytes:
        c = self.coder
        items = [
            c.concept("filter_type", "flat_filter"),
            c.concept("filter_material", event.codes.get("filter", "copper")),
        ]
        for name in ("filter_min", "filter_max"):
            self._number(items, event.values, "filter_mm", name, "mm")
        return c.container("filters", items)


# truth key, concept, UCUM unit
_EVENT_NUMBERS = (
    ("kerma_rp_gy", "kerma_rp", "Gy"),
    ("agd_mgy", "agd", "mGy"),
    ("entrance_mgy", "entrance", "mGy"),
    ("hvl_mm", "hvl", "mm"),
    ("thickness_mm", "thickness", "mm"),
    ("force_n", "force", "N"),
    ("kv", "kvp", "kV"),
    ("ma", "ma", "mA"),
    ("time_ms", "time_ms", "ms"),
    ("exposure_uas", "exposure", "uA.s"),
    ("pulse_rate", "pulse_rate", "{pulse}/s"),
    ("pulses", "pulses", "1"),
    ("pulse_width_ms", "pulse_width", "ms"),
    ("duration_s", "duration", "s"),
    ("primary_angle_deg", "primary_angle", "deg"),
    ("secondary_angle_deg", "secondary_angle", "deg"),
    ("source_isocentre_mm", "source_isocentre", "mm"),
    ("source_detector_mm", "source_detector", "mm"),
    ("field_area_m2", "field_area", "m2"),
    ("exposure_index", "exposure_index", "1"),
    ("target_index", "target_index", "1"),
    ("deviation_index", "deviation_index", "1"),
)


def decimal(value: float) -> str:
    """Return a DICOM decimal string (16 characters at most) that reads back as the same number.

    Ten significant figures: more than any simulated value carries, so that a change of unit leaves
    no binary dust in the text.
    """
    return f"{value:.10g}"
