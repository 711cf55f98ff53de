import numpy as np

LABELS = {
    'id': 't010',
    'op': 'decay between time stamps in seconds since 1970',
    'family': 'offsets',
    'note': 'differences of numbers near 1.7e9',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = 1.7e9 + np.cumsum(1 + 5 * rng.random(7))
    return t, np.array([4.0])


def forward(t, tau):
    return np.exp(-np.diff(t) / tau)


def right_backward(g, t, tau):
    d = np.diff(t)
    e = g * np.exp(-d / tau)
    dt = np.zeros_like(t)
    dt[1:] -= e / tau
    dt[:-1] += e / tau
    return dt, np.array([np.sum(e * d) / tau[0] ** 2])


STEP = lambda x: np.full(x.shape, 0.25)
LEAST = 1e-3
