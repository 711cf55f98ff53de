import numpy as np

LABELS = {
    'id': 't030',
    'op': 'sign of a gate: one input has no influence on the slope',
    'family': 'zero gradient of one input',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal((3, 4))


def forward(x, gate):
    return x * np.where(gate > 0, 1.0, -0.5)


def right_backward(g, x, gate):
    return g * np.where(gate > 0, 1.0, -0.5), np.zeros_like(gate)


OPTIONS = {"expect_zero": ("gate",)}
