import numpy as np

LABELS = {
    'id': 'c037',
    'op': 'sinc, sin(πx)/(πx), at 0',
    'family': 'not finite',
    'wrong_lines': [3],
    'fix': {3: 'slope = np.where(x == 0, 0.0, (np.cos(np.pi * x) - np.sinc(x)) / np.where(x == 0, 1.0, x))'},
    'note': '',
    'source': 'quotient rules with a removable 0/0 (sinc layers, spherical Bessel functions)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 4))
    x[2, 1] = 0.0
    return (x,)


def forward(x):
    return np.sinc(x)


def right_backward(g, x):
    with np.errstate(all="ignore"):
        slope = np.where(x == 0, 0.0, (np.cos(np.pi * x) - np.sinc(x)) / np.where(x == 0, 1.0, x))
    return g * slope


def wrong_backward(g, x):
    with np.errstate(all="ignore"):
        slope = (np.cos(np.pi * x) - np.sinc(x)) / x
    return g * slope
