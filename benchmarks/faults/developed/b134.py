import numpy as np

LABELS = {
    'id': 'b134',
    'op': 'frames weighted one by one, list of buffers',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [2],
    'fix': {2: 'grads = [np.zeros(x.shape[1]) for _ in range(len(x))]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal(4)


def forward(x, w):
    return np.array([w[t] * (x[t] ** 2).sum() for t in range(len(x))])


def right_backward(dy, x, w):
    grads = [np.zeros(x.shape[1]) for _ in range(len(x))]
    dw = np.zeros_like(w)
    for t, row in enumerate(x):
        grads[t] += 2 * dy[t] * w[t] * row
        dw[t] = dy[t] * row @ row
    return np.stack(grads), dw


def wrong_backward(dy, x, w):
    grads = [np.zeros(x.shape[1])] * len(x)
    dw = np.zeros_like(w)
    for t, row in enumerate(x):
        grads[t] += 2 * dy[t] * w[t] * row
        dw[t] = dy[t] * row @ row
    return np.stack(grads), dw
