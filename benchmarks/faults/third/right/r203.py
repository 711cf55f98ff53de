import numpy as np

LABELS = {
    'id': 'r203',
    'op': 'occupation numbers 1/(eˣ - 1) from 1e-3 to 600',
    'family': 'several decades',
    'note': '',
}


STEP = lambda x: 1e-2 * np.abs(x)


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.concatenate([10.0 ** rng.uniform(-3, 1, 6), [40.0, 600.0]]),)


def forward(x):
    return 1 / np.expm1(np.minimum(x, 700))


def right_backward(dy, x):
    e = np.exp(-x)
    return (-dy * e / np.expm1(-x) ** 2,)
