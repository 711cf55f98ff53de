"""Pictures, damage, PSNR, and twins that learn the residual or the picture."""

import numpy as np
import pytest

from minires import optim
from minires.experiments import pictures, superres
from minires.nn import Parameter

CLEAN = pictures.leaves(40, 16)


def test_leaves_are_pictures_of_many_sizes():
    again = pictures.leaves(3, 16)
    np.testing.assert_array_equal(again, CLEAN[:3])
    assert CLEAN.shape == (40, 1, 16, 16)
    assert CLEAN.dtype == np.float32
    assert CLEAN.min() >= 0
    assert CLEAN.max() <= 1
    assert 0.15 < CLEAN.std() < 0.35
    steps = np.abs(np.diff(CLEAN, axis=3))
    assert (steps < 0.01).mean() > 0.3  # flat insides
    assert (steps > 0.2).mean() > 0.05  # edges


def test_psnr():
    x = np.zeros((2, 1, 4, 4), np.float32)
    assert superres.psnr(x + 0.1, x) == pytest.approx(20)
    assert superres.psnr(x, x) == np.inf
    assert superres.psnr(x + 25.5, x, peak=255) == pytest.approx(20)
    with pytest.raises(ValueError, match="one shape"):
        superres.psnr(x, x[:1])


def test_damage():
    rng = np.random.default_rng(0)
    for kind in ("bicubic", "box"):
        blurred = superres.blurred(2, kind)(CLEAN, rng)
        assert blurred.shape == CLEAN.shape
        assert 15 < superres.psnr(blurred, CLEAN) < 30
    flat = np.full((1, 1, 16, 16), 0.25, np.float32)
    np.testing.assert_allclose(superres.blurred(2)(flat, rng), flat, atol=1e-6)
    noise = superres.noisy(25)(CLEAN, rng) - CLEAN
    assert noise.std() == pytest.approx(25 / 255, rel=0.05)
    # the definition of the PSNR of noise: 20 log10(255 / σ)
    assert superres.psnr(CLEAN + noise, CLEAN) == pytest.approx(20.17, abs=0.3)


def test_the_residual_is_ahead_of_its_direct_twin():
    found = {
        r: superres.train(
            CLEAN[:32], CLEAN[32:], superres.blurred(2), residual=r, depth=8, width=8, steps=30,
            batch_size=8, evaluate_at=(10,),
        )
        for r in (True, False)
    }  # fmt: skip
    assert found[True].steps == [10, 30]
    assert found[True].psnr[-1] > found[False].psnr[-1] + 1
    first = [found[r].net.state_dict()["body.0.weight"].shape for r in found]
    assert first == [(8, 1, 3, 3)] * 2


def test_the_same_seed_gives_the_same_net():
    kind = {"depth": 3, "width": 4, "steps": 3, "batch_size": 8}
    a, b = (superres.train(CLEAN, CLEAN[:4], superres.noisy(25), **kind) for _ in range(2))
    assert a.psnr == b.psnr
    assert superres.train(CLEAN, CLEAN[:4], superres.noisy(25), seed=1, **kind).psnr != a.psnr


def test_divergence_is_recorded():
    found = superres.train(
        CLEAN, CLEAN[:4], superres.noisy(25), depth=3, width=4, steps=30, batch_size=8,
        optimizer="sgd", lr=1e6,
    )  # fmt: skip
    assert found.diverged_at is not None


def test_adjustable_clipping_limits_by_the_rate():
    p = Parameter(np.zeros(3, np.float32))
    sgd = optim.SGD([p], lr=0.1)
    p.grad = np.array([5.0, -5.0, 0.001], np.float32)
    superres.AdjustableClipping(sgd, 0.01).measure_update(sgd.step)
    np.testing.assert_allclose(p.grad, [0.1, -0.1, 0.001])
    np.testing.assert_allclose(p.data, [-0.01, 0.01, -0.0001])


def test_clipping_makes_a_high_rate_possible():
    kind = {"depth": 6, "width": 8, "steps": 25, "batch_size": 8, "optimizer": "sgd", "lr": 1.0}
    twins = [
        superres.train(CLEAN, CLEAN[:8], superres.noisy(50), theta=t, init="he", **kind)
        for t in (None, 1e-3)
    ]
    assert twins[0].diverged_at is not None or twins[0].psnr[-1] < twins[1].psnr[-1]
    assert twins[1].diverged_at is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 0}, "steps"),
        ({"optimizer": "adamw"}, "adam or sgd"),
        ({"batch_size": 41}, "at most 40"),
        ({"depth": 1}, "depth"),
        ({"norm": "layer"}, "norm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_options_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        superres.train(CLEAN, CLEAN[:4], superres.noisy(25), **options)


def test_wrong_pictures_are_refused():
    with pytest.raises(ValueError, match="does not divide"):
        superres.blurred(3)(CLEAN, None)
    with pytest.raises(ValueError, match="source"):
        pictures.load("mnist", 1, 1)
    with pytest.raises(ValueError, match="bicubic or box"):
        pictures.resize(CLEAN[0, 0], 8, 8, "nearest")
    with pytest.raises(ValueError, match="train"):
        pictures.load("leaves", 0, 1)


def test_pictures_of_a_data_set():
    x, held, note = pictures.load("digits", 5, 3)
    assert x.shape == (5, 1, 32, 32)
    assert held.shape == (3, 1, 32, 32)
    assert note == ""
    grey = pictures.grey(np.full((1, 32, 32, 3), [255, 0, 0], np.uint8), 32)
    assert grey[0, 0, 0, 0] == pytest.approx(0.299)
