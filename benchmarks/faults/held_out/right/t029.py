import numpy as np

LABELS = {
    'id': 't029',
    'op': 'attention with masked keys set to -inf inside',
    'family': 'zero gradient of some rows',
    'note': 'the masked rows of k and v have gradient 0',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 2)), rng.standard_normal((5, 2)), rng.standard_normal((5, 4)), np.array([True, True, False, True, False])


def forward(q, k, v, keep):
    s = np.where(keep, q @ k.T, -np.inf)
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p @ v


def right_backward(g, q, k, v, keep):
    s = np.where(keep, q @ k.T, -np.inf)
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    return ds @ k, ds.T @ q, p.T @ g, None
