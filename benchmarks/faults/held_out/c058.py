import numpy as np

LABELS = {
    'id': 'c058',
    'op': 'matrix scaled to equal row and column sums, one Sinkhorn round',
    'family': 'wrong axis',
    'wrong_lines': [7, 8],
    'fix': {7: 'ga = (g - (g * b).sum(axis=0, keepdims=True)) / cols', 8: 'gk = (ga - (ga * a).sum(axis=1, keepdims=True)) / rows'},
    'note': 'two lines',
    'source': 'optimal transport code (rows and columns exchanged)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 5)),)


def forward(cost):
    k = np.exp(-cost)
    a = k / k.sum(axis=1, keepdims=True)
    return a / a.sum(axis=0, keepdims=True)


def right_backward(g, cost):
    k = np.exp(-cost)
    rows = k.sum(axis=1, keepdims=True)
    a = k / rows
    cols = a.sum(axis=0, keepdims=True)
    b = a / cols
    ga = (g - (g * b).sum(axis=0, keepdims=True)) / cols
    gk = (ga - (ga * a).sum(axis=1, keepdims=True)) / rows
    return -gk * k


def wrong_backward(g, cost):
    k = np.exp(-cost)
    rows = k.sum(axis=1, keepdims=True)
    a = k / rows
    cols = a.sum(axis=0, keepdims=True)
    b = a / cols
    ga = (g - (g * b).sum(axis=1, keepdims=True)) / cols
    gk = (ga - (ga * a).sum(axis=0, keepdims=True)) / rows
    return -gk * k
