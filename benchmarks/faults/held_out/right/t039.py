import numpy as np

LABELS = {
    'id': 't039',
    'op': 'temperature as an array without axes',
    'family': 'scalars',
    'note': 'one input is 0-dimensional',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), np.array(0.7)


def forward(z, t):
    e = np.exp(z / t - (z / t).max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def right_backward(g, z, t):
    p = forward(z, t)
    ds = p * (g - (g * p).sum(axis=1, keepdims=True))
    return ds / t, -np.sum(ds * z) / t**2
