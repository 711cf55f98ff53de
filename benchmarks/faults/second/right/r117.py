import numpy as np

LABELS = {
    'id': 'r117',
    'op': 'nearest-neighbour look-up in a grid, coordinates have the gradient zero',
    'family': 'zero gradient of one input',
    'note': 'true derivative, no straight-through estimate',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 4, (5 + seed % 2, 2))
    return rng.standard_normal((4, 4)), cells + 0.6 * (rng.random(cells.shape) - 0.5), rng.standard_normal(len(cells))


def forward(grid, pos, w):
    i, j = np.rint(pos).astype(int).T
    return grid[i, j] * w


def right_backward(dy, grid, pos, w):
    i, j = np.rint(pos).astype(int).T
    dgrid = np.bincount(4 * i + j, weights=dy * w, minlength=16).reshape(4, 4)
    return dgrid, np.zeros(pos.shape), dy * grid[i, j]


OPTIONS = {"expect_zero": ("pos",)}
