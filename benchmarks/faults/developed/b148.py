import numpy as np

LABELS = {
    'id': 'b148',
    'op': 'soft dynamic time warping of two short series',
    'family': 'wrong variable',
    'wrong_lines': [10, 11],
    'fix': {10: 'e[i - 1, j] += w[0]', 11: 'e[i, j - 1] += w[1]'},
    'note': 'two lines swapped',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(3), rng.standard_normal(5)


def _table(x, y):
    d = (x[:, None] - y) ** 2
    r = np.full((len(x) + 1, len(y) + 1), np.inf)
    r[0, 0] = 0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            prev = np.exp(-np.array([r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]]))
            r[i, j] = d[i - 1, j - 1] - np.log(prev.sum())
    return r


def forward(x, y):
    return _table(x, y)[-1, -1]


def right_backward(dout, x, y):
    n, m = len(x), len(y)
    r = _table(x, y)
    e = np.zeros((n + 1, m + 1))
    e[n, m] = dout
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            w = np.exp(-np.array([r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]]))
            w = w / w.sum() * e[i, j]
            e[i - 1, j] += w[0]
            e[i, j - 1] += w[1]
            e[i - 1, j - 1] += w[2]
    dd = 2 * (x[:, None] - y) * e[1:, 1:]
    return dd.sum(axis=1), -dd.sum(axis=0)


def wrong_backward(dout, x, y):
    n, m = len(x), len(y)
    r = _table(x, y)
    e = np.zeros((n + 1, m + 1))
    e[n, m] = dout
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            w = np.exp(-np.array([r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]]))
            w = w / w.sum() * e[i, j]
            e[i - 1, j] += w[1]
            e[i, j - 1] += w[0]
            e[i - 1, j - 1] += w[2]
    dd = 2 * (x[:, None] - y) * e[1:, 1:]
    return dd.sum(axis=1), -dd.sum(axis=0)
