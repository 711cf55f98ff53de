"""Scaled crops beside PyTorch's bilinear interpolation with a filter against aliasing."""

import numpy as np
import pytest

from minires import data
from minires.data.augment import Draws
from minires.data.warp import warp

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("output", [(32, 32), (7, 5), (16, 40)])
@pytest.mark.parametrize("box", [(0, 0, 24, 20), (3, 2, 9, 17), (5, 5, 1, 1)])
def test_a_scaled_window_is_pytorchs(box, output):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (1, 24, 20, 3), dtype=np.uint8)
    normalise = data.Normalise(rng.random(3), rng.random(3) + 0.5)
    top, left, height, width = box
    window = np.ascontiguousarray(normalise(x)[:, :, top : top + height, left : left + width])
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(window), output, mode="bilinear", antialias=True
    ).numpy()
    for flip in (False, True):
        draws = Draws(np.array([box], np.int32), np.array([flip]), np.zeros((1, 4), np.int32))
        got = warp(
            x,
            np.zeros(1, int),
            draws,
            normalise.tables(x.shape),
            output,
            scaled=True,
            reflect=False,
        )
        np.testing.assert_allclose(got[..., ::-1] if flip else got, expected, atol=2e-6)
