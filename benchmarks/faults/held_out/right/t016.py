import numpy as np

LABELS = {
    'id': 't016',
    'op': 'entropy -Σ p log p with tiny probabilities',
    'family': 'log near zero',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([[1e-10, 0.3, 0.7], [1e-6, 1e-3, 0.999], [0.2, 0.5, 0.3]]),)


def forward(p):
    return -(p * np.log(p)).sum(axis=1)


def right_backward(g, p):
    return -g[:, None] * (np.log(p) + 1)


STEP = lambda x: 0.1 * x
