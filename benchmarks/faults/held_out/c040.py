import numpy as np

LABELS = {
    'id': 'c040',
    'op': 'rows scaled to unit length, eps under the root',
    'family': 'eps placement',
    'wrong_lines': [2],
    'fix': {2: 'n = np.sqrt((x**2).sum(axis=1, keepdims=True) + 1e-2)'},
    'note': 'eps is large enough to be seen',
    'source': 'F.normalize clones (eps in forward under the root, in backward outside)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (0.3 * rng.standard_normal((4 + seed % 3, 5)),)


def forward(x):
    return x / np.sqrt((x**2).sum(axis=1, keepdims=True) + 1e-2)


def right_backward(dy, x):
    n = np.sqrt((x**2).sum(axis=1, keepdims=True) + 1e-2)
    u = x / n
    return (dy - u * (dy * u).sum(axis=1, keepdims=True)) / n


def wrong_backward(dy, x):
    n = np.sqrt((x**2).sum(axis=1, keepdims=True)) + 1e-2
    u = x / n
    return (dy - u * (dy * u).sum(axis=1, keepdims=True)) / n
