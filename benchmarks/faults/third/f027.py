import numpy as np

LABELS = {
    'id': 'f027',
    'op': 'product with a tridiagonal matrix',
    'family': 'off by one',
    'wrong_lines': [7],
    'fix': {7: 'gx[:-1] += lower[1:] * gy[1:]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 9))
    return tuple(rng.standard_normal(n) for _ in range(4))


def forward(lower, diag, upper, x):
    y = diag * x
    y[1:] += lower[1:] * x[:-1]
    y[:-1] += upper[:-1] * x[1:]
    return y


def right_backward(gy, lower, diag, upper, x):
    glower, gupper = np.zeros_like(lower), np.zeros_like(upper)
    glower[1:] = gy[1:] * x[:-1]
    gupper[:-1] = gy[:-1] * x[1:]
    gdiag = gy * x
    gx = diag * gy
    gx[:-1] += lower[1:] * gy[1:]
    gx[1:] += upper[:-1] * gy[:-1]
    return glower, gdiag, gupper, gx


def wrong_backward(gy, lower, diag, upper, x):
    glower, gupper = np.zeros_like(lower), np.zeros_like(upper)
    glower[1:] = gy[1:] * x[:-1]
    gupper[:-1] = gy[:-1] * x[1:]
    gdiag = gy * x
    gx = diag * gy
    gx[:-1] += lower[:-1] * gy[1:]
    gx[1:] += upper[:-1] * gy[:-1]
    return glower, gdiag, gupper, gx
