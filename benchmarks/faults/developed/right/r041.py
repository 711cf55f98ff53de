import numpy as np

LABELS = {
    'id': 'r041',
    'op': 'quantiser with a learned step, true derivative of the input is zero',
    'family': 'zero gradient of one input',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.round(3 * rng.standard_normal(6)) + 0.3 * rng.random(6) + 0.05, np.array([1.0])


def forward(x, step):
    return step * np.round(x / step)


def right_backward(dy, x, step):
    return np.zeros_like(x), np.array([dy @ np.round(x / step)])


OPTIONS = {"expect_zero": ("x",)}
STEP = 1e-3
