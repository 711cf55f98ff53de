import numpy as np

LABELS = {
    'id': 'b147',
    'op': 'cumulative log-sum-exp',
    'family': 'not flipped',
    'wrong_lines': [3],
    'fix': {3: 'tail = share[:, ::-1].cumsum(axis=1)[:, ::-1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4]))
    return (rng.standard_normal((n, 5)),)


def forward(x):
    return np.log(np.cumsum(np.exp(x), axis=1))


def right_backward(dy, x):
    share = dy / np.cumsum(np.exp(x), axis=1)
    tail = share[:, ::-1].cumsum(axis=1)[:, ::-1]
    return np.exp(x) * tail


def wrong_backward(dy, x):
    share = dy / np.cumsum(np.exp(x), axis=1)
    tail = share.cumsum(axis=1)
    return np.exp(x) * tail
