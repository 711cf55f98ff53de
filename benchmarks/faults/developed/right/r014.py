import numpy as np

LABELS = {
    'id': 'r014',
    'op': 'Huber loss returned as a Python float, one residual on the border',
    'family': 'floats returned',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    r = 2 * rng.standard_normal(9)
    r[4] = 1.0
    return r, np.zeros(9)


def forward(p, t):
    total = 0.0
    for r in (p - t).tolist():
        total += 0.5 * r * r if abs(r) <= 1 else abs(r) - 0.5
    return total / len(p)


def right_backward(dy, p, t):
    d = np.clip(p - t, -1, 1) * (dy / len(p))
    return d, -d
