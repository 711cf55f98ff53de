import numpy as np

LABELS = {
    'id': 'c024',
    'op': 'log-determinant of a positive matrix',
    'family': 'transposed',
    'wrong_lines': [2],
    'fix': {2: 'return g * np.linalg.inv(a).T'},
    'note': 'the matrix need not be symmetric',
    'source': 'Giles 2008 rules typed from memory',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((4, 4))
    return (a @ a.T + 0.5 * rng.standard_normal((4, 4)) + 4 * np.eye(4),)


def forward(a):
    sign, logdet = np.linalg.slogdet(a)
    return logdet


def right_backward(g, a):
    return g * np.linalg.inv(a).T


def wrong_backward(g, a):
    return g * np.linalg.inv(a)
