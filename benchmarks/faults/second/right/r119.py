import numpy as np

LABELS = {
    'id': 'r119',
    'op': 'scores of normalised weights that have the length 1e-6',
    'family': 'small inputs, large gradients',
    'note': 'scale-invariant: the gradient is orthogonal to the weights',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), 1e-6 * rng.standard_normal((2, 4))


def forward(x, w):
    return x @ (w / np.linalg.norm(w, axis=1, keepdims=True)).T


def right_backward(dy, x, w):
    length = np.linalg.norm(w, axis=1)
    u = w / length[:, None]
    du = dy.T @ x
    dw = (du - np.einsum("oi,oi,oj->oj", du, u, u)) / length[:, None]
    return dy @ u, dw


STEP = lambda x: 0.05 * np.full(x.shape, np.abs(x).mean())
