import numpy as np

LABELS = {
    'id': 'd027',
    'op': 'log-polar coordinates of points',
    'family': 'sign',
    'wrong_lines': [11],
    'fix': {11: 'dpts[:, 1] += dtheta * x / r2'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    pts = rng.standard_normal((int(rng.integers(5, 8)), 2))
    pts[:, 0] += 0.6 * np.sign(pts[:, 0])
    return (pts,)


def forward(pts):
    x, y = pts[:, 0], pts[:, 1]
    return np.stack([0.5 * np.log(x**2 + y**2), np.arctan2(y, x)], axis=1)


def right_backward(dout, pts):
    x, y = pts[:, 0], pts[:, 1]
    drho, dtheta = dout[:, 0], dout[:, 1]
    r2 = x**2 + y**2
    dpts = np.zeros_like(pts)
    # rho = log r
    dpts[:, 0] += drho * x / r2
    dpts[:, 1] += drho * y / r2
    # theta = atan2(y, x)
    dpts[:, 0] -= dtheta * y / r2
    dpts[:, 1] += dtheta * x / r2
    return dpts


def wrong_backward(dout, pts):
    x, y = pts[:, 0], pts[:, 1]
    drho, dtheta = dout[:, 0], dout[:, 1]
    r2 = x**2 + y**2
    dpts = np.zeros_like(pts)
    # rho = log r
    dpts[:, 0] += drho * x / r2
    dpts[:, 1] += drho * y / r2
    # theta = atan2(y, x)
    dpts[:, 0] -= dtheta * y / r2
    dpts[:, 1] -= dtheta * x / r2
    return dpts
