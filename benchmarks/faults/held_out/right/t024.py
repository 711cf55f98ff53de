import numpy as np

LABELS = {
    'id': 't024',
    'op': 'cubic B-spline, points at and near the joints',
    'family': 'piecewise',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([-2.0, -1.0, -1e-4, 0.0, 1.0 - 1e-5, 1.4, 2.5]),)


def forward(x):
    a = np.abs(x)
    near = 2 / 3 - a**2 + a**3 / 2
    far = np.maximum(2 - a, 0) ** 3 / 6
    return np.where(a < 1, near, far)


def right_backward(g, x):
    a = np.abs(x)
    near = -2 * a + 1.5 * a**2
    far = -0.5 * np.maximum(2 - a, 0) ** 2
    return g * np.sign(x) * np.where(a < 1, near, far)


STEP = lambda x: np.full(x.shape, 1e-5)
