import numpy as np

LABELS = {
    'id': 'e012',
    'op': 'linear layer with weight standardisation',
    'family': 'detached path',
    'wrong_lines': [10],
    'fix': {10: 'dW = dWc - dWc.mean(axis=1, keepdims=True)'},
    'note': '',
    'source': 'WSConv/WSLinear (mean of the weights)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3 + seed % 2, 5)), rng.standard_normal((2, 5)) + 0.5, rng.standard_normal(2)


def forward(x, W, b):
    mu = W.mean(axis=1, keepdims=True)
    sd = np.sqrt(((W - mu) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    return x @ ((W - mu) / sd).T + b


def right_backward(dy, x, W, b):
    mu = W.mean(axis=1, keepdims=True)
    sd = np.sqrt(((W - mu) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    What = (W - mu) / sd
    dx = dy @ What
    dWhat = dy.T @ x
    db = dy.sum(axis=0)
    dsd = -(dWhat * What).sum(axis=1, keepdims=True) / sd
    dWc = dWhat / sd + dsd * What / W.shape[1]
    dW = dWc - dWc.mean(axis=1, keepdims=True)
    return dx, dW, db


def wrong_backward(dy, x, W, b):
    mu = W.mean(axis=1, keepdims=True)
    sd = np.sqrt(((W - mu) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    What = (W - mu) / sd
    dx = dy @ What
    dWhat = dy.T @ x
    db = dy.sum(axis=0)
    dsd = -(dWhat * What).sum(axis=1, keepdims=True) / sd
    dWc = dWhat / sd + dsd * What / W.shape[1]
    dW = dWc
    return dx, dW, db
