"""Signal transfer property: known coefficients come back (methods, case 12)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import InputError
from kerma.imaging.tools import stp
from kerma.simulate import planar
from tests.imaging.helpers import refused, u, value

NAME = "planar-stp"
KERMA = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
TRUTH = {
    "linear": stp.Stp("linear", 50.0, 210.0),
    "log": stp.Stp("log", 1200.0, 434.3),
    "power": stp.Stp("power", 30.0, 900.0, 0.5),
}


def _images(model: str, noise: float = 0.0) -> list:
    means = TRUTH[model].predict(np.array(KERMA))
    return [
        planar.as_image(
            planar.flat_field((320, 320), mean=float(m), noise=noise or 1e-9 * abs(m), seed=i), 0.2
        )
        for i, m in enumerate(means)
    ]


@pytest.mark.parametrize("model", ["linear", "log", "power"])
@pytest.mark.parametrize("asked", ["same", "best"])
def test_case_12_noise_free_coefficients_come_back(model: str, asked: str) -> None:
    chosen = model if asked == "same" else "best"
    found = imaging.analyse(NAME, _images(model), kerma_ugy=KERMA, model=chosen)
    truth = TRUTH[model]
    assert found.facts["model"] == model
    assert value(found, "a") == pytest.approx(truth.a, rel=1e-6)
    assert value(found, "b") == pytest.approx(truth.b, rel=1e-6)
    if model == "power":
        assert value(found, "c") == pytest.approx(truth.c, rel=1e-6)
    assert value(found, "r_squared") == pytest.approx(1.0, abs=1e-9)
    assert value(found, "max_kerma_error") < 1e-4


def test_coefficients_lie_within_their_uncertainty_when_the_points_scatter() -> None:
    rng, z = np.random.default_rng(1), []
    truth = TRUTH["linear"]
    for _ in range(200):
        points = truth.predict(np.array(KERMA)) + rng.normal(0, 20, len(KERMA))
        fitted = stp.fit("linear", KERMA, list(points))
        z.append((fitted.stp.b - truth.b) / fitted.u[1])
    assert 0.80 <= (np.abs(z) <= 2).mean() <= 0.98  # Student's t with 4 degrees of freedom: 0.88


def test_linearised_images_follow_air_kerma() -> None:
    images = _images("power", noise=2.0)
    found = imaging.analyse(NAME, images, kerma_ugy=KERMA, model="power")
    for image, kerma in zip(images, KERMA, strict=True):
        snr = imaging.analyse("planar-snr", [image], stp=found.facts["stp"])
        assert str(snr.values["mean"].unit) == "uGy"
        assert value(snr, "mean") == pytest.approx(kerma, rel=0.002)


def test_a_bent_response_shows_in_the_residuals() -> None:
    """Negative control: a detector that is not linear does not pass for one."""
    found = imaging.analyse(NAME, _images("power"), kerma_ugy=KERMA, model="linear")
    assert value(found, "max_residual") > 5
    assert value(found, "r_squared") < 0.99
    assert u(found, "b") > 1


@settings(max_examples=50, deadline=None)
@given(
    model=st.sampled_from(["linear", "log", "power"]),
    a=st.floats(-500, 500),
    b=st.floats(10, 2000),
    c=st.floats(0.3, 2.0),
    kerma=st.floats(0.05, 100),
)
def test_linearise_undoes_predict(model: str, a: float, b: float, c: float, kerma: float) -> None:
    found = stp.Stp.from_mapping(
        {"model": model, "a": a, "b": b, "c": c if model == "power" else 1}
    )
    assert float(found.linearise(found.predict(np.array(kerma)))) == pytest.approx(kerma, rel=1e-6)


def test_order_of_images_does_not_matter() -> None:
    images, order = _images("linear", noise=5.0), [3, 0, 5, 1, 4, 2]
    one = imaging.analyse(NAME, images, kerma_ugy=KERMA)
    two = imaging.analyse(NAME, [images[i] for i in order], kerma_ugy=[KERMA[i] for i in order])
    assert value(one, "b") == pytest.approx(value(two, "b"), rel=1e-12)
    assert one.curves[0].x == two.curves[0].x


def test_refusals() -> None:
    images = _images("linear", noise=5.0)
    refused(NAME, images, "kerma-count", kerma_ugy=KERMA[:-1])
    refused(NAME, images, "bad-kerma", kerma_ugy=[0.0, *KERMA[1:]])
    refused(NAME, images[:3], "too-few-points", kerma_ugy=[1.0, 1.0, 2.0])
    refused(NAME, images[:2], "too-few-images", kerma_ugy=[1.0, 2.0])
    refused(NAME, images, "bad-parameter", kerma_ugy=KERMA, model="cubic")
    refused(NAME, [images[0]] * 3, "flat-response", kerma_ugy=[1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="model"):
        stp.Stp.from_mapping({"model": "linear", "a": 1.0, "b": 0.0})


def test_a_series_of_edges_is_refused() -> None:
    edge = planar.edge((320, 320), pixel_mm=0.2, sigma_mm=0.1, tilt_deg=2)
    refused(NAME, [planar.as_image(edge, 0.2)] * 3, "not-flat", kerma_ugy=[1.0, 2.0, 3.0])
