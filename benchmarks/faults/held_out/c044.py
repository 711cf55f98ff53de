import numpy as np

LABELS = {
    'id': 'c044',
    'op': 'mean over windows of unequal length',
    'family': 'dtype or integer division',
    'wrong_lines': [5],
    'fix': {5: 'dx[:, a:b] += dy[:, k : k + 1] * (1 / (b - a))'},
    'note': '',
    'source': 'pooling and mean rules with // in place of /',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 7)),)


def forward(x):
    edges = [0, 2, 5, 7]
    return np.stack([x[:, a:b].mean(axis=1) for a, b in zip(edges, edges[1:])], axis=1)


def right_backward(dy, x):
    edges = [0, 2, 5, 7]
    dx = np.zeros(x.shape)
    for k, (a, b) in enumerate(zip(edges, edges[1:])):
        dx[:, a:b] += dy[:, k : k + 1] * (1 / (b - a))
    return dx


def wrong_backward(dy, x):
    edges = [0, 2, 5, 7]
    dx = np.zeros(x.shape)
    for k, (a, b) in enumerate(zip(edges, edges[1:])):
        dx[:, a:b] += dy[:, k : k + 1] * (1 // (b - a))
    return dx
