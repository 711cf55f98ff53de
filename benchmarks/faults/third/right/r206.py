import numpy as np

LABELS = {
    'id': 'r206',
    'op': 'minimum-image distances in a periodic box',
    'family': 'discontinuity nearby',
    'note': '',
}


BOX = 2.0


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    a = rng.uniform(0, BOX, (n, 3))
    off = rng.uniform(0.1, 0.9, (n, 3)) * rng.choice([-1, 1], (n, 3))
    return a, a + off + BOX * rng.integers(-2, 3, (n, 3))


def forward(a, b):
    d = a - b
    d = d - BOX * np.round(d / BOX)
    return np.sqrt((d * d).sum(axis=1))


def right_backward(dr, a, b):
    d = np.mod(a - b + BOX / 2, BOX) - BOX / 2
    r = np.linalg.norm(d, axis=1)
    da = d * (dr / r)[:, None]
    return da, -da
