"""Image headers as makers write them, without pixels, each with the values it must give."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from tests.dicom.maker_parts import Case


def image(sop_class: str, modality: str, **header: Any) -> Dataset:
    """The header of an image."""
    found = Dataset()
    found.SOPClassUID = sop_class
    found.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.77"
    found.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.7"
    found.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.7.1"
    found.Modality = modality
    for keyword, value in header.items():
        setattr(found, keyword, value)
    return found


def sequence(**elements: Any) -> list[Dataset]:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


DIGITAL = "1.2.840.10008.5.1.4.1.1.1.1"
MAMMOGRAM = "1.2.840.10008.5.1.4.1.1.1.2"
INTRA_ORAL = "1.2.840.10008.5.1.4.1.1.1.3"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ANGIOGRAM = "1.2.840.10008.5.1.4.1.1.12.1"
TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"
BREAST_PROJECTION = "1.2.840.10008.5.1.4.1.1.13.1.4"


def tomosynthesis_volume() -> Case:
    """Dose, technique, side and event are all below the root."""
    return image(
        TOMOSYNTHESIS,
        "MG",
        NumberOfFrames=60,
        XRay3DAcquisitionSequence=sequence(
            KVP="31",
            ExposureInmAs=62.5,
            OrganDose="0.0187",
            EntranceDoseInmGy="6.4",
            HalfValueLayer="0.55",
            BodyPartThickness="58",
            AnodeTargetMaterial="TUNGSTEN",
        ),
        SharedFunctionalGroupsSequence=sequence(
            FrameAnatomySequence=sequence(FrameLaterality="L"),
            IrradiationEventIdentificationSequence=sequence(IrradiationEventUID="1.9.20"),
        ),
    ), {
        "modality": "MG",
        "events.0.event_uid": "1.9.20",
        "events.0.laterality": "left",
        "events.0.kvp_kv": 31.0,
        "events.0.exposure_uas": 62500.0,
        "events.0.agd_mgy": 1.87,
        "events.0.entrance_exposure_mgy": 6.4,
        "events.0.compression_thickness_mm": 58.0,
        "totals.agd_mgy_left": 1.87,
    }


def tomosynthesis_projections() -> Case:
    """The dose of each frame is with the frame."""
    return image(
        BREAST_PROJECTION,
        "MG",
        NumberOfFrames=3,
        ImageLaterality="R",
        KVP="29",
        PerFrameFunctionalGroupsSequence=[
            sequence(XRayAcquisitionDoseSequence=sequence(OrganDose=dose, ExposureInmAs=4.0))[0]
            for dose in ("0.002", "0.003", "0.004")
        ],
    ), {"totals.agd_mgy_right": 0.9, "events.0.exposure_uas": [4000.0, 4000.0, 4000.0]}


IMAGES: dict[str, Case] = {
    "DX": (
        image(
            DIGITAL,
            "DX",
            KVP="110",
            Exposure="2",
            ExposureInuAs="1640",
            ExposureTime="5",
            ExposureTimeInuS="4820",
            XRayTubeCurrent="340",
            ImageAndFluoroscopyAreaDoseProduct="0.93",
            ExposureIndex="310",
            DeviationIndex="-1.2",
            ImageLaterality="U",
        ),
        {
            "modality": "DX",
            "totals.kap_gy_m2": 9.3e-6,
            "events.0.kvp_kv": 110.0,
            "events.0.exposure_uas": 1640.0,
            "events.0.exposure_time_ms": 4.82,
            "events.0.ma_ma": 340.0,
            "events.0.exposure_index": 310.0,
        },
    ),
    "DX, no meter": (
        image(DIGITAL, "DX", KVP="70", ImageAndFluoroscopyAreaDoseProduct="0.0"),
        {"totals.kap_gy_m2": None, "events.0.kap_gy_m2": None},
    ),
    "intra-oral": (
        image(INTRA_ORAL, "IO", KVP="63", ExposureTime="160", XRayTubeCurrent="8"),
        {"modality": "DX", "events.0.exposure_time_ms": 160.0, "totals.kap_gy_m2": None},
    ),
    "panoramic": (
        image(DIGITAL, "PX", KVP="66", ImageAndFluoroscopyAreaDoseProduct="0.85"),
        {"modality": "PX", "totals.kap_gy_m2": 8.5e-6},
    ),
    "dental cone beam": (
        image(
            CT_IMAGE,
            "CT",
            KVP="90",
            AcquisitionNumber="1",
            ImageAndFluoroscopyAreaDoseProduct="6.1",
        ),
        {"modality": "PX", "totals.kap_gy_m2": 6.1e-5, "event_count": 1},
    ),
    "angiogram": (
        image(
            ANGIOGRAM,
            "XA",
            NumberOfFrames=30,
            KVP="77",
            AveragePulseWidth="6.5",
            ImageAndFluoroscopyAreaDoseProduct="104",
            PositionerPrimaryAngle="-30.5",
            DistanceSourceToDetector="1180",
        ),
        {
            "modality": "RF",
            "totals.kap_gy_m2": 1.04e-3,
            "events.0.primary_angle_deg": -30.5,
            "events.0.source_detector_mm": 1180.0,
        },
    ),
    "mammogram": (
        image(
            MAMMOGRAM,
            "MG",
            KVP="28",
            OrganDose="0.0131",
            EntranceDoseInmGy="4.43",
            CompressionForce="85.2",
            BodyPartThickness="51",
            ImageLaterality="R",
        ),
        {"totals.agd_mgy_right": 1.31, "events.0.compression_force_n": 85.2},
    ),
    "tomosynthesis volume": tomosynthesis_volume(),
    "tomosynthesis projections": tomosynthesis_projections(),
}
