import numpy as np

LABELS = {
    'id': 'b028',
    'op': "Runge-Kutta (midpoint) step of x' = a tanh(x)",
    'family': 'detached path',
    'wrong_lines': [8],
    'fix': {8: 'insert before: da += dmid * h / 2 * k'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(3), rng.standard_normal(3)


def forward(x, a):
    h = 0.3
    mid = x + h / 2 * a * np.tanh(x)
    return x + h * a * np.tanh(mid)


def right_backward(dy, x, a):
    h = 0.3
    k = np.tanh(x)
    mid = x + h / 2 * a * k
    tm = np.tanh(mid)
    dmid = dy * h * a * (1 - tm**2)
    da = dy * h * tm
    da += dmid * h / 2 * k
    dx = dy + dmid * (1 + h / 2 * a * (1 - k**2))
    return dx, da


def wrong_backward(dy, x, a):
    h = 0.3
    k = np.tanh(x)
    mid = x + h / 2 * a * k
    tm = np.tanh(mid)
    dmid = dy * h * a * (1 - tm**2)
    da = dy * h * tm
    dx = dy + dmid * (1 + h / 2 * a * (1 - k**2))
    return dx, da
