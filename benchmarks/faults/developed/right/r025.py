import numpy as np

LABELS = {
    'id': 'r025',
    'op': 'moving average with stride tricks',
    'family': 'memory order',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3]))
    return (rng.standard_normal((n, 9)),)


def forward(x):
    s0, s1 = x.strides
    w = np.lib.stride_tricks.as_strided(x, (x.shape[0], x.shape[1] - 3, 4), (s0, s1, s1))
    return w.mean(axis=2)


def right_backward(dy, x):
    dx = np.zeros_like(x)
    for k in range(4):
        dx[:, k : k + dy.shape[1]] += dy / 4
    return dx
