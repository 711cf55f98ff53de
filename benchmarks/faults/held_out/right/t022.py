import numpy as np

LABELS = {
    'id': 't022',
    'op': 'Huber loss, residuals exactly at the joint',
    'family': 'piecewise',
    'note': 'continuous slope, jump of the second derivative',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    r = rng.integers(-16, 17, (3, 5)) / 8.0
    r[0, 1], r[2, 3] = 1.0, -1.0
    return (r,)


def forward(r):
    return np.where(np.abs(r) < 1, 0.5 * r**2, np.abs(r) - 0.5)


def right_backward(g, r):
    return g * np.clip(r, -1, 1)


STEP = lambda x: np.full(x.shape, 1e-6)
