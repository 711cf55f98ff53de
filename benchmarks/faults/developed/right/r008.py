import numpy as np

LABELS = {
    'id': 'r008',
    'op': 'straight line through time stamps',
    'family': 'several decades',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = 1.7e9 + 3600 * np.arange(6)
    return rng.standard_normal(2) * np.array([1.0, 1e-9]), t, rng.standard_normal(6)


def forward(w, t, y):
    return np.mean((w[0] + w[1] * t - y) ** 2)


def right_backward(dy, w, t, y):
    r = 2 * dy * (w[0] + w[1] * t - y) / len(t)
    return np.array([r.sum(), r @ t]), r * w[1], -r


def STEP(x):
    size = np.maximum(np.abs(x), 1e-3)
    if x.size == 2:
        return np.array([0.1, 1e-10])
    return size * 1e-2
