import numpy as np

LABELS = {
    'id': 'f026',
    'op': 'exponential map at the origin of the Poincaré ball',
    'family': 'missing upstream dy',
    'wrong_lines': [7],
    'fix': {7: 'dv = t / norm * tangential + (1 - t ** 2) * radial * unit'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 7))
    return (0.7 * rng.standard_normal((n, 3)),)


def forward(v):
    n = np.sqrt((v * v).sum(axis=-1, keepdims=True))
    return np.tanh(n) * v / n


def right_backward(dy, v):
    norm = np.linalg.norm(v, axis=-1, keepdims=True)
    unit = v / norm
    t = np.tanh(norm)
    radial = np.sum(dy * unit, axis=-1, keepdims=True)
    tangential = dy - radial * unit
    dv = t / norm * tangential + (1 - t ** 2) * radial * unit
    return (dv,)


def wrong_backward(dy, v):
    norm = np.linalg.norm(v, axis=-1, keepdims=True)
    unit = v / norm
    t = np.tanh(norm)
    radial = np.sum(dy * unit, axis=-1, keepdims=True)
    tangential = dy - radial * unit
    dv = t / norm * tangential + (1 - t ** 2) * unit
    return (dv,)
