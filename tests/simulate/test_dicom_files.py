"""Simulated images are real DICOM, and measuring them finds their truth."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest

from kerma.core import InputError, content_hash
from kerma.dicom.pixels import read_images
from kerma.imaging.registry import find
from kerma.simulate.detector import Detector
from kerma.simulate.dicom_files import Frame, Place, quantise, write_image
from kerma.simulate.history import History
from kerma.simulate.phantom_images import PhantomTruth, kinds_for, phantom_images
from tests.simulate.conftest import TODAY


def _make(
    history: History,
    folder: Path,
    system: str,
    kind: str,
    day: date = TODAY,
    count: int | None = None,
) -> PhantomTruth:
    department = history.department
    return phantom_images(
        kind,
        department.system(system),
        day,
        state=history.state(system, day),
        folder=folder,
        seed=department.seed,
        count=count,
    )


@pytest.mark.parametrize("bits", [12, 14, 16])
@pytest.mark.parametrize("modality", ["CT", "DX", "MG", "CR", "IO", "PX", "XA", "RF"])
def test_pixels_survive_the_file(
    history: History, tmp_path: Path, modality: str, bits: int
) -> None:
    pixels = np.arange(40.0 * 50).reshape(40, 50) - (800 if modality == "CT" else 0)
    frame = Frame(pixels, modality, 0.2, bits=bits)
    system = history.department.system("ag-dr1")
    place = Place(system, datetime(2026, 11, 2, 9), 1, "test")
    uid = write_image(tmp_path / "a.dcm", frame, place)
    image = read_images(tmp_path / "a.dcm")[0]
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.spacing_mm == (0.2, 0.2)
    assert image.modality == modality
    assert image.processing == ("unknown" if modality == "CT" else "raw")
    assert image.facts["SOPInstanceUID"] == uid
    assert image.facts["StationName"] == system.identity.station_name
    assert image.facts["DeviceSerialNumber"] == system.serial
    # The same again gives the same bytes; another series another UID.
    again = write_image(tmp_path / "b.dcm", frame, place)
    other = write_image(tmp_path / "c.dcm", frame, replace(place, series="other"))
    assert again == uid != other
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()


def test_quantisation_rounds_and_clips() -> None:
    stored = quantise(np.array([[-5.0, 1.4, 1.6, 5000.0]]), bits=12)
    assert stored.tolist() == [[0, 1, 2, 4095]]


def test_presentation_copies_say_so_and_are_refused(history: History, tmp_path: Path) -> None:
    for system in ("ag-dr1", "hs-mg1", "fc-cr1", "sq-hyb"):
        truth = _make(history, tmp_path, system, "presentation")
        images = read_images(list(truth.files))
        assert images[0].processing == "presentation"
        with pytest.raises(InputError):
            find("planar-mtf-edge").run(images)


@pytest.mark.parametrize("system", ["ag-dr1", "fc-cr1", "hs-mg1", "sq-hyb", "bd-io1"])
def test_measured_mtf_is_the_true_one(history: History, tmp_path: Path, system: str) -> None:
    truth = _make(history, tmp_path, system, "edge")
    found = find("planar-mtf-edge").run(read_images(list(truth.files))).values
    assert found["mtf50"].value == pytest.approx(truth.values["mtf50_per_mm"], rel=0.035)
    assert found["edge_angle"].value == pytest.approx(truth.values["tilt_deg"], abs=0.02)


def test_flat_field_mean_and_noise_are_the_true_ones(history: History, tmp_path: Path) -> None:
    truth = _make(history, tmp_path, "ag-dr1", "flat")
    found = find("planar-snr").run(read_images(list(truth.files))).values
    assert found["mean"].value == pytest.approx(truth.values["mean_pv"], rel=0.002)
    # Shading adds a little to the noise over 40 mm.
    assert found["noise"].value == pytest.approx(truth.values["noise_pv"], rel=0.02)


def test_signal_transfer_property_is_recovered(history: History, tmp_path: Path) -> None:
    truth = _make(history, tmp_path, "ag-dr1", "stp", count=5)
    assert len(truth.files) == len(truth.parameters["kerma_ugy"]) == 5
    found = find("planar-stp").run(
        read_images(list(truth.files)), kerma_ugy=tuple(truth.parameters["kerma_ugy"])
    )
    assert found.values["b"].value == pytest.approx(truth.values["gain_pv_per_ugy"], rel=0.002)
    assert found.values["a"].value == pytest.approx(truth.values["offset_pv"], abs=1.0)


def test_dark_frames_share_one_fixed_pattern(history: History, tmp_path: Path) -> None:
    truth = _make(history, tmp_path, "ag-dr1", "dark")
    found = find("planar-dark-noise").run(read_images(list(truth.files))).values
    # Rounding to whole pixel values adds 1/12 to the variance.
    temporal = np.hypot(truth.values["temporal_pv"], np.sqrt(1 / 12))
    assert found["temporal_noise"].value == pytest.approx(temporal, rel=0.01)
    assert found["fixed_pattern"].value == pytest.approx(truth.values["fixed_pv"], rel=0.03)


def test_water_and_wire_of_ct(history: History, tmp_path: Path) -> None:
    water = _make(history, tmp_path, "ag-ct1", "ct-water")
    found = find("ct-water").run(read_images(list(water.files))).values
    assert found["ct_number_water"].value == pytest.approx(water.values["water_hu"], abs=0.4)
    assert found["noise"].value == pytest.approx(water.values["noise_hu"], rel=0.06)
    wire = _make(history, tmp_path, "ag-ct1", "ct-wire")
    found = find("ct-wire-mtf").run(read_images(list(wire.files))).values
    assert found["mtf50"].value == pytest.approx(wire.values["mtf50_per_mm"], rel=0.02)


def test_catphan_slices_are_a_series(history: History, tmp_path: Path) -> None:
    truth = _make(history, tmp_path, "ag-ct1", "catphan604", count=4)
    images = read_images(list(truth.files))
    z = [i.z_mm for i in images]
    assert z == sorted(z)
    assert len(np.unique(np.diff(z).round(6))) == 1
    assert pydicom.dcmread(truth.files[0]).PatientID.startswith("QA-")


def test_a_planned_ct_number_fault_is_in_the_images(history: History, tmp_path: Path) -> None:
    fault = next(f for f in history.faults if f.system == "lc-ct1")
    assert fault.repaired is not None
    during = _make(history, tmp_path, "lc-ct1", "ct-water", fault.found)
    after = _make(history, tmp_path, "lc-ct1", "ct-water", fault.repaired)
    measured = [
        find("ct-water").run(read_images(list(t.files))).values["ct_number_water"].value
        for t in (during, after)
    ]
    assert measured[0] - measured[1] == pytest.approx(fault.effect["ct_number_hu"], abs=0.5)


def test_a_detector_gets_noisier_with_age_and_is_better_when_new(history: History) -> None:
    van = history.department.system("hs-van")
    changed = next(p.removed for p in van.components if p.kind == "detector" and p.removed)
    worn = Detector.of(van, history.state("hs-van", changed - timedelta(days=1)))
    fresh = Detector.of(van, history.state("hs-van", changed))
    new = Detector.of(van, history.state("hs-van", van.installed))
    assert fresh.noise_pv(100) < worn.noise_pv(100)
    assert new.noise_pv(100) < worn.noise_pv(100)


def test_what_a_system_cannot_image_is_refused(history: History, tmp_path: Path) -> None:
    assert kinds_for(history.department.system("ag-rep")) == ()
    with pytest.raises(InputError) as error:
        _make(history, tmp_path, "ag-dr1", "ct-water")
    assert error.value.code == "unknown-kind"


def test_same_seed_same_bytes(history: History, tmp_path: Path) -> None:
    hashes = [
        content_hash(_make(history, tmp_path / name, "ag-dr1", "flat").files[0].read_bytes())
        for name in ("a", "b")
    ]
    assert hashes[0] == hashes[1]
