import numpy as np

LABELS = {
    'id': 't020',
    'op': 'angle between nearly parallel vectors',
    'family': 'near singular',
    'note': 'arccos of 1 - 1e-6',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((3, 4))
    return a, a + 1.5e-3 * rng.standard_normal((3, 4))


def forward(a, b):
    na, nb = np.linalg.norm(a, axis=1, keepdims=True), np.linalg.norm(b, axis=1, keepdims=True)
    p, m = a / na + b / nb, a / na - b / nb
    return 2 * np.arctan2(np.linalg.norm(m, axis=1), np.linalg.norm(p, axis=1))


def right_backward(g, a, b):
    na, nb = np.linalg.norm(a, axis=1, keepdims=True), np.linalg.norm(b, axis=1, keepdims=True)
    u, v = a / na, b / nb
    c = (u * v).sum(axis=1, keepdims=True)
    s = np.linalg.norm(u - v, axis=1, keepdims=True) * np.linalg.norm(u + v, axis=1, keepdims=True) / 2
    g = g[:, None]
    return -g * (v - c * u) / (s * na), -g * (u - c * v) / (s * nb)


STEP = lambda x: np.full(x.shape, 1e-5)
LEAST = 1e-3
