import numpy as np

LABELS = {
    'id': 'r042',
    'op': 'small signal on an output offset of 1e7',
    'family': 'cancellation',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return (rng.standard_normal((n, 4)),)


def forward(x):
    return 1e7 + np.sin(x)


def right_backward(dy, x):
    return dy * np.cos(x)


STEP = 0.1
LEAST = 1e-2
