import numpy as np

LABELS = {
    'id': 't006',
    'op': 'minimum and maximum of the same pair, equal in places',
    'family': 'ties',
    'note': 'the two kinks cancel in the sum',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(8), rng.standard_normal(8)
    b[1], b[6] = a[1], a[6]
    return a, b


def forward(a, b):
    return np.maximum(a, b) * np.minimum(a, b)


def right_backward(g, a, b):
    return g * b, g * a
