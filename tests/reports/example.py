"""A survey report with everything in it, about a hospital that does not exist."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
from PIL import Image as Canvas

from kerma import charts
from kerma.core import Curve, Quantity, Region, Verdict, quantity
from kerma.reports.content import (
    ComponentLine,
    Decision,
    Finding,
    Headline,
    InstrumentLine,
    LevelShown,
    ProtocolIdentity,
    ResultRow,
    SurveyReport,
    SystemIdentity,
)
from kerma.reports.parts import (
    Change,
    Chart,
    Method,
    Organisation,
    Picture,
    Signature,
    Signing,
    SourceLine,
    Supersession,
)

KV = "local/kv-accuracy"
OUTPUT = "local/output"
DETECTOR = "local/detector"


def levels(remedial: str, suspension: str, source: str) -> tuple[LevelShown, ...]:
    shown = (("remedial", remedial), ("suspension", suspension))
    return tuple(LevelShown(name, text, source) for name, text in shown if text)


def row(
    test_id: str,
    title: str,
    section: str,
    value: Quantity | None,
    verdict: Verdict = Verdict.PASS,
    **more: object,
) -> ResultRow:
    return ResultRow(test_id, title, section, verdict, value=value, **more)  # type: ignore[arg-type]


def results() -> tuple[ResultRow, ...]:
    tube, dose, image = "Tube and generator", "Dose indication", "Detector and image quality"
    return (
        row(
            "kv_60", "Tube voltage, 60 kV", tube, quantity(60.9, "kV", 0.45),
            setup="60 kV, 20 mAs, broad focus, 1 m", basis=quantity(60, "kV"),
            basis_kind="nominal", previous=quantity(60.4, "kV"), previous_on=date(2025, 11, 18),
            levels=levels("±5 % of nominal", "±10 % of nominal", KV),
            formula="mean(kv_60)", inputs="60.8, 60.9, 61.0 kV", instrument="RaySure M2",
        ),
        row(
            "kv_81", "Tube voltage, 81 kV", tube, quantity(86.2, "kV", 0.45), Verdict.REMEDIAL,
            setup="81 kV, 20 mAs, broad focus, 1 m", basis=quantity(81, "kV"),
            basis_kind="nominal", previous=quantity(81.9, "kV"), previous_on=date(2025, 11, 18),
            levels=levels("±5 % of nominal", "±10 % of nominal", KV),
            reason="86.2 kV, 5.2 kV (6.4 %) above the nominal of 81 kV: outside the remedial "
            "level (within 76.95 kV to 85.05 kV).",
            formula="mean(kv_81)", inputs="86.1, 86.2, 86.3 kV", instrument="RaySure M2",
            decision=Decision("Engineer to recalibrate before the next list", "W. Aldous",
                              date(2026, 11, 24)),
        ),
        row(
            "output_81", "Output, 81 kV at 1 m", tube, quantity(51.3, "uGy/mAs", 0.7),
            setup="81 kV, 20 mAs", basis=quantity(43.0, "uGy/mAs"), basis_kind="baseline",
            previous=quantity(50.8, "uGy/mAs"), previous_on=date(2025, 11, 18),
            levels=levels("±20 % of baseline", "±50 % of baseline", OUTPUT), near_limit=True,
            note="Baseline set on 12 Dec 2024 after the tube change.",
            formula="mean(output_81)", inputs="51.2, 51.3, 51.4 uGy/mAs",
        ),
        row(
            "repeat", "Output repeatability", tube, quantity(0.7, "%"), setup="5 exposures",
            levels=levels("≤ 5 %", "≤ 10 %", OUTPUT), formula="cv(output_81)",
        ),
        row(
            "hvl_81", "Half-value layer, 81 kV", tube, quantity(3.41, "mm Al", 0.04),
            setup="1 mm to 4 mm Al", previous=quantity(3.44, "mm Al"),
            previous_on=date(2025, 11, 18), levels=levels("≥ 2.9 mm Al", "", OUTPUT),
        ),
        row(
            "interlock", "Door warning light and interlock", "Safety", None, shown="Satisfactory",
            levels=levels("satisfactory", "", KV),
        ),
        row(
            "rate_high", "Entrance air kerma rate, high-dose mode", dose,
            quantity(118, "mGy/min", 2.9), Verdict.SUSPENSION, setup="20 cm PMMA, 23 cm field",
            levels=levels("≤ 60 mGy/min", "≤ 100 mGy/min", OUTPUT),
            reason="118 mGy/min: outside the suspension level (at most 100 mGy/min).",
        ),
        row(
            "kap", "KAP indication", dose, quantity(6.2, "%", 3.5), setup="81 kV, 20 × 20 cm²",
            levels=levels("±25 %", "±35 %", OUTPUT), previous=quantity(5.8, "%"),
            previous_on=date(2025, 11, 18),
        ),
        row(
            "mtf50", "MTF, 50 % frequency", image, quantity(1.32, "1/mm", 0.01),
            setup="RQA5, tungsten edge at 2.1°", basis=quantity(1.34, "1/mm"),
            basis_kind="baseline", levels=levels("−10 % of baseline", "", DETECTOR),
            formula="edge_mtf.mtf50",
        ),
        row(
            "lag", "Lag after 60 s", image, quantity(0.3, "%"), Verdict.NOT_ENOUGH_DATA,
            reason="This level needs the baseline and there is none.",
            levels=levels("+0.2 % of baseline", "", DETECTOR),
        ),
        row("timer", "Timer, 100 ms", tube, None, Verdict.NOT_DONE,
            reason="The system does not allow a manual exposure time; the service code was not "
            "available on the day."),
        row("aec_thickness", "AEC, change with thickness", image, None, Verdict.NOT_MEASURABLE,
            reason="The 25 cm PMMA image was saturated in 3 % of the region."),
        row("grid", "Grid alignment", image, None, Verdict.NOT_APPLICABLE,
            reason="The system has no grid."),
    )  # fmt: skip


def trend_svg() -> tuple[str, str]:
    point = charts.TrendPoint
    drawn = charts.trend(
        [
            point(date(2023, 11, 2), 43.1, expanded=1.4),
            point(date(2024, 5, 14), 43.9, expanded=1.4),
            point(date(2024, 11, 20), None, Verdict.NOT_DONE),
            point(date(2024, 12, 12), 43.0, expanded=1.4),
            point(date(2025, 11, 18), 50.8, expanded=1.4),
            point(date(2026, 11, 23), 51.3, expanded=1.4),
        ],
        unit="uGy/mAs",
        title="Output, 81 kV at 1 m",
        baseline=43.0,
        remedial=(34.4, 51.6),
        suspension=(21.5, 64.5),
        events=[
            charts.Event(date(2024, 12, 3), "tube changed", breaks=True),
            charts.Event(date(2025, 6, 3), "meter changed"),
        ],
    )
    return charts.svg(drawn, height=190), drawn.alt


def mtf_svg() -> tuple[str, str]:
    f = tuple(round(0.1 * i, 1) for i in range(41))
    curves = [
        Curve(name, f, tuple(math.exp(-((x / w) ** 1.3)) for x in f), "Spatial frequency", "1/mm",
              "MTF", "1", tuple(0.012 for _ in f))
        for name, w in (("Horizontal edge", 1.75), ("Vertical edge", 1.95))
    ]  # fmt: skip
    drawn = charts.curve(curves, title="Presampled MTF")
    return charts.svg(drawn, height=190), drawn.alt


def edge_png() -> bytes:
    rows, columns = np.mgrid[0:240, 0:240]
    step = 1 / (1 + np.exp((columns - 110 - 0.037 * (rows - 120)) / 1.2))
    noise = np.random.default_rng(3).normal(0, 3, step.shape)
    grey = np.clip(150 - 105 * step + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Canvas.fromarray(grey).save(file, format="PNG")
    return file.getvalue()


def picture() -> Picture:
    return Picture(
        title="Edge image, RQA5",
        png=edge_png(),
        alt="A tungsten edge with the regions of the MTF and the noise measurement",
        regions=(
            Region("Edge", "rectangle", ((70, 60), (150, 180)),
                   values={"angle": quantity(2.1, "deg", 0.02)}),
            Region("Noise", "rectangle", ((170, 20), (225, 75)),
                   values={"mean": quantity(150.1, "PV"), "SD": quantity(3.02, "PV")}),
            Region("Dark field", "circle", ((35, 200), (35, 222)),
                   values={"mean": quantity(45.2, "PV")}),
        ),
        caption="Frame 1 of 1. Not for diagnosis.",
        analysis="planar-mtf-edge 1.2",
    )  # fmt: skip


def sources() -> tuple[SourceLine, ...]:
    seen = {"verified_by": "W. Aldous (MPE)", "verified_on": date(2026, 10, 4)}
    return (
        SourceLine(KV, "Northmere Medical Physics, Levels for radiography", "seen",
                   edition="3rd edition, section 4.2", sha256="5c" * 32, **seen),  # type: ignore[arg-type]
        SourceLine(OUTPUT, "Northmere Medical Physics, Levels for radiography", "recalled",
                   edition="3rd edition, section 4.5", sha256="7e" * 32,
                   note="Suspension bound is a local choice", **seen),  # type: ignore[arg-type]
        SourceLine(DETECTOR, "Northmere Medical Physics, Digital detectors", "computed",
                   edition="1st edition, table 2", sha256="1a" * 32, **seen),  # type: ignore[arg-type]
    )  # fmt: skip


def system() -> SystemIdentity:
    return SystemIdentity(
        name="DR 1, general room", equipment_type="General radiography, DR",
        maker="Solenne", model="IX-700", serial="41882", asset="SQ-0412", software="VE 4.2",
        year_made="2019", year_installed="2020",
        components=(
            ComponentLine("tube", "Vaxel", "RT-12", "T-11820", "3 Dec 2024",
                          (("focus", "0.6 mm, 1.2 mm"),)),
            ComponentLine("generator", "Solenne", "G80", "G-20417", "11 Mar 2020"),
            ComponentLine("detector", "Panelon", "4343", "D-5520", "11 Mar 2020"),
            ComponentLine("KAP meter", "Kappa", "K2", "K-0993", "11 Mar 2020"),
        ),
    )  # fmt: skip


def findings() -> tuple[Finding, ...]:
    return (
        Finding("Entrance air kerma rate, high-dose mode", Verdict.SUSPENSION,
                "118 mGy/min", "suspension: ≤ 100 mGy/min",
                "Disable high-dose mode until the supplier has adjusted it; retest before release.",
                "Urgent", "Radiology Manager", date(2026, 11, 23), "A-2026-0311"),
        Finding("Tube voltage, 81 kV", Verdict.REMEDIAL, "86.2 kV, 6.4 % above nominal",
                "remedial: ±5 % of nominal",
                "Supplier to recalibrate the generator; physics to repeat kV and output.",
                "High", "Radiology Manager", date(2026, 12, 21), "A-2026-0312"),
    )  # fmt: skip


def instruments() -> tuple[InstrumentLine, ...]:
    return (
        InstrumentLine("X-ray multimeter", "RaySure", "M2", "RS-20931", "C-2219",
                       "Fictional Standards Laboratory", date(2026, 3, 2), date(2027, 3, 2),
                       "kV 1.004; air kerma 0.991", "kV, output, HVL"),
        InstrumentLine("KAP meter, reference", "Kappa", "R1", "KR-77", "C-2304",
                       "Fictional Standards Laboratory", date(2025, 9, 1), date(2026, 9, 1),
                       "KAP 1.06", "KAP indication"),
    )  # fmt: skip


def methods() -> tuple[Method, ...]:
    return (
        Method("planar-mtf-edge", "1.2", "IEC 62220-1-1:2015", "region = 8 cm × 12 cm",
               ("ab" * 32,)),
        Method("protocol engine", "1.0"),
    )  # fmt: skip


def draft() -> SurveyReport:
    trend, mtf = trend_svg(), mtf_svg()
    return SurveyReport(
        report_number="SQ-2026-014",
        issue=2,
        prepared_at=datetime(2026, 11, 24, 15, 2, tzinfo=UTC),
        service=Organisation("Northmere Medical Physics Service", ("12 Isotope Lane, Northmere",),
                             "physics@northmere.example"),
        employer=Organisation("St Quill NHS Trust (fictional)"),
        site=Organisation("St Quill Hospital", ("Kestrel Road, Northmere",)),
        room="X-ray room 2",
        system=system(),
        purpose="Routine survey, level B",
        surveyed_on=date(2026, 11, 23),
        protocol=ProtocolIdentity("radiography-dr", 3, "General radiography with a DR detector",
                                  "9d" * 32),
        headline=Headline(
            "use with conditions",
            conditions=(
                "High-dose mode stays disabled until it has been retested.",
                "Use 77 kV instead of 81 kV protocols until the generator is recalibrated.",
            ),
            told="Sr J. Pell (RPS) was told of the suspension-level result by R. Teasel at "
            "10:42 on 23 Nov 2026.",
        ),
        supersedes=Supersession(1, date(2026, 11, 24),
            "The distance of the output measurement had been entered as 0.95 m instead of 1 m.",
            (Change("Output, 81 kV at 1 m", "56.8 ± 1.4 uGy/mAs, remedial",
                    "51.3 ± 1.4 uGy/mAs, pass"),)),
        summary=(
            "The system was tested 12 months after the last level B survey. Image quality and dose "
            "indication are unchanged. Two results exceed a level; both concern the generator.",
            "Output has risen by 19 % since the baseline of December 2024 and is close to its "
            "remedial level; it should be looked at when the generator is recalibrated.",
        ),
        measured_by=("R. Teasel, Clinical technologist", "M. Orris, Trainee clinical scientist"),
        findings=findings(),
        instruments=instruments(),
        results=results(),
        charts=(
            Chart("Output, 81 kV at 1 m, since 2023", *trend,
                  caption="Bars are U (k = 2). Dashed: baseline of 12 Dec 2024."),
            Chart("Presampled MTF, RQA5", *mtf, caption="Bands are ± U (k = 2)."),
        ),
        pictures=(picture(),),
        sources=sources(),
        methods=methods(),
        distribution=("St Quill Hospital: equipment file SQ-0412", "Sr J. Pell (RPS)",
                      "Radiology Manager"),
        software="Kerma 0.1.0",
        demo=True,
    )  # fmt: skip


def signed(report: SurveyReport) -> SurveyReport:
    digest = report.content_hash
    signatures = (
        Signature("R. Teasel", "performed", "Clinical technologist",
                  datetime(2026, 11, 24, 15, 10, tzinfo=UTC), digest, "RCT 90417 (fictional)"),
        Signature("M. Orris", "checked", "Clinical scientist",
                  datetime(2026, 11, 25, 9, 31, tzinfo=UTC), digest, "CS 20518 (fictional)"),
        Signature("Dr W. Aldous", "approved", "Clinical scientist, Medical Physics Expert",
                  datetime(2026, 11, 25, 14, 5, tzinfo=UTC), digest, "CS 11846 (fictional)",
                  "MPE certificate 0417, valid to 31 Mar 2029"),
    )  # fmt: skip
    return replace(
        report,
        signing=Signing("issued", signatures, datetime(2026, 11, 25, 14, 5, tzinfo=UTC)),
    )


def issued() -> SurveyReport:
    return signed(draft())
