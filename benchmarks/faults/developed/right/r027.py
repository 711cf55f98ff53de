import numpy as np

LABELS = {
    'id': 'r027',
    'op': 'ELU and SELU side by side, zeros included',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((6, 7))
    x[2, 5] = 0.0
    return (x,)


def forward(x):
    neg = np.expm1(np.minimum(x, 0))
    return np.stack([np.where(x > 0, x, neg), 1.0507 * np.where(x > 0, x, 1.67326 * neg)])


def right_backward(dy, x):
    e = np.exp(np.minimum(x, 0))
    return dy[0] * np.where(x > 0, 1, e) + 1.0507 * dy[1] * np.where(x > 0, 1, 1.67326 * e)
