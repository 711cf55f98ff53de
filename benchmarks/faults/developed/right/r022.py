import numpy as np

LABELS = {
    'id': 'r022',
    'op': 'key bias in attention: softmax does not see it',
    'family': 'zero gradient of one input',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 5]))
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3)), rng.standard_normal(3)


def forward(q, k, bias):
    s = q @ k.T + (q @ bias)[:, None]
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def right_backward(dp, q, k, bias):
    s = q @ k.T + (q @ bias)[:, None]
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    rows = ds.sum(axis=1)
    return ds @ k + np.outer(rows, bias), ds.T @ q, q.T @ rows


OPTIONS = {"expect_zero": ("bias",)}
