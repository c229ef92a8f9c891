"""What a source may be used for, and what must be known of each use.

The kinds are data: the same list is read by the form of a page, by the check of a document and by
the equation that turns a use into air kerma.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kerma.core import InputError

NUMBER, CHOICE, DIRECTION, BINS, POINTS = "number", "choice", "direction", "bins", "points"
TEXT = "text"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing to know of a use.

    Attributes
    ----------
    kind
        ``number``; ``choice``; ``direction`` (x, y, z, of any length); ``bins`` (number by tube
        voltage in kV); ``points`` ([x, y, z, value] relative to the source); ``text``.
    unit
        Of the number, of each bin's or point's value.
    options
        Of a choice: what is stored, and what is shown.
    needed
        Without it the use cannot be worked out.
    """

    key: str
    title: str
    kind: str = NUMBER
    unit: str = ""
    options: tuple[tuple[str, str], ...] = ()
    needed: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class UseKind:
    """A kind of use: the methods it belongs to and what must be known."""

    key: str
    title: str
    methods: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a source as it was given; see `USES` for what `given` may hold."""

    kind: str
    given: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""

    def number(self, key: str) -> float:
        """Return a number.

        Raises
        ------
        InputError
            ``use-incomplete``: it is missing or is no number.
        """
        value = self.given.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(
                f"{self.said}: {self._parameter(key).title.lower()} is missing.",
                code="use-incomplete",
            )
        return float(value)

    def text(self, key: str) -> str:
        """Return a choice or words; empty when there are none."""
        return str(self.given.get(key) or "")

    @property
    def said(self) -> str:
        """What it is called in a sentence."""
        return self.title or USES[self.kind].title

    def _parameter(self, key: str) -> Parameter:
        return next(p for p in USES[self.kind].parameters if p.key == key)


_REGION = Parameter("region", "Region and CTDI phantom", CHOICE,
                    options=(("body", "Body, 32 cm"), ("head", "Head, 16 cm")))  # fmt: skip
_KV = Parameter("kv", "Tube voltage", unit="kV")
_BEAM = Parameter("direction", "Direction of the beam", DIRECTION,
                  hint="0, 0, -1 is a beam from above.")  # fmt: skip
_CONE = Parameter("half_angle_deg", "Half angle of the beam", unit="deg",
                  hint="Of the cone that holds the whole field.")  # fmt: skip
_PRE = Parameter(
    "preshielding", "Image receptor in the beam", CHOICE, needed=False,
    options=(("", "None credited"), ("table", "Table or wall Bucky"),
             ("cross-table", "Cross-table: grid and cassette")),
)  # fmt: skip
_KAP = Parameter("kap_gy_cm2", "Kerma-area product per year", unit="Gy.cm2")
_PATIENTS = Parameter("patients", "Patients per week", unit="1")
_DISTRIBUTION = Parameter("distribution", "Workload distribution", CHOICE,
                          hint="NCRP Report 147, Table 4.2.")  # fmt: skip

_ALL = (
    UseKind("kap", "Scatter by KAP", ("uk",), (_KAP, _KV, _BEAM),
            "Radiography, fluoroscopy, interventional, mobile, cone-beam."),
    UseKind("kap_bins", "Scatter by KAP, histogram of kV", ("uk",), (
        Parameter("bins", "KAP per year by tube voltage", BINS, "Gy.cm2"), _BEAM),
        "From the dose room’s records, or the site’s own figures."),
    UseKind("primary", "Primary beam by KAP", ("uk",), (
        _KAP, _KV, _BEAM, _CONE,
        Parameter("field_area_cm2", "Field area", unit="cm2"),
        Parameter("field_distance_m", "Distance of that field from the focus", unit="m"), _PRE),
        "The source stands at the focus."),
    UseKind("ct_dlp", "CT scatter by DLP", ("uk",), (
        _REGION, Parameter("dlp_mgy_cm", "Dose-length product per year", unit="mGy.cm"), _KV,
        Parameter("axis_deg", "Direction of the couch on the plan", unit="deg", needed=False,
                  hint="0° to the right, 90° down on the plan. Needed only where the gantry's "
                       "shadow is counted."),
        Parameter("shadow_half_angle_deg", "Half angle of the gantry's shadow", unit="deg",
                  needed=False, hint="From the maker's isodoses; empty counts no shadow."))),
    UseKind("dental", "Dental scatter by KAP", ("uk",), (
        Parameter("modality", "Modality", CHOICE,
                  options=(("intra-oral", "Intra-oral"), ("panoramic", "Panoramic"))),
        _KAP, _KV)),
    UseKind("patients", "Secondary by patients", ("ncrp147",), (
        _DISTRIBUTION, _PATIENTS,
        Parameter("direction", "Scatter direction", CHOICE,
                  options=(("fwd_back", "Forward and back (highest)"), ("side", "Side")))),
        "Scatter and leakage by a workload distribution."),
    UseKind("patients_primary", "Primary by patients", ("ncrp147",), (
        _DISTRIBUTION, _PATIENTS,
        Parameter("use", "Use factor", unit="1"),
        Parameter("beam", "Direction of the beam", DIRECTION), _CONE, _PRE),
        "The source stands at the focus."),
    UseKind("own_workload", "Secondary by the site's own workload", ("ncrp147",), (
        Parameter("bins", "Workload per patient by tube voltage", BINS, "mA.min"), _PATIENTS,
        Parameter("field_area_cm2", "Field area", unit="cm2"),
        Parameter("field_distance_m", "Distance of that field from the focus", unit="m"),
        Parameter("angle_deg", "Scattering angle", unit="deg"))),
    UseKind("ct_procedures", "CT scatter by procedures", ("ncrp147",), (
        _REGION, Parameter("procedures", "Procedures per week", unit="1"),
        Parameter("dlp_mgy_cm", "DLP per procedure", unit="mGy.cm"), _KV)),
    UseKind("mammography", "Mammography by patients", ("ncrp147", "uk"), (
        Parameter("patients", "Patients in the method's period", unit="1"),),
        "NCRP Report 147, section 5.5, for both methods."),
    UseKind("dexa", "Bone densitometry", ("ncrp147", "uk"), (
        Parameter("scanner", "Scanner", CHOICE,
                  options=(("fan", "Fan beam"), ("pencil", "Pencil beam"))),
        Parameter("hours", "Hours of beam in the method's period", unit="h"))),
    UseKind("isodose", "Maker's isodose", ("ncrp147", "uk"), (
        Parameter("points", "Kerma about the source for one unit of workload", POINTS, "uGy"),
        Parameter("workload", "Units of workload in the method's period", unit="1"), _KV,
        Parameter("quality", "Transmission as", CHOICE,
                  options=(("ct_secondary", "CT scatter"), ("secondary", "Scatter"))),
        Parameter("largest_gap_m", "Largest gap between points", unit="m",
                  hint="Wider gaps are not interpolated over."),
        Parameter("document", "Document it was read from", TEXT))),
)  # fmt: skip

USES: Mapping[str, UseKind] = {kind.key: kind for kind in _ALL}
