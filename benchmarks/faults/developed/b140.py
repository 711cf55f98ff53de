import numpy as np

LABELS = {
    'id': 'b140',
    'op': 'batch norm in stages with an inverse square root',
    'family': 'wrong factor',
    'wrong_lines': [6],
    'fix': {6: 'dvar = np.sum(dx_norm * (x - mean) * -0.5 * (var + 1e-5) ** -1.5, axis=0)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6]))
    return rng.standard_normal((n, 3)), rng.standard_normal(3) + 1


def forward(x, gamma):
    return gamma * (x - x.mean(axis=0)) * (x.var(axis=0) + 1e-5) ** -0.5


def right_backward(dout, x, gamma):
    m = x.shape[0]
    mean, var = x.mean(axis=0), x.var(axis=0)
    x_norm = (x - mean) * (var + 1e-5) ** -0.5
    dx_norm = dout * gamma
    dvar = np.sum(dx_norm * (x - mean) * -0.5 * (var + 1e-5) ** -1.5, axis=0)
    dmean = np.sum(-dx_norm * (var + 1e-5) ** -0.5, axis=0)
    dx = dx_norm * (var + 1e-5) ** -0.5 + dvar * 2 * (x - mean) / m + dmean / m
    return dx, (dout * x_norm).sum(axis=0)


def wrong_backward(dout, x, gamma):
    m = x.shape[0]
    mean, var = x.mean(axis=0), x.var(axis=0)
    x_norm = (x - mean) * (var + 1e-5) ** -0.5
    dx_norm = dout * gamma
    dvar = np.sum(dx_norm * (x - mean) * -0.5 * (var + 1e-5) ** -0.5, axis=0)
    dmean = np.sum(-dx_norm * (var + 1e-5) ** -0.5, axis=0)
    dx = dx_norm * (var + 1e-5) ** -0.5 + dvar * 2 * (x - mean) / m + dmean / m
    return dx, (dout * x_norm).sum(axis=0)
