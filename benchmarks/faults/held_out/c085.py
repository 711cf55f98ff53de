import numpy as np

LABELS = {
    'id': 'c085',
    'op': 'feature-wise modulation (FiLM) of an image',
    'family': 'missing broadcast sum',
    'wrong_lines': [9],
    'fix': {9: 'dfilm[:, :channels] = (dz * x).sum(axis=(2, 3))'},
    'note': '',
    'source': "conditional batch norm code (one pixel's gradient for the whole map)",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 4)), rng.standard_normal((4, 6))


def forward(x, cond, w):
    scale, shift = np.split(cond @ w, 2, axis=1)
    return np.tanh(x * (1 + scale[:, :, None, None]) + shift[:, :, None, None])


def right_backward(dy, x, cond, w):
    film = cond @ w
    channels = x.shape[1]
    scale, shift = film[:, :channels], film[:, channels:]
    y = np.tanh(x * (1 + scale[:, :, None, None]) + shift[:, :, None, None])
    dz = dy * (1 - y * y)
    dx = dz * (1 + scale[:, :, None, None])
    dfilm = np.zeros_like(film)
    dfilm[:, :channels] = (dz * x).sum(axis=(2, 3))
    dfilm[:, channels:] = dz.sum(axis=(2, 3))
    dcond = dfilm @ w.T
    dw = cond.T @ dfilm
    return dx, dcond, dw


def wrong_backward(dy, x, cond, w):
    film = cond @ w
    channels = x.shape[1]
    scale, shift = film[:, :channels], film[:, channels:]
    y = np.tanh(x * (1 + scale[:, :, None, None]) + shift[:, :, None, None])
    dz = dy * (1 - y * y)
    dx = dz * (1 + scale[:, :, None, None])
    dfilm = np.zeros_like(film)
    dfilm[:, :channels] = (dz * x)[:, :, 0, 0]
    dfilm[:, channels:] = dz.sum(axis=(2, 3))
    dcond = dfilm @ w.T
    dw = cond.T @ dfilm
    return dx, dcond, dw
