import numpy as np

LABELS = {
    'id': 'b088',
    'op': 'autoencoder with tied weights',
    'family': 'not accumulated',
    'wrong_lines': [5],
    'fix': {5: 'grads["w"] += x.T @ dcode'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 5)), rng.standard_normal((5, 3))


def forward(x, w):
    h = np.tanh(x @ w)
    return h @ w.T


def right_backward(dy, x, w):
    code = np.tanh(x @ w)
    grads = {"w": dy.T @ code}
    dcode = (dy @ w) * (1 - code**2)
    grads["w"] += x.T @ dcode
    return dcode @ w.T, grads["w"]


def wrong_backward(dy, x, w):
    code = np.tanh(x @ w)
    grads = {"w": dy.T @ code}
    dcode = (dy @ w) * (1 - code**2)
    grads["w"] = x.T @ dcode
    return dcode @ w.T, grads["w"]
