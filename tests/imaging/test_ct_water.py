"""CT number, noise and uniformity of water; and everything that is not a water phantom."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image, KermaError
from kerma.dicom.pixels import read_images
from kerma.imaging.registry import find
from kerma.simulate import ct
from tests.imaging.helpers import refused, u, value
from tests.imaging.real import MODULES, module, siemens
from tests.shared import shared_path

NAME = "ct-water"
SHAPE = (400, 400)
P = 0.6


def one(
    seed: int = 1, *, sd: float = 4.0, correlation: float = 1.2, z: float = 0.0, **more: object
) -> Image:
    pixels = ct.water_phantom(SHAPE, pixel_mm=P, **more)  # type: ignore[arg-type]
    grain = ct.noise(SHAPE, sd_hu=sd, seed=seed, correlation_px=correlation)
    return ct.as_image(pixels + grain, P, z_mm=z)


def measure(*images: Image, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


@pytest.mark.parametrize("water", [-6.0, 0.0, 12.0])
@pytest.mark.parametrize("diameter", [180.0, 220.0])
def test_known_water_comes_back(water: float, diameter: float) -> None:
    found = measure(one(water_hu=water, diameter_mm=diameter))
    assert value(found, "ct_number_water") == pytest.approx(
        water, abs=3.5 * u(found, "ct_number_water")
    )
    assert value(found, "noise") == pytest.approx(4.0, abs=3.5 * u(found, "noise"))
    assert value(found, "phantom_diameter") == pytest.approx(diameter, abs=0.5)
    assert value(found, "uniformity") < 4 * u(found, "uniformity")


def test_planted_cupping_is_the_uniformity() -> None:
    found = measure(one(sd=0.5, cupping_hu=8.0))
    inner = 100.0 - 6.0  # mm
    away = inner - 10.0 - 10.0  # margin, and radius of the peripheral regions
    expected = 8.0 * ((away**2 + 10.0**2 / 2) - 40.0**2 / 2) / inner**2
    assert value(found, "uniformity") == pytest.approx(expected, abs=0.3)
    edge, middle = 8.0 * (away**2 + 50) / inner**2 + 1000, 8.0 * 800 / inner**2 + 1000
    integral = 100 * (edge - middle) / (edge + middle)
    assert value(found, "integral_nonuniformity") == pytest.approx(integral, abs=0.02)


@pytest.mark.parametrize(("pixel_mm", "side"), [(0.45, 512), (0.9, 256)])
def test_the_outer_regions_lie_where_the_page_says(pixel_mm: float, side: int) -> None:
    grain = ct.noise((side, side), sd_hu=2, seed=1)
    pixels = ct.water_phantom((side, side), pixel_mm=pixel_mm) + grain
    found = measure(ct.as_image(pixels, pixel_mm))
    places = {r.name: r.points for r in found.regions}
    ((x, y), _) = places["Phantom"]
    ((_, cy), (rim, _)) = places["Right"]
    assert cy == pytest.approx(y)
    inside_mm = 100.0 - 6.0 - (rim - x) * pixel_mm
    assert 10.0 - 0.2 * pixel_mm <= inside_mm <= 10.0 + 2.2 * pixel_mm


def test_uncertainties_cover_the_truth() -> None:
    mean_z, noise_z = [], []
    for seed in range(25):
        found = measure(one(seed))
        mean_z.append(value(found, "ct_number_water") / u(found, "ct_number_water"))
        noise_z.append((value(found, "noise") - 4.0) / u(found, "noise"))
    for z in (mean_z, noise_z):
        assert (np.abs(z) <= 2).mean() >= 0.8
        assert 0.65 <= np.sqrt(np.mean(np.square(z))) <= 1.35


def test_the_phantom_is_found_off_centre_beside_a_table() -> None:
    pixels = ct.water_phantom(SHAPE, pixel_mm=P, diameter_mm=160.0, centre_px=(170.0, 180.0))
    pixels[325:345] = -300.0  # a table board under it
    pixels[330, :] = 200.0
    found = measure(ct.as_image(pixels + ct.noise(SHAPE, sd_hu=3, seed=1), P))
    (x, y), _ = next(r for r in found.regions if r.name == "Phantom").points
    assert (x, y) == pytest.approx((170.0, 180.0), abs=0.2)
    assert value(found, "phantom_diameter") == pytest.approx(160.0, abs=0.5)


@pytest.mark.parametrize("turn", ["left", "mirror"])
def test_turned_images_give_the_same_values(turn: str) -> None:
    image = one(cupping_hu=3.0)
    other = np.rot90(image.pixels) if turn == "left" else image.pixels[:, ::-1]
    first, second = measure(image), measure(ct.as_image(np.ascontiguousarray(other), P))
    for name in ("ct_number_water", "noise", "uniformity", "phantom_diameter"):
        assert value(second, name) == pytest.approx(value(first, name), abs=0.03), name


def test_several_slices_are_averaged_and_named() -> None:
    images = [one(seed, z=5.0 * seed) for seed in (3, 1, 2)]
    found = measure(*images)
    assert found.facts["slices_used"] == [1, 2, 0]  # in order of position
    assert u(found, "ct_number_water") < 0.8 * u(measure(images[0]), "ct_number_water")
    assert len(found.facts["per_slice"]) == 3


def _cap() -> Image:
    return ct.as_image(ct.noise(SHAPE, sd_hu=5, seed=9) + ct.AIR_HU, P, z_mm=100.0)


def test_slices_at_the_ends_that_are_not_water_are_left_out_and_said_so() -> None:
    partial = one(7, z=50.0, water_hu=-25.0)
    images = [one(s, z=5.0 * s) for s in range(1, 5)]
    found = measure(*images, partial, _cap())
    assert found.facts["slices_used"] == [0, 1, 2, 3]
    assert len(found.warnings) == 2
    assert any("-25" in w for w in found.warnings)


def test_a_slice_that_is_not_water_between_good_ones_is_refused() -> None:
    pixels = ct.with_insert(one(5).pixels, x=200, y=200, radius_px=12, change_hu=80)
    odd = ct.as_image(pixels, P, z_mm=2.5)
    refused(NAME, [one(1, z=0.0), one(2, z=5.0), odd], "mixed-phantoms")


def test_a_topogram_is_left_out_of_a_folder_and_refused_alone() -> None:
    scout = ct.as_image(
        ct.noise((300, 512), sd_hu=100, seed=1), 1.0,
        facts={"ImageType": "ORIGINAL\\PRIMARY\\LOCALIZER"},
    )  # fmt: skip
    assert measure(scout, one()).facts["slices_used"] == [1]
    refused(NAME, [scout], "localiser")


@pytest.mark.parametrize(
    ("keyword", "a", "b"),
    [
        ("ConvolutionKernel", "Br38f", "Hr68h"),
        ("ReconstructionDiameter", 250.0, 500.0),
        ("KVP", 80.0, 120.0),
    ],
)
def test_a_mixed_series_is_refused(keyword: str, a: object, b: object) -> None:
    pixels = one().pixels
    images = [ct.as_image(pixels, P, facts={keyword: v}) for v in (a, b)]
    assert str(a) in refused(NAME, images, "mixed-series").message


def test_two_series_of_one_kind_are_refused() -> None:
    pixels = one().pixels
    images = [
        ct.as_image(pixels, P, facts={"SeriesInstanceUID": v, "SeriesNumber": n})
        for n, v in enumerate(("1.2.3", "1.2.4"), 5)
    ]
    assert "series 5" in refused(NAME, images, "mixed-series").message


def test_slices_of_another_matrix_are_refused() -> None:
    other = ct.as_image(ct.water_phantom((320, 320), pixel_mm=0.75), 0.75)
    refused(NAME, [one(), other], "mixed-series")


@pytest.mark.parametrize(
    ("radius_px", "change"),
    [(1.5, 900.0), (12.0, -1000.0), (12.0, 12.0), (30.0, 200.0)],
    ids=["wire", "air hole", "low-contrast insert", "bone insert"],
)
def test_something_in_the_water_is_refused(radius_px: float, change: float) -> None:
    pixels = ct.with_insert(one().pixels, x=230, y=160, radius_px=radius_px, change_hu=change)
    error = refused(NAME, [ct.as_image(pixels, P)], "structure")
    assert error.detail["column"] == pytest.approx(230, abs=radius_px + 2)


def test_a_plastic_phantom_is_refused_unless_asked_for() -> None:
    plastic = one(water_hu=60.0)
    refused(NAME, [plastic], "not-water")
    found = measure(plastic, identity_limit_hu=100)
    assert value(found, "ct_number_water") == pytest.approx(60, abs=1)


def test_a_phantom_cut_off_by_the_field_of_view_is_refused() -> None:
    refused(NAME, [one(diameter_mm=230.0, centre_px=(230.0, 200.0))], "phantom-cut-off")


def test_an_ellipse_is_refused() -> None:
    body = ct.AIR_HU + 1000.0 * ct.cover(SHAPE, 200, 200, 160, 120)
    refused(NAME, [ct.as_image(body + ct.noise(SHAPE, sd_hu=4, seed=1), P)], "not-round")


def test_an_empty_scan_is_refused() -> None:
    refused(NAME, [_cap()], "no-phantom")


def test_a_wire_in_a_small_field_is_refused() -> None:
    wire = ct.wires(
        SHAPE, [(200, 200)], pixel_mm=0.1, sigma_mm=0.3, peak_hu=3000, background_hu=ct.AIR_HU
    )
    refused(NAME, [ct.as_image(wire, 0.1)], "no-phantom")


def test_a_badly_cupped_scanner_is_measured_not_refused() -> None:
    found = measure(one(cupping_hu=25.0))
    assert value(found, "uniformity") > 10


def test_the_same_images_give_the_same_bits() -> None:
    assert measure(one(4)).as_dict() == measure(one(4)).as_dict()


@pytest.mark.parametrize("diameter", [200.0, 240.0, 300.0, 350.0])
@pytest.mark.parametrize("wall", [1.5, 3.0, 10.0])
def test_any_size_and_wall(diameter: float, wall: float) -> None:
    pixels = ct.water_phantom(SHAPE, pixel_mm=0.9, diameter_mm=diameter, wall_mm=wall)
    grain = ct.noise(SHAPE, sd_hu=4.0, seed=2, correlation_px=1.2)
    found = measure(ct.as_image(pixels + grain, 0.9))
    assert value(found, "ct_number_water") == pytest.approx(0, abs=4 * u(found, "ct_number_water"))
    assert value(found, "noise") == pytest.approx(4.0, abs=4 * u(found, "noise"))
    assert value(found, "phantom_diameter") == pytest.approx(
        diameter, abs=2 * u(found, "phantom_diameter")
    )


def _polar() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices(SHAPE, dtype=float)
    return (
        np.hypot(columns - 199.5, rows - 199.5) * P,
        np.degrees(np.arctan2(rows - 199.5, columns - 199.5)),
    )


@pytest.mark.parametrize("holder", ["cradle", "foot", "bracket", "bubble"])
def test_holders_do_not_move_the_phantom(holder: str) -> None:
    r, angle = _polar()
    pixels = ct.water_phantom(SHAPE, pixel_mm=P, diameter_mm=180.0)
    where, hu = {
        # A shell along a third of the border would pull a plain fit by 2 mm.
        "cradle": ((r > 90) & (r < 93) & (np.abs(angle - 90) < 55), 80.0),
        "foot": ((r > 90) & (r < 110) & (np.abs(angle - 90) < 12), 120.0),
        "bracket": ((r > 90) & (np.abs(angle) < 10), 120.0),
        "bubble": ((r < 83) & (r * np.sin(np.radians(angle)) < -79), -1000.0),
    }[holder]
    pixels = np.where(where, hu, pixels) + ct.noise(SHAPE, sd_hu=3, seed=1, correlation_px=1.2)
    found = measure(ct.as_image(pixels, P))
    (x, y), _ = next(r for r in found.regions if r.name == "Phantom").points
    assert (x, y) == pytest.approx((199.5, 199.5), abs=0.2)
    assert value(found, "phantom_diameter") == pytest.approx(180.0, abs=0.7)
    assert value(found, "ct_number_water") == pytest.approx(0.0, abs=0.6)


def test_plastic_throughout_is_refused_and_water_in_a_bag_on_request() -> None:
    bare = one(wall_mm=0.0)
    refused(NAME, [bare], "no-wall")
    found = measure(bare, wall=False)
    assert value(found, "ct_number_water") == pytest.approx(0.0, abs=0.8)
    assert found.provenance.parameters["wall"] is False


def test_recognition_is_of_water_alone() -> None:
    recognise = find(NAME).recognise
    assert recognise is not None
    series = [one(s, z=5.0 * s) for s in range(8)]
    assert "220" not in recognise(series)
    assert "200 mm" in recognise(series)
    assert "200 mm" in recognise([*series, _cap()])
    insert = ct.with_insert(one(20).pixels, x=200, y=200, radius_px=12, change_hu=80)
    other = [ct.as_image(insert, P, z_mm=60.0 + 5 * k) for k in range(8)]
    for images in (other, series + other, [one(1), other[0]]):
        with pytest.raises(KermaError):
            recognise(images)


def test_real_head_and_body_water() -> None:
    for series, count, kernel in (("003", 3, "Hf38s"), ("004", 6, "Br38f")):
        images = siemens(series)
        assert images[0].facts["ConvolutionKernel"] == kernel
        found = measure(*images)
        assert len(found.facts["slices_used"]) == count
        assert abs(value(found, "ct_number_water")) < 2
        assert 3 < value(found, "noise") < 5
        assert value(found, "uniformity") < 2
        assert value(found, "phantom_diameter") == pytest.approx(200, abs=0.5)  # stated: 20 cm


def test_real_things_that_are_not_water_phantoms() -> None:
    refused(NAME, siemens("001"), "localiser")
    refused(NAME, siemens("002"), "no-phantom")
    refused(NAME, siemens("002") + siemens("003"), "mixed-series")
    for name in sorted(p.name for p in shared_path(MODULES).iterdir()):
        code = {"CTP404_FOV150": "phantom-cut-off", "CTP486": "structure"}.get(name, "not-water")
        refused(NAME, module(name), code)


def test_a_folder_as_the_scanner_exports_it_is_refused_by_the_names_of_its_series() -> None:
    everything = [i for s in ("001", "002", "003", "004") for i in siemens(s)]
    error = refused(NAME, everything, "mixed-series")
    for name in ("wire MTF", "Hode vann", "Kropp vann", "Topogram"):
        assert name in error.message
    assert len(error.detail["series"]) == 4


def test_the_homogeneous_part_of_a_real_catphan_is_not_water() -> None:
    folder = shared_path("dicom/phantoms/ct-catphan604-cbct/series.zip")
    near = [i for i in read_images(folder) if i.z_mm is not None and -78 < i.z_mm < -64]
    refused(NAME, near, "no-wall")
