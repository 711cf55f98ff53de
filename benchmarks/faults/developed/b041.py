import numpy as np

LABELS = {
    'id': 'b041',
    'op': 'weight normalisation',
    'family': 'eps placement',
    'wrong_lines': [2],
    'fix': {2: 'norm = np.sqrt((v**2).sum(axis=1, keepdims=True) + 1e-2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)) * 0.2, rng.standard_normal(3)


def forward(v, g):
    norm = np.sqrt((v**2).sum(axis=1, keepdims=True) + 1e-2)
    return g[:, None] * v / norm


def right_backward(dw, v, g):
    norm = np.sqrt((v**2).sum(axis=1, keepdims=True) + 1e-2)
    u = v / norm
    dg = (dw * u).sum(axis=1)
    dv = g[:, None] / norm * (dw - u * dg[:, None])
    return dv, dg


def wrong_backward(dw, v, g):
    norm = np.sqrt((v**2).sum(axis=1, keepdims=True)) + 1e-2
    u = v / norm
    dg = (dw * u).sum(axis=1)
    dv = g[:, None] / norm * (dw - u * dg[:, None])
    return dv, dg
