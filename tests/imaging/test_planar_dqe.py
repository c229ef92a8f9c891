"""NEQ and DQE of ideal counters (methods, cases 10 and 11), and SNR²in by edition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from kerma import imaging
from kerma.core import Analysis, Image, KermaError
from kerma.imaging.tools import dqe, noise_power, snr_in
from kerma.imaging.tools.regions import Rectangle
from kerma.reference import rows
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-dqe"
P, K, ETA = 0.15, 2.5, 0.6
SNR2 = 29653.0  # RQA5, 2015
COUNTS = ETA * K * SNR2 * P**2
NYQUIST = 0.5 / P
BEAM = {"KVP": 70.0}


def counted(seed: int, side: int = 1536) -> np.ndarray:
    """Return the counts of an ideal counter that absorbs the share ETA."""
    return np.random.default_rng(seed).poisson(COUNTS, (side, side)).astype(float)


def edge(side: int = 640) -> np.ndarray:
    """Return an edge as the counter sees it: pixel aperture alone, hardly any blur, no noise."""
    return planar.edge((side, side), pixel_mm=P, sigma_mm=0.001, tilt_deg=2.0,
                       low=0.02 * COUNTS, high=COUNTS)  # fmt: skip


def blurred(pixels: np.ndarray, sigma_px: float = 0.6) -> np.ndarray:
    return ndimage.gaussian_filter(pixels, sigma_px, mode="nearest", truncate=6.0)


def images(blur: bool = False, flats: int = 1, side: int = 1536, **facts: object) -> list[Image]:
    made = [np.pad(edge(640), ((0, side - 640), (0, side - 640)), mode="edge")]
    made += [counted(seed, side) for seed in range(flats)]
    changed = [blurred(p) if blur else p for p in made]
    return [planar.as_image(p, P, facts={**BEAM, **facts}) for p in changed]


def measure(given: list[Image], **parameters: object) -> Analysis:
    flats = len(given) - int(str(parameters.get("edges", 1)))
    chosen: dict[str, object] = {
        "kerma_ugy": [K] * flats, "quality": "RQA5", "edition": "2015", "margin_mm": 0.0,
        "u_kerma_percent": 2.0, "edge_roi": [0, 0, 640, 640], **parameters,
    }  # fmt: skip
    return imaging.analyse(NAME, given, **chosen)


@pytest.fixture(scope="module")
def ideal() -> Analysis:
    return measure(images(flats=2))


def test_case_10_a_counter_of_sampled_points_has_its_absorbed_share() -> None:
    """No aperture: MTF 1 by definition, so DQE is ETA at every frequency."""
    field = (counted(1), Rectangle(0, 0, 1536, 1536))
    found = noise_power.measure([field], (P, P), 256)
    f = np.linspace(0, NYQUIST, 50)
    flat = dqe.Spectrum(f, np.ones(50), np.zeros(50))
    band = found.radial()
    neq = dqe.noise_equivalent_quanta(
        flat, dqe.Spectrum(band.frequency_per_mm, band.value, band.u),
        from_per_mm=0.1, band_per_mm=0.1,
    )  # fmt: skip
    efficiency = neq.scaled(1 / (K * SNR2))
    assert efficiency.value.mean() == pytest.approx(ETA, rel=0.005)
    assert (np.abs(efficiency.value - ETA) < 4 * efficiency.u).all()
    whole = 1 / (found.value.mean() * K * SNR2)
    assert whole == pytest.approx(ETA, rel=0.005)


def test_case_10_with_its_aperture_measured_from_an_edge(ideal: Analysis) -> None:
    f, y, sd = curve(ideal, "DQE x")
    truth = ETA * np.sinc(f * P) ** 2
    reach = f < 0.95 * NYQUIST
    assert (y / truth)[reach].mean() == pytest.approx(1, abs=0.005)
    scatter = sd / y  # includes 2 % of air kerma, which is exact here
    assert np.abs(y / truth - 1)[reach].max() < 2.5 * scatter[reach].max()
    neq = curve(ideal, "NEQ x")[1]
    np.testing.assert_allclose(neq, y * K * SNR2)


def test_case_11_blur_after_detection_cancels() -> None:
    found = measure(images(blur=True, flats=2))
    f, y, _ = curve(found, "DQE x")
    reach = f <= 0.8 * NYQUIST
    ratio = (y / (ETA * np.sinc(f * P) ** 2))[reach]
    # bands of five scatter by 1 % here: the mean of all and of each fifth of the range
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    for part in np.array_split(ratio, 5):
        assert part.mean() == pytest.approx(1, abs=0.02)


def test_blur_that_the_noise_does_not_share_lowers_the_dqe() -> None:
    """Negative control: an edge blurred as in case 11, with the noise of the sharp counter."""
    mixed = [images(blur=True)[0], *images()[1:]]
    f, y, _ = curve(measure(mixed), "DQE x")
    expected = np.exp(-4 * (np.pi * 0.6 * P * f) ** 2)
    ratio = y / (ETA * np.sinc(f * P) ** 2)
    assert ratio[f < 2] == pytest.approx(expected[f < 2], abs=0.06)
    assert ratio[np.argmin(np.abs(f - 2))] < 0.4


def test_the_edition_decides_and_is_stored(ideal: Analysis) -> None:
    old = measure(images(flats=2), edition=2003)
    assert value(old, "dqe_at_1") == pytest.approx(value(ideal, "dqe_at_1") * 29653 / 30174)
    assert ideal.facts["edition"] == "2015"
    assert ideal.facts["snr2_in_per_mm2_ugy"] == 29653
    assert ideal.facts["standard"] == "IEC 62220-1-1:2015"
    assert ideal.facts["rests_on"] == ["snr-in/qualities/rqa5-2015", "beam-quality/rqa-5"]
    assert str(ideal.values["snr2_in"].unit) == "1/(mm2.uGy)"
    assert ideal.provenance.parameters["snr_in"]["edition"] == "2015"


def test_there_is_no_default_edition_or_quality() -> None:
    given = images(side=640)
    refused(NAME, given, "missing-parameter", kerma_ugy=[K], quality="RQA5")
    refused(NAME, given, "missing-parameter", kerma_ugy=[K], edition="2015")
    refused(NAME, given, "unknown-quality", kerma_ugy=[K], quality="RQA5", edition="2007")
    refused(NAME, given, "unknown-quality", kerma_ugy=[K], quality="RQA6", edition="2015")


# imaging methods, section 4.3
TABLE = {
    ("RQA3", "2003"): 21759, ("RQA5", "2003"): 30174, ("RQA7", "2003"): 32362,
    ("RQA9", "2003"): 31077, ("RQA3", "2015"): 20673, ("RQA5", "2015"): 29653,
    ("RQA7", "2015"): 32490, ("RQA9", "2015"): 31077, ("RQA-M1", "2007"): 4639,
    ("RQA-M2", "2007"): 4981, ("RQA-M3", "2007"): 5303, ("RQA-M4", "2007"): 6325,
}  # fmt: skip
KV = {"RQA3": 50, "RQA5": 70, "RQA7": 90, "RQA9": 120,
      "RQA-M1": 25, "RQA-M2": 28, "RQA-M3": 30, "RQA-M4": 35}  # fmt: skip


@pytest.mark.parametrize(("name", "edition"), TABLE)
def test_snr_in_as_the_editions_give_it(name: str, edition: str) -> None:
    found = snr_in.find(f" {name[:3].lower()} {name[3:]} ", edition)
    assert found.snr2_per_mm2_ugy == TABLE[name, edition]
    assert found.kv == KV[name]
    assert found.entry.confidence == "seen"
    assert found.entry.document


def test_the_2015_values_follow_from_spectra_and_calculated_rows_say_so() -> None:
    for entry in rows("snr-in"):
        if entry.text("edition") == "2015":
            assert entry.number("spekpy_counted") == pytest.approx(
                entry.number("snr2_in"), rel=0.003
            )
        if entry.text("edition") == "computed":
            assert entry.confidence == "computed"
    standards = [r for r in rows("snr-in") if r.text("edition") != "computed"]
    assert len(standards) == len(TABLE)


def test_a_beam_that_contradicts_the_quality_is_refused() -> None:
    def no(quality: str, edition: str, **facts: object) -> None:
        given = images(side=640, **facts)
        refused(NAME, given, "beam-quality", kerma_ugy=[K], quality=quality, edition=edition)

    no("RQA7", "2015")
    no("RQA3", "2003")
    no("RQA5", "2015", KVP="81")
    no("RQA5", "2015", AnodeTargetMaterial="MOLYBDENUM")
    no("RQA-M2", "2007", KVP=30)
    no("RQA-M2", "2007", KVP=28, AnodeTargetMaterial="TUNGSTEN")
    no("RQA-M2", "2007", KVP=28, AnodeTargetMaterial="MOLYBDENUM", FilterMaterial=["RHODIUM"])
    one_off = [*images(side=640)[:1], planar.as_image(counted(3, 640), P, facts={"KVP": 90})]
    refused(NAME, one_off, "beam-quality", kerma_ugy=[K], quality="RQA5", edition="2015")


def test_a_beam_that_fits_or_says_nothing_is_measured() -> None:
    fits = measure(images(side=640, KVP="71", AnodeTargetMaterial="TUNGSTEN"))
    assert not any("tube voltage" in w for w in fits.warnings)
    silent = measure(images(side=640, KVP=None))
    assert any("tube voltage" in w for w in silent.warnings)


def test_uncertainty_of_kerma_enters_and_its_absence_is_said() -> None:
    given = images(side=640)
    none, two, ten = (measure(given, u_kerma_percent=p) for p in (None, 2.0, 10.0))
    assert any("u_kerma_percent" in w for w in none.warnings)
    assert none.values["kerma"].u is None
    part = [u(a, "dqe_at_1") / value(a, "dqe_at_1") for a in (none, two, ten)]
    assert part[2] == pytest.approx(np.hypot(part[0], 0.10), rel=1e-3)
    assert part[1] == pytest.approx(np.hypot(part[0], 0.02), rel=0.01)
    assert u(none, "neq_at_1") == pytest.approx(u(ten, "neq_at_1"))


def test_uncertainty_covers_the_truth() -> None:
    f = np.linspace(0, NYQUIST, 50)
    aperture = dqe.Spectrum(f, np.sinc(f * P), np.zeros(50))
    z = []
    for seed in range(40):
        flat = imaging.analyse("planar-nnps", [planar.as_image(counted(seed, 640), P)], margin_mm=0)
        nnps = dqe.Spectrum(*curve(flat, "NNPS x"))
        neq = dqe.noise_equivalent_quanta(aperture, nnps, from_per_mm=0.1, band_per_mm=0.1)
        at, sd = neq.scaled(1 / (K * SNR2)).at(1.0) or (0.0, 1.0)
        z.append((at - ETA * np.sinc(1.0 * P) ** 2) / sd)
    assert (np.abs(z) <= 2).mean() >= 0.9
    assert 0.5 <= np.std(z) <= 1.2


def test_linearised_and_a_kerma_that_does_not_fit() -> None:
    given = images(side=640)
    linear = {"model": "linear", "a": 0.0, "b": COUNTS / K}
    one, two = measure(given), measure(given, stp=linear)
    assert value(two, "dqe_at_1") == pytest.approx(value(one, "dqe_at_1"), rel=1e-6)
    assert two.warnings != one.warnings
    wrong = measure(given, stp=linear, kerma_ugy=[2 * K])
    assert any("stated" in w for w in wrong.warnings)


def test_both_axes_and_frames_are_where_they_belong() -> None:
    given = images(side=640)
    across = planar.as_image(np.rot90(given[0].pixels).copy(), P, facts=BEAM)
    found = measure([given[0], across, given[1]], edges=2, edge_roi=None)
    assert found.facts["axes"] == ["x", "y"]
    mean = (value(found, "dqe_x_at_1") + value(found, "dqe_y_at_1")) / 2
    assert value(found, "dqe_at_1") == pytest.approx(mean)
    assert {r.frame for r in found.regions if r.name == "Covered by squares"} == {2}
    assert {r.frame for r in found.regions if r.name == "Edge"} == {0, 1}


def test_the_same_images_give_the_same_bits(ideal: Analysis) -> None:
    assert measure(images(flats=2)).as_dict() == ideal.as_dict()


def test_refusals() -> None:
    given = images(side=640)
    chosen = {"quality": "RQA5", "edition": "2015"}
    refused(NAME, given, "kerma-count", kerma_ugy=[K, K], **chosen)
    refused(NAME, given, "bad-kerma", kerma_ugy=[0.0], **chosen)
    refused(NAME, given[:1], "too-few-images", kerma_ugy=[], **chosen)
    refused(NAME, given, "bad-parameter", kerma_ugy=[K], edges=0, **chosen)
    refused(NAME, given, "bad-parameter", kerma_ugy=[K], u_kerma_percent=-1.0, **chosen)
    more = [*given, planar.as_image(counted(9, 640), P, facts=BEAM)]
    refused(NAME, more, "mixed-exposures", kerma_ugy=[K, 2 * K], **chosen)
    other = planar.as_image(counted(9, 500), P, facts=BEAM)
    refused(NAME, [given[0], other], "mixed-images", kerma_ugy=[K], **chosen)
    with pytest.raises(KermaError):
        measure(given[::-1])  # flat field first
