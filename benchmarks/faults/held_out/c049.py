import numpy as np

LABELS = {
    'id': 'c049',
    'op': 'loss module that returns its own gradient',
    'family': 'missing upstream dy',
    'wrong_lines': [3],
    'fix': {3: 'd = upstream * 2 * (a - b) / n  # derivative of the mean square'},
    'note': '',
    'source': 'framework-like losses assumed to be the last node',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 5 + seed % 2
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3))


def forward(a, b):
    return np.mean((a - b) ** 2)


def right_backward(upstream, a, b):
    n = a.size
    d = upstream * 2 * (a - b) / n  # derivative of the mean square
    return d, -d


def wrong_backward(upstream, a, b):
    n = a.size
    d = 2 * (a - b) / n  # derivative of the mean square
    return d, -d
