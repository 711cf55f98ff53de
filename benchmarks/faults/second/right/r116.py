import numpy as np

LABELS = {
    'id': 'r116',
    'op': 'polar coordinates of points within 1e-4 of the origin',
    'family': 'near-singular',
    'note': 'the angle turns by 1e4 per unit length',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    phi = np.array([0.4, 1.9, -1.2, -0.3]) + 0.1 * rng.random(4)
    rad = 1e-4 * (0.5 + rng.random(4))
    return np.stack([rad * np.cos(phi), rad * np.sin(phi)], axis=1), np.array([2.0])


def forward(p, k):
    r = np.hypot(p[:, 0], p[:, 1])
    a = np.arctan2(p[:, 1], p[:, 0])
    return np.stack([r, np.sin(k * a)])


def right_backward(d, p, k):
    x, y = p.T
    r = np.hypot(x, y)
    a = np.arctan2(y, x)
    da = d[1] * np.cos(k * a)
    turn = k * da / r**2
    return np.stack([d[0] * x / r - turn * y, d[0] * y / r + turn * x], axis=1), np.array([da @ a])


STEP = lambda x: np.full(x.shape, 1e-5) if x.ndim == 2 else np.full(x.shape, 1e-2)
