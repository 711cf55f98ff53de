import numpy as np

LABELS = {
    'id': 'r002',
    'op': 'epsilon-insensitive loss, residuals exactly at both edges',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    y = np.round(rng.standard_normal(9) * 4) / 4
    pred = y + rng.standard_normal(9)
    pred[1], pred[4], pred[7] = y[1] + 0.25, y[4] - 0.25, y[7]
    return pred, y


def forward(pred, y):
    return np.sum(np.maximum(np.abs(pred - y) - 0.25, 0))


def right_backward(dy, pred, y):
    r = pred - y
    g = dy * (np.sign(r) * (np.abs(r) > 0.25))
    return g, -g
