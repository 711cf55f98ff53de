import numpy as np

LABELS = {
    'id': 'r120',
    'op': 'means of unsorted segments, one segment is empty',
    'family': 'integer labels',
    'note': 'empty segment gives 0, not a division by zero',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    seg = np.array([3, 0, 3, 4, 0, 3, 1], dtype=np.uint16)
    return rng.standard_normal((7, 2)), rng.random(7) + 0.1, seg, 5


def forward(x, w, seg, n):
    total = np.array([(x * w[:, None])[seg == s].sum(axis=0) for s in range(n)])
    mass = np.array([w[seg == s].sum() for s in range(n)])
    return total / np.where(mass > 0, mass, 1)[:, None]


def right_backward(dy, x, w, seg, n):
    mass = np.bincount(seg, weights=w, minlength=n)
    share = np.divide(w, mass[seg])
    mean = forward(x, w, seg, n)
    g = dy[seg]
    dx = g * share[:, None]
    dw = ((x - mean[seg]) * g).sum(axis=1) / mass[seg]
    return dx, dw, None, None
