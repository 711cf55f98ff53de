import numpy as np

LABELS = {
    'id': 'r004',
    'op': 'row softmax through explicit Jacobians',
    'family': 'unusual algebra',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5)) * 2,)


def forward(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def right_backward(dy, x):
    p = forward(x)
    dx = np.empty_like(x)
    for i, row in enumerate(p):
        jac = np.diagflat(row) - row[:, None] @ row[None, :]
        dx[i] = jac.T @ dy[i]
    return dx
