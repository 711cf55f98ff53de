import numpy as np

LABELS = {
    'id': 'c095',
    'op': 'softmax that reuses the array of the probabilities',
    'family': 'in-place modification',
    'wrong_lines': [3],
    'fix': {3: 'weighted = np.multiply(p, dp)'},
    'note': '',
    'source': 'fused kernels copied to NumPy',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 5)),)


def forward(x):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p


def right_backward(dp, x):
    p = forward(x)
    weighted = np.multiply(p, dp)
    total = weighted.sum(axis=1, keepdims=True)
    return weighted - p * total


def wrong_backward(dp, x):
    p = forward(x)
    weighted = np.multiply(p, dp, out=p)
    total = weighted.sum(axis=1, keepdims=True)
    return weighted - p * total
