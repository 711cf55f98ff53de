import numpy as np

LABELS = {
    'id': 'r210',
    'op': 'great-circle distances of points 1e-4 apart (haversine)',
    'family': 'small scale',
    'note': '',
}


STEP = 1e-5


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    a = rng.uniform(-1, 1, (n, 2))
    return a, a + 1e-4 * (1 + rng.random((n, 2)))


def forward(a, b):
    h = np.sin((b[:, 0] - a[:, 0]) / 2) ** 2 + np.cos(a[:, 0]) * np.cos(b[:, 0]) * np.sin((b[:, 1] - a[:, 1]) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(h))


def right_backward(dd, a, b):
    u, v = (b[:, 0] - a[:, 0]) / 2, (b[:, 1] - a[:, 1]) / 2
    ca, cb, sv = np.cos(a[:, 0]), np.cos(b[:, 0]), np.sin(v)
    h = np.sin(u) ** 2 + ca * cb * sv ** 2
    dh = dd / np.sqrt(h * (1 - h))
    du = dh * np.sin(2 * u) / 2
    dv = dh * ca * cb * np.sin(2 * v) / 2
    da = np.stack([-du - dh * np.sin(a[:, 0]) * cb * sv ** 2, -dv], axis=1)
    db = np.stack([du - dh * ca * np.sin(b[:, 0]) * sv ** 2, dv], axis=1)
    return da, db
