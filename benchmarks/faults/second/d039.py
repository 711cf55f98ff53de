import numpy as np

LABELS = {
    'id': 'd039',
    'op': 'L2 normalisation across channels with a scale per channel (SSD)',
    'family': 'wrong axis',
    'wrong_lines': [6],
    'fix': {6: 'radial = np.sum(dxn * xn, axis=1, keepdims=True)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    c = int(rng.integers(3, 5))
    return rng.standard_normal((2, c, 3, 2)), rng.uniform(1, 3, c)


def forward(x, scale):
    return x / np.sqrt(np.sum(x**2, axis=1, keepdims=True) + 1e-6) * scale[None, :, None, None]


def right_backward(dy, x, scale):
    norm = np.sqrt(np.sum(x**2, axis=1, keepdims=True) + 1e-6)
    xn = x / norm
    dscale = np.sum(dy * xn, axis=(0, 2, 3))
    dxn = dy * scale[None, :, None, None]
    radial = np.sum(dxn * xn, axis=1, keepdims=True)
    return (dxn - xn * radial) / norm, dscale


def wrong_backward(dy, x, scale):
    norm = np.sqrt(np.sum(x**2, axis=1, keepdims=True) + 1e-6)
    xn = x / norm
    dscale = np.sum(dy * xn, axis=(0, 2, 3))
    dxn = dy * scale[None, :, None, None]
    radial = np.sum(dxn * xn, axis=-1, keepdims=True)
    return (dxn - xn * radial) / norm, dscale
