import numpy as np

LABELS = {
    'id': 'd005',
    'op': 'graph convolution on a directed graph, mean over in-neighbours',
    'family': 'transposed',
    'wrong_lines': [8],
    'fix': {8: 'dsupport = A.T @ dz'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    edges = np.array([[0, 1], [1, 2], [2, 4], [0, 4], [3, 1], [3, 0]])
    return rng.standard_normal((5, 3)), edges, rng.standard_normal((3, 2)), rng.standard_normal(2)


def adjacency(edges, n):
    a = np.eye(n)
    for src, dst in edges:
        a[dst, src] = 1.0
    return a / a.sum(axis=1, keepdims=True)


def forward(x, edges, w, b):
    return np.tanh(adjacency(edges, len(x)) @ (x @ w) + b)


def right_backward(dh, x, edges, w, b):
    """Gradients of one GCN layer (x, w, b)."""
    A = adjacency(edges, len(x))
    support = x @ w
    h = np.tanh(A @ support + b)
    dz = dh * (1 - h * h)
    db = dz.sum(0)
    dsupport = A.T @ dz
    dw = x.T @ dsupport
    dx = dsupport @ w.T
    return dx, None, dw, db


def wrong_backward(dh, x, edges, w, b):
    """Gradients of one GCN layer (x, w, b)."""
    A = adjacency(edges, len(x))
    support = x @ w
    h = np.tanh(A @ support + b)
    dz = dh * (1 - h * h)
    db = dz.sum(0)
    dsupport = A @ dz
    dw = x.T @ dsupport
    dx = dsupport @ w.T
    return dx, None, dw, db
