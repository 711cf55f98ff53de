import numpy as np

LABELS = {
    'id': 'c071',
    'op': 'weight normalisation w = g v/|v|',
    'family': 'detached path',
    'wrong_lines': [9],
    'fix': {9: 'insert before: dv -= dg[:, None] * g[:, None] * direction / length'},
    'note': '',
    'source': "Salimans and Kingma's layer, own implementations",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), rng.standard_normal((4, 3)), 1 + rng.random(4)


def forward(x, v, g):
    w = g[:, None] * v / np.linalg.norm(v, axis=1, keepdims=True)
    return x @ w.T


def right_backward(dy, x, v, g):
    length = np.linalg.norm(v, axis=1, keepdims=True)
    direction = v / length
    w = g[:, None] * direction
    dx = dy @ w
    dw = dy.T @ x
    dg = (dw * direction).sum(axis=1)
    dv = dw * (g[:, None] / length)
    dv -= dg[:, None] * g[:, None] * direction / length
    return dx, dv, dg


def wrong_backward(dy, x, v, g):
    length = np.linalg.norm(v, axis=1, keepdims=True)
    direction = v / length
    w = g[:, None] * direction
    dx = dy @ w
    dw = dy.T @ x
    dg = (dw * direction).sum(axis=1)
    dv = dw * (g[:, None] / length)
    return dx, dv, dg
