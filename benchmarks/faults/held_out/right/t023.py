import numpy as np

LABELS = {
    'id': 't023',
    'op': 'table look-up with linear interpolation, 1e-6 from the knots',
    'family': 'piecewise',
    'note': '',
}


KNOTS = np.array([0.0, 1.0, 2.5, 4.0])
HEIGHTS = np.array([0.0, 3.0, -1.0, 2.0])


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([0.3, 1.0 - 1e-6, 1.0 + 1e-6, 2.5 + 2e-6, 3.2]),)


def forward(x):
    return np.interp(x, KNOTS, HEIGHTS)


def right_backward(g, x):
    i = np.searchsorted(KNOTS, x) - 1
    slope = np.diff(HEIGHTS) / np.diff(KNOTS)
    return g * slope[i]


STEP = lambda x: np.full(x.shape, 5e-7)
