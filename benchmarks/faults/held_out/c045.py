import numpy as np

LABELS = {
    'id': 'c045',
    'op': "gradient array of the labels' type",
    'family': 'dtype or integer division',
    'wrong_lines': [4],
    'fix': {4: 'per_row = np.zeros(len(y))'},
    'note': '',
    'source': 'np.zeros_like of an integer array, common on forums',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 4 + seed % 3
    return rng.standard_normal((n, 3)), rng.integers(0, 3, n)


def forward(scores, y):
    return (scores[np.arange(len(y)), y] - scores.mean(axis=1)) ** 2


def right_backward(up, scores, y):
    n, k = scores.shape
    diff = scores[np.arange(n), y] - scores.mean(axis=1)
    per_row = np.zeros(len(y))
    for i in range(n):
        per_row[i] = 2 * up[i] * diff[i]
    out = np.repeat(-per_row[:, None] / k, k, axis=1)
    out[np.arange(n), y] += per_row
    return out, None


def wrong_backward(up, scores, y):
    n, k = scores.shape
    diff = scores[np.arange(n), y] - scores.mean(axis=1)
    per_row = np.zeros_like(y)
    for i in range(n):
        per_row[i] = 2 * up[i] * diff[i]
    out = np.repeat(-per_row[:, None] / k, k, axis=1)
    out[np.arange(n), y] += per_row
    return out, None
