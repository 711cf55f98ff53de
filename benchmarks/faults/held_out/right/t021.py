import numpy as np

LABELS = {
    'id': 't021',
    'op': 'atan2 near its branch cut',
    'family': 'piecewise',
    'note': 'y is ±1e-3 at x = -1, the value jumps by 2π across',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.array([1e-3, -1e-3, 0.5, -2.0, 1e-5]), np.array([-1.0, -1.0, -0.3, 1.0, -2.0])


def forward(y, x):
    return np.arctan2(y, x)


def right_backward(g, y, x):
    r2 = x**2 + y**2
    return g * x / r2, -g * y / r2


STEP = lambda x: np.full(x.shape, 5e-6)
