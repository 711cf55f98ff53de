import numpy as np

LABELS = {
    'id': 'd043',
    'op': 'RMS norm with gain',
    'family': 'detached path',
    'wrong_lines': [7],
    'fix': {7: 'insert before: dx -= xhat * np.mean(dxhat * xhat, axis=-1, keepdims=True) * rstd'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


EPS = 1e-5


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(4, 7))
    return rng.standard_normal((2, 3, d)), 1 + 0.3 * rng.standard_normal(d)


def forward(x, gain):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPS) * gain


def right_backward(dout, x, gain):
    rstd = 1.0 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPS)
    xhat = x * rstd
    dgain = np.sum(dout * xhat, axis=(0, 1))
    dxhat = dout * gain
    dx = dxhat * rstd
    dx -= xhat * np.mean(dxhat * xhat, axis=-1, keepdims=True) * rstd
    return dx, dgain


def wrong_backward(dout, x, gain):
    rstd = 1.0 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPS)
    xhat = x * rstd
    dgain = np.sum(dout * xhat, axis=(0, 1))
    dxhat = dout * gain
    dx = dxhat * rstd
    return dx, dgain
