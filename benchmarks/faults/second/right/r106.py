import numpy as np

LABELS = {
    'id': 'r106',
    'op': 'attention pooling whose gradients are transposed and broadcast views',
    'family': 'views',
    'note': 'inputs are a reversed and a column-major array, the gradients are views',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((3, 4 + seed % 2))
    return a[:, ::-1].T, np.asfortranarray(rng.standard_normal((2, 3)))


def forward(x, q):
    s = q @ x.T
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return (p @ x).T + x.sum()


def right_backward(dy, x, q):
    g = dy.T
    s = x @ q.T
    p = np.exp(s - s.max(axis=0))
    p = (p / p.sum(axis=0)).T
    dp = g @ x.T
    ds = p * (dp - np.einsum("ij,ij->i", dp, p)[:, None])
    dx = (g.T @ p).T + (q.T @ ds).T
    dx = dx + np.broadcast_to(dy.sum(), x.shape)
    dqT = x.T @ ds.T
    return dx, dqT.T
