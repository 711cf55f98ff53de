import numpy as np

LABELS = {
    'id': 'c043',
    'op': 'pixel shuffle (depth to space)',
    'family': 'order of reshape',
    'wrong_lines': [4],
    'fix': {4: 'd = d.transpose(0, 2, 4, 1, 3)'},
    'note': '',
    'source': 'sub-pixel convolution ports',
}


R = 2


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((12, 2, 5)),)


def forward(x):
    c, h, w = x.shape
    y = x.reshape(c // R**2, R, R, h, w)
    return y.transpose(0, 3, 1, 4, 2).reshape(c // R**2, h * R, w * R)


def right_backward(dy, x):
    c, h, w = x.shape
    d = dy.reshape(c // R**2, h, R, w, R)
    d = d.transpose(0, 2, 4, 1, 3)
    return d.reshape(c, h, w)


def wrong_backward(dy, x):
    c, h, w = x.shape
    d = dy.reshape(c // R**2, h, R, w, R)
    d = d.transpose(0, 4, 2, 1, 3)
    return d.reshape(c, h, w)
