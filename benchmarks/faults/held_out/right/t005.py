import numpy as np

LABELS = {
    'id': 't005',
    'op': 'hinge loss with a sample exactly on the margin',
    'family': 'kinks',
    'note': 'inputs are binary fractions, the margin is exact',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    s = rng.integers(-12, 13, (6, 1)) / 8.0
    s[2] = 1.0
    s[4] = -1.0
    t = np.array([1, -1, 1, 1, -1, -1])
    return s[:, 0], t


def forward(score, t):
    return np.maximum(0, 1 - t * score)


def right_backward(g, score, t):
    return np.where(t * score < 1, -t * g, 0.0), None


KINKS = True
