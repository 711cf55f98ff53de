import numpy as np

LABELS = {
    'id': 't017',
    'op': 'log-sigmoid at ±700',
    'family': 'saturation',
    'note': 'gradients from 1e-304 to 1',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([-700.0, -40.0, -1.0, 0.0, 2.0, 40.0, 700.0]),)


def forward(x):
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def right_backward(dy, x):
    e = np.exp(-np.abs(x))
    return dy * np.where(x > 0, e, 1.0) / (1 + e)
