import numpy as np

LABELS = {
    'id': 'f039',
    'op': 'gaps of a sensor record filled with a learned value for each channel',
    'family': 'in-place modification',
    'wrong_lines': [4],
    'fix': {4: 'dx = dz.copy()'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(5, 9))
    gaps = rng.random((T, 3)) < 0.4
    gaps[0] = True
    return rng.standard_normal((T, 3)), rng.standard_normal(3), gaps


def forward(x, fill, gaps):
    z = np.where(gaps, fill, x)
    return z * np.abs(z)


def right_backward(dy, x, fill, gaps):
    z = np.where(gaps, fill, x)
    dz = 2 * np.abs(z) * dy
    dx = dz.copy()
    dx[gaps] = 0
    dfill = np.where(gaps, dz, 0).sum(axis=0)
    return dx, dfill, None


def wrong_backward(dy, x, fill, gaps):
    z = np.where(gaps, fill, x)
    dz = 2 * np.abs(z) * dy
    dx = dz
    dx[gaps] = 0
    dfill = np.where(gaps, dz, 0).sum(axis=0)
    return dx, dfill, None
