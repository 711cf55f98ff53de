import numpy as np

LABELS = {
    'id': 'd003',
    'op': 'GRU cell with the reset gate after the product (cuDNN form)',
    'family': 'wrong variable',
    'wrong_lines': [13],
    'fix': {13: 'dr = dan * hn'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    d, h = 3, int(rng.integers(3, 5))
    r = lambda *s: rng.standard_normal(s)
    return r(2, d), r(2, h), r(d, 3 * h), r(h, 3 * h)


def forward(x, h, W, U):
    xr, xz, xn = np.split(x @ W, 3, axis=1)
    hr, hz, hn = np.split(h @ U, 3, axis=1)
    r, z = 1 / (1 + np.exp(-xr - hr)), 1 / (1 + np.exp(-xz - hz))
    return (1 - z) * np.tanh(xn + r * hn) + z * h


def right_backward(dh_next, x, h, W, U):
    sigmoid = lambda t: 1 / (1 + np.exp(-t))
    xr, xz, xn = np.split(x @ W, 3, axis=1)
    hr, hz, hn = np.split(h @ U, 3, axis=1)
    r = sigmoid(xr + hr)
    z = sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)

    dn = dh_next * (1 - z)
    dz = dh_next * (h - n)
    dh = dh_next * z
    dan = dn * (1 - n**2)
    dr = dan * hn
    dar = dr * r * (1 - r)
    daz = dz * z * (1 - z)

    dgx = np.concatenate([dar, daz, dan], axis=1)
    dgh = np.concatenate([dar, daz, dan * r], axis=1)
    dh += dgh @ U.T
    return dgx @ W.T, dh, x.T @ dgx, h.T @ dgh


def wrong_backward(dh_next, x, h, W, U):
    sigmoid = lambda t: 1 / (1 + np.exp(-t))
    xr, xz, xn = np.split(x @ W, 3, axis=1)
    hr, hz, hn = np.split(h @ U, 3, axis=1)
    r = sigmoid(xr + hr)
    z = sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)

    dn = dh_next * (1 - z)
    dz = dh_next * (h - n)
    dh = dh_next * z
    dan = dn * (1 - n**2)
    dr = dan * h
    dar = dr * r * (1 - r)
    daz = dz * z * (1 - z)

    dgx = np.concatenate([dar, daz, dan], axis=1)
    dgh = np.concatenate([dar, daz, dan * r], axis=1)
    dh += dgh @ U.T
    return dgx @ W.T, dh, x.T @ dgx, h.T @ dgh
