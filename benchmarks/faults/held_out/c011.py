import numpy as np

LABELS = {
    'id': 'c011',
    'op': 'softmax along the first axis',
    'family': 'wrong axis',
    'wrong_lines': [4],
    'fix': {4: 'inner = np.sum(dA * A, axis=0, keepdims=True)'},
    'note': '',
    'source': 'course solutions (features in rows, samples in columns)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4 + 2 * (seed % 2), 3)),)


def forward(Z):
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=0)


def right_backward(dA, Z):
    E = np.exp(Z - Z.max(axis=0))
    A = E / E.sum(axis=0)
    inner = np.sum(dA * A, axis=0, keepdims=True)
    return A * (dA - inner)


def wrong_backward(dA, Z):
    E = np.exp(Z - Z.max(axis=0))
    A = E / E.sum(axis=0)
    inner = np.sum(dA * A, axis=1, keepdims=True)
    return A * (dA - inner)
