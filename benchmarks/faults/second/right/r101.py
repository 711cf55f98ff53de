import numpy as np

LABELS = {
    'id': 'r101',
    'op': 'hard swish with values exactly on -3, 0 and 3',
    'family': 'kinks',
    'note': 'one-sided slopes at the joints, the smaller is chosen below, the larger above',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(-20, 21, (3, 4)) / 4.0
    x[0, 0], x[1, 2], x[2, 3], x[2, 0] = 3.0, -3.0, 0.0, 3.0
    return x, rng.integers(-8, 9, (4, 2)) / 8.0


def forward(x, w):
    return (x * np.clip(x + 3, 0, 6) / 6) @ w


def right_backward(dy, x, w):
    act = x * np.clip(x + 3, 0, 6) / 6
    dact = dy @ w.T
    slope = np.select([x <= -3, x < 3], [0.0, (2 * x + 3) / 6], 1.0)
    return dact * slope, act.T @ dy


KINKS = True
