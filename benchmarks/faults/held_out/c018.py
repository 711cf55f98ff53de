import numpy as np

LABELS = {
    'id': 'c018',
    'op': 'max unpooling, indices repeat',
    'family': 'not accumulated',
    'wrong_lines': [5],
    'fix': {5: 'total[n, place] += x[n, j] ** 2'},
    'note': 'the last writer of a place wins',
    'source': 'pytorch/pytorch#80204 (duplicate indices of max_unpool)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 5)), np.array([[0, 3, 3, 6, 1], [2, 2, 4, 5, 7]])


def forward(x, idx):
    out = np.zeros((len(x), 8))
    for n in range(len(x)):
        np.add.at(out[n], idx[n], x[n] ** 2)
    return np.sin(out)


def right_backward(dout, x, idx):
    total = np.zeros((len(x), 8))
    for n in range(len(x)):
        for j, place in enumerate(idx[n]):
            total[n, place] += x[n, j] ** 2
    inner = dout * np.cos(total)
    dx = 2 * x * np.take_along_axis(inner, idx, axis=1)
    return dx, None


def wrong_backward(dout, x, idx):
    total = np.zeros((len(x), 8))
    for n in range(len(x)):
        for j, place in enumerate(idx[n]):
            total[n, place] = x[n, j] ** 2
    inner = dout * np.cos(total)
    dx = 2 * x * np.take_along_axis(inner, idx, axis=1)
    return dx, None
