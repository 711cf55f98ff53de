import numpy as np

LABELS = {
    'id': 't025',
    'op': 'mixture of two experts, top-1 gate almost tied',
    'family': 'piecewise',
    'note': 'gates differ by 1e-6',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 4))
    s = rng.standard_normal((3, 2))
    s[1, 0] = s[1, 1] + 1e-6
    return x, s


def forward(x, s):
    k = s.argmax(axis=1)
    top = s[np.arange(len(s)), k][:, None]
    return top * np.where(k[:, None] == 0, np.sin(x), x**2)


def right_backward(g, x, s):
    k = s.argmax(axis=1)
    rows = np.arange(len(s))
    top = s[rows, k][:, None]
    first = k[:, None] == 0
    dx = g * top * np.where(first, np.cos(x), 2 * x)
    ds = np.zeros_like(s)
    ds[rows, k] = (g * np.where(first, np.sin(x), x**2)).sum(axis=1)
    return dx, ds


STEP = lambda x: np.full(x.shape, 4e-7)
