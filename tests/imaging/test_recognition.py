"""A phantom is recognised, not assumed: each one's images are refused by every other's analysis."""

from __future__ import annotations

import pytest

from kerma import imaging
from kerma.core import Image, InputError, KermaError
from tests.imaging.pictures import PHANTOMS, analysed, measured, picture
from tests.imaging.real import siemens
from tests.shared import shared_path


@pytest.mark.parametrize("shown", PHANTOMS)
def test_a_phantom_names_itself(shown: str) -> None:
    assert imaging.recognise(picture(shown).images).name == shown


@pytest.mark.parametrize("shown", PHANTOMS)
def test_every_other_phantoms_analysis_refuses(shown: str) -> None:
    accepted, said = {}, {}
    for measurement in PHANTOMS:
        if measurement == shown:
            continue
        try:
            accepted[measurement] = dict(analysed(measurement, shown).values)
        except KermaError as refusal:
            said[measurement] = refusal.message
    assert accepted == {}
    assert min(map(len, said.values())) > 20, said


@pytest.mark.parametrize("measurement", PHANTOMS)
def test_the_matrix_can_fail(measurement: str) -> None:
    """Each phantom's own images pass the very call the matrix makes."""
    assert measured(measurement).status == "measured"


def test_flat_fields_and_edges_are_no_phantom() -> None:
    for name in ("planar-snr", "planar-mtf-edge", "planar-dark-noise"):
        with pytest.raises(InputError) as refusal:
            imaging.recognise(picture(name).images[:1])
        assert refusal.value.code in ("not-recognised", "constant-image"), name


def test_nothing_given_is_said_once() -> None:
    with pytest.raises(InputError) as refusal:
        imaging.recognise([])
    assert refusal.value.code == "no-images"


def test_what_all_refuse_for_one_reason_is_refused_for_that_reason() -> None:
    mixed: list[Image] = [*picture("ct-water").images, *picture("ct-wire-mtf").images]
    with pytest.raises(InputError) as refusal:
        imaging.recognise(mixed)
    assert refusal.value.code in ("mixed-series", "not-recognised")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("dicom/phantoms/ct-catphan504-cbct/series.zip", "ct-catphan504"),
        ("dicom/phantoms/ct-catphan604-cbct/series.zip", "ct-catphan604"),
        ("dicom/phantoms/leeds-tor-18fg/leeds.dcm", "leeds-tor-18fg"),
    ],
)
def test_real_images_name_themselves(folder: str, name: str) -> None:
    from kerma.dicom.pixels import read_images

    assert imaging.recognise(read_images(shared_path(folder))).name == name


@pytest.mark.parametrize(("series", "name"), [("003", "ct-water"), ("004", "ct-water")])
def test_real_water_names_itself(series: str, name: str) -> None:
    assert imaging.recognise(siemens(series)).name == name
