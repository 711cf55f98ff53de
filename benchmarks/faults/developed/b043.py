import numpy as np

LABELS = {
    'id': 'b043',
    'op': 'preconditioned update g / (sqrt v + eps)',
    'family': 'eps placement',
    'wrong_lines': [4],
    'fix': {4: 'dv = -dout * g / (root + 0.05) ** 2 / (2 * root)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(5), rng.random(5) * 0.1 + 0.01


def forward(g, v):
    return g / (np.sqrt(v) + 0.05)


def right_backward(dout, g, v):
    root = np.sqrt(v)
    dg = dout / (root + 0.05)
    dv = -dout * g / (root + 0.05) ** 2 / (2 * root)
    return dg, dv


def wrong_backward(dout, g, v):
    root = np.sqrt(v)
    dg = dout / (root + 0.05)
    dv = -dout * g / (v + 0.05) / (2 * root)
    return dg, dv
