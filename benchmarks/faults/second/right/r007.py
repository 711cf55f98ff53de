import numpy as np

LABELS = {
    'id': 'r007',
    'op': 'Poincaré distance of points near the border of the disc',
    'family': 'near-singular',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.uniform(0, 2 * np.pi, (2, 5))
    r = 1 - 10.0 ** rng.uniform(-3, -1.5, (2, 5))
    u, v = np.stack([r * np.cos(a), r * np.sin(a)], axis=-1)
    return u, v


STEP = lambda x: np.full(x.shape, 1e-4)


def forward(u, v):
    a, b = 1 - (u**2).sum(-1), 1 - (v**2).sum(-1)
    return np.arccosh(1 + 2 * ((u - v) ** 2).sum(-1) / (a * b))


def right_backward(dd, u, v):
    a, b = 1 - (u**2).sum(-1), 1 - (v**2).sum(-1)
    s = ((u - v) ** 2).sum(-1)
    t = 2 * s / (a * b)
    k = (dd / np.sqrt(t * (t + 2)))[:, None]
    du = k * (4 * (u - v) / (a * b)[:, None] + 2 * u * (t / a)[:, None])
    dv = k * (4 * (v - u) / (a * b)[:, None] + 2 * v * (t / b)[:, None])
    return du, dv
