import numpy as np

LABELS = {
    'id': 'e039',
    'op': 'ListMLE ranking loss (Plackett-Luce) per query',
    'family': 'missing upstream dy',
    'wrong_lines': [9],
    'fix': {9: 'insert before: ds = ds * dloss[:, None]'},
    'note': '',
    'source': 'learning to rank with a per-query weight upstream',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    q, n = 3, 4 + seed % 2
    return rng.standard_normal((q, n)), np.array([rng.permutation(n) for _ in range(q)])


def forward(scores, order):
    s = np.take_along_axis(scores, order, axis=1)
    tail = np.logaddexp.accumulate(s[:, ::-1], axis=1)[:, ::-1]
    return (tail - s).sum(axis=1)


def right_backward(dloss, scores, order):
    s = np.take_along_axis(scores, order, axis=1)
    tail = np.logaddexp.accumulate(s[:, ::-1], axis=1)[:, ::-1]
    n = s.shape[1]
    ds = np.full_like(s, -1.0)
    for i in range(n):
        # position i competes with everything ranked below
        ds[:, i:] += np.exp(s[:, i:] - tail[:, i : i + 1])
    ds = ds * dloss[:, None]
    dscores = np.zeros_like(scores)
    np.put_along_axis(dscores, order, ds, axis=1)
    return dscores, None


def wrong_backward(dloss, scores, order):
    s = np.take_along_axis(scores, order, axis=1)
    tail = np.logaddexp.accumulate(s[:, ::-1], axis=1)[:, ::-1]
    n = s.shape[1]
    ds = np.full_like(s, -1.0)
    for i in range(n):
        # position i competes with everything ranked below
        ds[:, i:] += np.exp(s[:, i:] - tail[:, i : i + 1])
    dscores = np.zeros_like(scores)
    np.put_along_axis(dscores, order, ds, axis=1)
    return dscores, None
