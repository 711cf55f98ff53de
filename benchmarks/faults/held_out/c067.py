import numpy as np

LABELS = {
    'id': 'c067',
    'op': 'instance normalisation',
    'family': 'wrong axis',
    'wrong_lines': [7],
    'fix': {7: 'mean_dyy = (dy * y).mean(axis=(2, 3), keepdims=True)'},
    'note': '',
    'source': 'style transfer code (batch statistics in place of those of the image)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 3, 4, 5)),)


def forward(x):
    m = x.mean(axis=(2, 3), keepdims=True)
    v = x.var(axis=(2, 3), keepdims=True)
    return (x - m) / np.sqrt(v + 1e-5)


def right_backward(dy, x):
    m = x.mean(axis=(2, 3), keepdims=True)
    v = x.var(axis=(2, 3), keepdims=True)
    inv = 1 / np.sqrt(v + 1e-5)
    y = (x - m) * inv
    mean_dy = dy.mean(axis=(2, 3), keepdims=True)
    mean_dyy = (dy * y).mean(axis=(2, 3), keepdims=True)
    return inv * (dy - mean_dy - y * mean_dyy)


def wrong_backward(dy, x):
    m = x.mean(axis=(2, 3), keepdims=True)
    v = x.var(axis=(2, 3), keepdims=True)
    inv = 1 / np.sqrt(v + 1e-5)
    y = (x - m) * inv
    mean_dy = dy.mean(axis=(2, 3), keepdims=True)
    mean_dyy = (dy * y).mean(axis=(0, 2, 3), keepdims=True)
    return inv * (dy - mean_dy - y * mean_dyy)
