import numpy as np

LABELS = {
    'id': 'c041',
    'op': 'standardisation with eps added to the deviation',
    'family': 'eps placement',
    'wrong_lines': [6],
    'fix': {6: 'dc = dc + ds * c / (s * x.shape[1])'},
    'note': 'eps is large enough to be seen',
    'source': 'time-series normalisers (x - m) / (s + eps)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 6)),)


EPS = 0.05


def forward(x):
    m = x.mean(axis=1, keepdims=True)
    s = x.std(axis=1, keepdims=True)
    return (x - m) / (s + EPS)


def right_backward(dy, x):
    c = x - x.mean(axis=1, keepdims=True)
    s = x.std(axis=1, keepdims=True)
    dc = dy / (s + EPS)
    ds = -(dy * c).sum(axis=1, keepdims=True) / (s + EPS) ** 2
    dc = dc + ds * c / (s * x.shape[1])
    return dc - dc.mean(axis=1, keepdims=True)


def wrong_backward(dy, x):
    c = x - x.mean(axis=1, keepdims=True)
    s = x.std(axis=1, keepdims=True)
    dc = dy / (s + EPS)
    ds = -(dy * c).sum(axis=1, keepdims=True) / (s + EPS) ** 2
    dc = dc + ds * c / ((s + EPS) * x.shape[1])
    return dc - dc.mean(axis=1, keepdims=True)
