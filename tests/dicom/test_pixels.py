"""Images in: values, geometry, order, state, facts without identity, plain refusals."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from kerma.core import InputError, KermaError, UnsupportedError
from kerma.dicom import geometry, pixels, sources
from kerma.dicom.pixels import read_headers, read_images
from tests.dicom import build
from tests.shared import shared_path

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4)


def ct(z_mm: float, **header: Any) -> Dataset:
    return build.image(
        RAMP,
        RescaleSlope=2,
        RescaleIntercept=-1000,
        PixelSpacing=[0.5, 0.25],
        SliceThickness=1.5,
        ImagePositionPatient=[-10, -20, z_mm],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        **header,
    )


def write(folder: Path, name: str, dataset: Dataset, **how: Any) -> Path:
    path = folder / name
    path.write_bytes(build.encode(dataset, **how))
    return path


def test_ct_is_in_hu_with_its_geometry(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dcm", ct(12.5))
    (image,) = read_images(path)
    assert np.array_equal(image.pixels, RAMP * 2.0 - 1000)
    assert image.spacing_mm == (0.5, 0.25)
    assert image.z_mm == 12.5
    assert image.thickness_mm == 1.5
    assert image.saturated_at == 65535 * 2 - 1000
    assert image.modality == "CT"
    assert image.facts["spacing_from"] == "PixelSpacing"
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@given(slope=st.floats(0.001, 30), intercept=st.floats(-5000, 5000))
@settings(max_examples=30, deadline=None)
def test_rescale_is_exact(
    tmp_path_factory: pytest.TempPathFactory, slope: float, intercept: float
) -> None:
    slope, intercept = float(f"{slope:.6g}"), float(f"{intercept:.6g}")
    dataset = ct(0)
    dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
    (image,) = read_images(write(tmp_path_factory.mktemp("x"), "a.dcm", dataset))
    assert np.array_equal(image.pixels, RAMP.astype(float) * slope + intercept)


def test_signed_values(tmp_path: Path) -> None:
    dataset = build.image(np.array([[-5, 7]], dtype=np.int16), RescaleSlope=1, RescaleIntercept=0)
    (image,) = read_images(write(tmp_path, "a.dcm", dataset))
    assert image.pixels.tolist() == [[-5.0, 7.0]]
    assert image.saturated_at == 32767


def test_slices_are_sorted_along_the_normal_within_each_series(tmp_path: Path) -> None:
    for name, z_mm, series in (("c", 30, 2), ("a", 10, 2), ("b", 20, 2), ("d", 5, 7)):
        write(tmp_path, name, ct(z_mm, SeriesNumber=series, SeriesInstanceUID=f"1.2.{series}"))
    found = read_images(tmp_path)
    assert [(image.facts["SeriesNumber"], image.z_mm) for image in found] == [
        (2, 10.0),
        (2, 20.0),
        (2, 30.0),
        (7, 5.0),
    ]


def test_position_on_a_tilted_slice_is_along_its_own_normal(tmp_path: Path) -> None:
    # Rows along x, columns along −z: the normal is +y.
    dataset = ct(
        40,
    )
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    (image,) = read_images(write(tmp_path, "a.dcm", dataset))
    assert image.z_mm == pytest.approx(-20.0)


def test_slice_location_is_the_second_choice(tmp_path: Path) -> None:
    dataset = ct(0)
    del dataset.ImagePositionPatient
    dataset.SliceLocation = 77
    (image,) = read_images(write(tmp_path, "a.dcm", dataset))
    assert image.z_mm == 77


def dx(**header: Any) -> Dataset:
    return build.image(RAMP, Modality="DX", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1.1", **header)


def test_projection_pixels_are_as_stored(tmp_path: Path) -> None:
    dataset = dx(
        RescaleSlope=3, RescaleIntercept=9, PhotometricInterpretation="MONOCHROME1",
        ImagerPixelSpacing=[0.1, 0.2],
    )  # fmt: skip
    (image,) = read_images(write(tmp_path, "a.dcm", dataset))
    assert np.array_equal(image.pixels, RAMP)
    assert image.facts["monochrome1"] is True
    assert image.spacing_mm == (0.1, 0.2)
    assert image.facts["spacing_from"] == "ImagerPixelSpacing"


def test_a_detector_is_measured_at_its_surface(tmp_path: Path) -> None:
    # A spacing calibrated to the patient's plane would raise every frequency by the magnification.
    both = {"PixelSpacing": [0.08, 0.08], "ImagerPixelSpacing": [0.1, 0.1]}
    (image,) = read_images(write(tmp_path, "a.dcm", dx(**both)))
    assert image.spacing_mm == (0.1, 0.1)
    (image,) = read_images(write(tmp_path, "b.dcm", dx(PixelSpacing=[0.08, 0.08])))
    assert image.facts["spacing_from"] == "PixelSpacing"
    (image,) = read_images(write(tmp_path, "c.dcm", ct(0, ImagerPixelSpacing=[0.1, 0.1])))
    assert image.spacing_mm == (0.5, 0.25)


@pytest.mark.shared
def test_a_panoramic_image_that_states_both_spacings() -> None:
    # Its pixels are cut short, so only the header is read.
    path = shared_path("dicom/dose-reports/PX-Im-NewTom_Go.dcm")
    stated = geometry.frame(dcmread(path, stop_before_pixels=True), 0)
    assert stated.spacing_mm == (0.1, 0.1)


@pytest.mark.parametrize("stated", [None, [0, 0], [-1, 1]])
def test_spacing_is_never_assumed(tmp_path: Path, stated: list[float] | None) -> None:
    dataset = dx()
    if stated is not None:
        dataset.PixelSpacing = stated
    (image,) = read_images(write(tmp_path, "a.dcm", dataset))
    assert image.spacing_mm is None
    with pytest.raises(InputError):
        image.require_spacing()


@pytest.mark.parametrize(
    ("header", "state"),
    [
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw"),
        ({"PresentationIntentType": "FOR PRESENTATION"}, "presentation"),
        ({}, "raw"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1"}, "presentation"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1"}, "unknown"),
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "ImageType": ["ORIGINAL", "PRIMARY"]},
            "unknown",
        ),
        (
            {
                "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
                "ImageType": ["DERIVED", "PRIMARY", "POST_PROCESSED"],
            },
            "presentation",
        ),
        (
            {
                "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
                "ImageType": ["ORIGINAL", "PRIMARY", "RAW"],
            },
            "raw",
        ),
    ],
)
def test_processing(tmp_path: Path, header: dict[str, Any], state: str) -> None:
    dataset = dx()
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    (image,) = read_images(write(tmp_path, "a.dcm", dataset))
    assert image.processing == state


def test_frames_are_split(tmp_path: Path) -> None:
    stack = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    found = read_images(write(tmp_path, "a.dcm", build.image(stack, Modality="XA")))
    assert [image.facts["frame"] for image in found] == [0, 1]
    assert np.array_equal(found[1].pixels, stack[1])


def test_enhanced_ct_states_each_frame_in_functional_groups(tmp_path: Path) -> None:
    dataset = build.image(np.ones((2, 2, 2), dtype=np.uint16))
    groups = []
    for z_mm, slope in ((9.0, 2.0), (4.0, 3.0)):
        group, position, rescale = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, z_mm]
        rescale.RescaleSlope, rescale.RescaleIntercept = slope, 10
        group.PlanePositionSequence = [position]
        group.PixelValueTransformationSequence = [rescale]
        groups.append(group)
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [0.7, 0.7], 5
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [plane], [measures]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = groups
    found = read_images(write(tmp_path, "a.dcm", dataset))
    assert [(image.z_mm, float(image.pixels[0, 0])) for image in found] == [(4, 13.0), (9, 12.0)]
    assert {image.spacing_mm for image in found} == {(0.7, 0.7)}


def test_compressed_pixels_are_decoded(tmp_path: Path) -> None:
    dataset = ct(0)
    path = write(tmp_path, "a.dcm", dataset)
    import pydicom

    compressed = pydicom.dcmread(path)
    compressed.compress(RLELossless)
    compressed.save_as(tmp_path / "b.dcm")
    a, b = read_images(path)[0], read_images(tmp_path / "b.dcm")[0]
    assert np.array_equal(a.pixels, b.pixels)


def test_a_compression_without_decoder_names_what_is_missing(tmp_path: Path) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    jpeg = "1.2.840.10008.1.2.4.80"
    if get_decoder(jpeg).is_available:
        pytest.skip("a JPEG-LS decoder is installed here")
    path = write(tmp_path, "a.dcm", ct(0))
    data = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4.80", 1)
    at = data.index(jpeg.encode()) - 2
    path.write_bytes(data[:at] + len(jpeg).to_bytes(2, "little") + data[at + 2 :])
    with pytest.raises(UnsupportedError, match=r"pylibjpeg|gdcm") as error:
        read_images(path)
    assert error.value.code == "transfer-syntax"


def test_folder_zip_and_several_files(tmp_path: Path) -> None:
    inner = tmp_path / "deep" / "er"
    inner.mkdir(parents=True)
    one, two = write(inner, "1.dcm", ct(1)), write(tmp_path, "2", ct(2))
    (tmp_path / "readme.txt").write_text("not an image")
    (inner / ".hidden").write_bytes(b"junk")
    assert [image.z_mm for image in read_images(tmp_path)] == [1, 2]
    assert [image.z_mm for image in read_images([two, one])] == [1, 2]
    archive = tmp_path / "x" / "all.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(one, "a/1.dcm")
        packed.write(two, "2.dcm")
        packed.writestr("notes.txt", "x")
    assert [image.z_mm for image in read_images(archive)] == [1, 2]


def test_objects_without_pixels_are_passed_over_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "1.dcm", ct(1))
    write(tmp_path, "sr.dcm", build.report([]))
    assert len(read_images(tmp_path)) == 1


def test_a_damaged_image_in_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "1.dcm", ct(1))
    path = write(tmp_path, "2.dcm", ct(2))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"2\.dcm"):
        read_images(tmp_path)


def refusals() -> list[Any]:
    colour = build.image(
        np.zeros((2, 6), dtype=np.uint8), SamplesPerPixel=3, PhotometricInterpretation="RGB",
        PlanarConfiguration=0, Columns=2,
    )  # fmt: skip
    no_rescale = build.image(RAMP)
    huge = ct(0)
    huge.Rows, huge.Columns, huge.NumberOfFrames = 60_000, 60_000, 50
    return [
        pytest.param(b"hello world, this is text", InputError, "not-dicom", id="text"),
        pytest.param(b"", InputError, "not-dicom", id="empty"),
        pytest.param(build.encode(colour), UnsupportedError, "colour-image", id="colour"),
        pytest.param(build.encode(build.report([])), InputError, "no-pixels", id="report"),
        pytest.param(build.encode(no_rescale), InputError, "no-rescale", id="no-rescale"),
        pytest.param(build.encode(ct(0))[:-3], InputError, "broken-pixels", id="cut-pixels"),
        pytest.param(build.encode(ct(0))[:400], InputError, "no-pixels", id="cut-header"),
        pytest.param(build.encode(huge), UnsupportedError, "too-many-pixels", id="huge"),
    ]


@pytest.mark.parametrize(("data", "kind", "error_code"), refusals())
def test_refusals_name_the_file_and_the_reason(
    tmp_path: Path, data: bytes, kind: type[KermaError], error_code: str
) -> None:
    path = tmp_path / "given.dcm"
    path.write_bytes(data)
    with pytest.raises(kind, match=r"given\.dcm") as error:
        read_images(path)
    assert error.value.code == error_code


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no DICOM image"):
        read_images(tmp_path)
    with pytest.raises(InputError, match="no file or folder"):
        read_images(tmp_path / "absent")


def test_a_broken_or_oversized_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(InputError, match="zip archive"):
        read_images(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb", b"\0" * 5_000_000)
    monkeypatch.setattr(sources, "MAX_OBJECT_BYTES", 1_000_000)
    with pytest.raises(InputError, match="reads files of up to"):
        read_images(path)


def test_facts_never_name_the_patient(tmp_path: Path) -> None:
    dataset = ct(
        0, PatientName="Testperson^Secret", PatientID="NHS-999", PatientBirthDate="19700101"
    )
    dataset.OperatorsName, dataset.Manufacturer, dataset.KVP = "Operator^Secret", "Invented", 120
    path = write(tmp_path, "a.dcm", dataset)
    for facts in (read_images(path)[0].facts, read_headers(path)[0]):
        assert facts["Manufacturer"] == "Invented"
        assert facts["KVP"] == 120
        assert not {"PatientName", "PatientID", "PatientBirthDate", "OperatorsName"} & set(facts)
        assert all(word not in repr(facts) for word in ("Secret", "NHS-999", "19700101"))


@pytest.mark.parametrize(
    ("header", "clinical"),
    [
        ({"PatientBirthDate": "19700101", "PatientSex": "F", "StudyDate": "20200101"}, True),
        ({"PatientBirthDate": "19000101", "PatientSex": "F", "StudyDate": "20200101"}, False),
        ({"PatientSex": "F", "StudyDate": "20200101"}, False),
        (
            {
                "PatientBirthDate": "19700101", "PatientSex": "F", "StudyDate": "20200101",
                "StudyDescription": "Catphan 604",
            },
            False,
        ),
    ],
)  # fmt: skip
def test_the_clinical_hint(tmp_path: Path, header: dict[str, Any], clinical: bool) -> None:
    (image,) = read_images(write(tmp_path, "a.dcm", ct(0, **header)))
    assert image.facts["looks_clinical"] is clinical


def test_headers_are_read_without_pixels(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dcm", ct(0), syntax=ImplicitVRLittleEndian)
    (facts,) = read_headers(path)
    assert facts["file"] == "a.dcm"
    assert (facts["Rows"], facts["Columns"]) == (3, 4)
    assert facts["SliceThickness"] == 1.5


def test_pixels_are_32_bit_only_where_exact(tmp_path: Path) -> None:
    whole = read_images(write(tmp_path, "a.dcm", ct(0)))[0]
    dataset = ct(0)
    dataset.RescaleSlope = 0.1
    fraction = read_images(write(tmp_path, "b.dcm", dataset))[0]
    assert whole.pixels.dtype == np.float32
    assert fraction.pixels.dtype == np.float64


@given(where=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), cut=st.booleans())
@settings(max_examples=120, deadline=None)
def test_damage_never_ends_in_anything_but_a_kerma_error(
    tmp_path_factory: pytest.TempPathFactory, where: float, value: int, cut: bool
) -> None:
    data = bytearray(build.encode(ct(0)))
    at = 132 + int(where * (len(data) - 132))
    if cut:
        del data[at:]
    else:
        data[at] = value
    path = tmp_path_factory.mktemp("fuzz") / "a.dcm"
    path.write_bytes(data)
    with contextlib.suppress(KermaError):
        read_images(path)
    with contextlib.suppress(KermaError):
        read_headers(path)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("where", "count", "modality", "spacing_mm"),
    [
        ("ct-siemens-constancy", 13, "CT", 1.0),
        ("ct-catphan-modules", 9, "CT", 0.41015625),
        ("ct-catphan504-cbct/series.zip", 64, "CT", 0.87890625),
        ("ct-catphan604-cbct/series.zip", 88, "CT", 0.90802037715912),
        ("leeds-tor-18fg/leeds.dcm", 1, "RTIMAGE", 0.388),
    ],
)
def test_real_phantom_images(where: str, count: int, modality: str, spacing_mm: float) -> None:
    found = read_images(shared_path(f"dicom/phantoms/{where}"))
    assert len(found) == count
    assert {image.modality for image in found} == {modality}
    assert found[0].spacing_mm == (spacing_mm, spacing_mm)
    assert not any(image.facts["looks_clinical"] for image in found)
    by_series: dict[str, list[float]] = {}
    for image in found:
        if image.z_mm is not None:
            by_series.setdefault(image.facts["SeriesInstanceUID"], []).append(image.z_mm)
    assert all(positions == sorted(positions) for positions in by_series.values())


def test_the_limit_on_pixels_is_a_matter_of_memory() -> None:
    assert pixels.MAX_PIXELS * 4 <= 2 * 1024**3
