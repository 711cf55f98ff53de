import numpy as np

LABELS = {
    'id': 'b074',
    'op': 'residual stack with shared weights',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [10],
    'fix': {10: 'dw += xin.T @ dz'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal((4, 4)) * 0.5


def forward(x, w):
    for _ in range(3):
        x = x + np.tanh(x @ w)
    return x


def right_backward(dy, x, w):
    saved = []
    for _ in range(3):
        h = np.tanh(x @ w)
        saved.append((x, h))
        x = x + h
    dw = np.zeros_like(w)
    for xin, h in reversed(saved):
        dz = dy * (1 - h**2)
        dw += xin.T @ dz
        dy = dy + dz @ w.T
    return dy, dw


def wrong_backward(dy, x, w):
    saved = []
    for _ in range(3):
        h = np.tanh(x @ w)
        saved.append((x, h))
        x = x + h
    dw = np.zeros_like(w)
    for xin, h in reversed(saved):
        dz = dy * (1 - h**2)
        dw += x.T @ dz
        dy = dy + dz @ w.T
    return dy, dw
