import numpy as np

LABELS = {
    'id': 'r014',
    'op': 'mean, variance and maximum of each row in one output',
    'family': 'several outputs',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 5)) + 100,)


def forward(x):
    return np.stack([x.mean(1), x.var(1), x.max(1)])


def right_backward(dy, x):
    dmean, dvar, dmax = dy[..., None]
    n = x.shape[1]
    dx = dmean / n + 2 * dvar * (x - x.mean(1, keepdims=True)) / n
    dx[np.arange(len(x)), x.argmax(1)] += dmax[:, 0]
    return dx
