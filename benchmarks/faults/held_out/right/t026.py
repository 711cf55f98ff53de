import numpy as np

LABELS = {
    'id': 't026',
    'op': 'fast oscillation sin(2000 x)',
    'family': 'truncation',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 4)),)


def forward(x):
    return np.sin(2000 * x) / 2000 + x


def right_backward(g, x):
    return g * (np.cos(2000 * x) + 1)


STEP = lambda x: np.full(x.shape, 1e-4)
