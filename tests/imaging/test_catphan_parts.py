"""The pieces of the CatPhan analysis against closed forms, and its description files."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import InputError
from kerma.imaging.phantoms._describe import load_spec, load_specs
from kerma.imaging.phantoms._points import object_transform
from kerma.imaging.phantoms._pose import rigid_fit
from kerma.imaging.phantoms._spec import PointSource
from kerma.imaging.phantoms._spectrum import spectrum
from kerma.imaging.registry import all_measurements, find
from kerma.simulate.catphan import CatphanScan, catphan_series


@pytest.mark.parametrize("thickness_mm", [1.0, 2.5, 5.0])
def test_slice_thickness_by_the_tangent_of_23_degrees(thickness_mm):
    scan = CatphanScan(
        thickness_mm=thickness_mm,
        increment_mm=thickness_mm,
        first_mm=-67,
        last_mm=36,
        matrix=430,
        pixel_mm=0.5,
        psf_sigma_mm=0.4,
    )
    found = find("ct-catphan504").run(catphan_series(scan)).values["slice_thickness"]
    assert found.value == pytest.approx(thickness_mm, rel=0.003)
    # The rounded factor 0.42 in use elsewhere would be 1.06 % low: it must not pass.
    rounded = found.value * 0.42 / math.tan(math.radians(23))
    assert rounded != pytest.approx(thickness_mm, rel=0.008)


def test_spectrum_of_coloured_noise_has_its_shape_and_integrates_to_the_variance():
    random = np.random.default_rng(5)
    n, pixel, s = 64, 0.5, 0.35
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(8 * n, pixel), np.fft.fftfreq(8 * n, pixel)))
    shape = np.exp(-2 * np.pi**2 * s**2 * f**2)
    blocks = []
    for _ in range(6):
        field = np.fft.ifft2(np.fft.fft2(random.standard_normal(f.shape)) * shape).real
        blocks += [
            field[i : i + n, j : j + n] for i in range(0, 8 * n, n) for j in range(0, 8 * n, n)
        ]
    found = spectrum(np.array(blocks) + 40, (pixel, pixel))
    assert found.integral == pytest.approx(found.variance, rel=1e-9)
    at, mean, u = found.radial()
    true = pixel**2 * np.exp(-4 * np.pi**2 * s**2 * at**2)
    inner = (at > 0.1) & (at < 0.6)
    assert np.abs(mean[inner] / true[inner] - 1).max() < 0.06
    assert np.mean(np.abs(mean - true)[inner] < 2 * u[inner]) > 0.8


def test_trend_is_taken_out_of_the_spectrum():
    n = 48
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    trend = 30 * x**2 - 10 * x * y + 5 * y
    white = np.random.default_rng(2).standard_normal((300, n, n))
    assert spectrum(white + trend, (1, 1)).variance == pytest.approx(1, rel=0.01)


def test_transforms_of_bead_and_wire():
    bead = PointSource("bead", 0.28, 0, 0, (0, 0))
    # 0.28 mm sphere: 0.925 at 1 mm⁻¹.
    assert object_transform(np.array([1.0]), bead)[0] == pytest.approx(0.925, abs=0.001)
    assert object_transform(np.array([0.0]), bead)[0] == 1
    wire = PointSource("wire", 0.05, 0, 0, (0, 0))
    # To second order 1 - (π d f)² / 8.
    assert object_transform(np.array([1.0]), wire)[0] == pytest.approx(
        1 - (math.pi * 0.05) ** 2 / 8, abs=1e-5
    )


@settings(deadline=None)
@given(
    roll=st.floats(-179, 179),
    x=st.floats(-30, 30),
    y=st.floats(-30, 30),
    scale=st.floats(0.97, 1.03),
    sense=st.sampled_from([1, -1]),
)
def test_rigid_fit_recovers_any_position(roll, x, y, scale, sense):
    nominal = np.array([i.xy_mm for i in load_spec("catphan604").sensitometry.inserts])
    a = math.radians(roll)
    turn = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    found = scale * (nominal * [sense, 1]) @ turn.T + [x, y]
    angle, u, shift = rigid_fit(nominal, found, sense)
    assert angle == pytest.approx(roll, abs=1e-6)
    assert shift == pytest.approx((x, y), abs=1e-6)
    assert u < 1e-6


def test_every_description_is_a_measurement():
    known = all_measurements()
    for key, spec in load_specs().items():
        assert known[f"ct-{key}"].modalities == ("CT",)
        assert spec.title in known[f"ct-{key}"].title


SUBJECTS = [
    "nominal_hu",
    "ranges_hu",
    "densities",
    "insert_angles",
    "insert_radius_mm",
    "vial",
    "rods",
    "ramps",
    "offsets_mm",
    "line_pairs",
    "uniformity",
    "body_radius_mm",
]


def test_every_part_of_a_description_says_where_it_comes_from():
    for spec in load_specs().values():
        subjects = list(SUBJECTS)
        subjects += ["points"] if spec.points else []
        subjects += ["bead_ramps"] if spec.beads else []
        subjects += ["low_contrast"] if spec.low_contrast else []
        assert set(subjects) <= set(spec.sources), spec.key
        for subject, source in spec.sources.items():
            word = source.split(":")[0]
            assert word in ("seen", "measured", "recalled", "computed"), (spec.key, subject)


def test_nominal_ct_numbers_lie_within_the_maker_s_ranges():
    for spec in load_specs().values():
        for insert in spec.sensitometry.inserts:
            assert insert.range_hu is None or (
                insert.range_hu[0] <= insert.nominal_hu <= insert.range_hu[1]
            )


def test_bone_inserts_tell_the_604_from_the_504():
    keys = {k: {i.key for i in load_spec(k).sensitometry.inserts} for k in load_specs()}
    assert keys["catphan604"] - keys["catphan504"] == {"bone_20", "bone_50"}


def test_unknown_phantom_is_refused():
    with pytest.raises(InputError) as refused:
        load_spec("catphan999")
    assert refused.value.code == "unknown-phantom"
