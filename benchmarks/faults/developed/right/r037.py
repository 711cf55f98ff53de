import numpy as np

LABELS = {
    'id': 'r037',
    'op': 'angle by atan2 just beside the branch cut',
    'family': 'discontinuity nearby',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.array([1e-4, -1e-4, 0.5, -2.0]), np.array([-1.0, -1.5, 0.2, 0.0]) - 0.1 * rng.random(4)


def forward(y, x):
    return np.arctan2(y, x)


def right_backward(dt, y, x):
    r2 = x**2 + y**2
    return dt * x / r2, -dt * y / r2


STEP = lambda x: np.minimum(2e-5, 0.1 * np.abs(x) + 1e-7)
