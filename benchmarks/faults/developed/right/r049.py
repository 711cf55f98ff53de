import numpy as np

LABELS = {
    'id': 'r049',
    'op': 'sinusoid of phases around 1e6',
    'family': 'large inputs',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (1e6 + rng.standard_normal((4, 3)),)


def forward(t):
    return np.sin(t) + np.cos(2 * t)


def right_backward(dy, t):
    return dy * (np.cos(t) - 2 * np.sin(2 * t))


STEP = lambda x: np.full(x.shape, 0.1)
