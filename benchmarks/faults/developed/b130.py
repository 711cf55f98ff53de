import numpy as np

LABELS = {
    'id': 'b130',
    'op': 'highway layer with early exit for an identity gate',
    'family': 'missing term',
    'wrong_lines': [7],
    'fix': {7: 'dzt = dy * (h - x) * t * (1 - t)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return rng.standard_normal((n, 4)), rng.standard_normal((4, 4)), rng.standard_normal((4, 4))


def forward(x, wh, wt):
    t = 1 / (1 + np.exp(-(x @ wt)))
    return t * np.tanh(x @ wh) + (1 - t) * x


def right_backward(dy, x, wh, wt):
    if not dy.any():
        return np.zeros_like(x), np.zeros_like(wh), np.zeros_like(wt)
    t = 1 / (1 + np.exp(-(x @ wt)))
    h = np.tanh(x @ wh)
    dzh = dy * t * (1 - h**2)
    dzt = dy * (h - x) * t * (1 - t)
    dx = dzh @ wh.T + dzt @ wt.T + dy * (1 - t)
    return dx, x.T @ dzh, x.T @ dzt


def wrong_backward(dy, x, wh, wt):
    if not dy.any():
        return np.zeros_like(x), np.zeros_like(wh), np.zeros_like(wt)
    t = 1 / (1 + np.exp(-(x @ wt)))
    h = np.tanh(x @ wh)
    dzh = dy * t * (1 - h**2)
    dzt = dy * h * t * (1 - t)
    dx = dzh @ wh.T + dzt @ wt.T + dy * (1 - t)
    return dx, x.T @ dzh, x.T @ dzt
