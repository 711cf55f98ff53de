import numpy as np

LABELS = {
    'id': 'b009',
    'op': 'cosine similarity of rows',
    'family': 'missing term',
    'wrong_lines': [7],
    'fix': {7: 'grad_v = g * (u / (nu * nv) - cos * v / nv**2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal((3, 4))


def forward(u, v):
    return (u * v).sum(1) / (np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1))


def right_backward(grad_output, u, v):
    nu = np.linalg.norm(u, axis=1, keepdims=True)
    nv = np.linalg.norm(v, axis=1, keepdims=True)
    cos = (u * v).sum(axis=1, keepdims=True) / (nu * nv)
    g = grad_output[:, None]
    grad_u = g * (v / (nu * nv) - cos * u / nu**2)
    grad_v = g * (u / (nu * nv) - cos * v / nv**2)
    return grad_u, grad_v


def wrong_backward(grad_output, u, v):
    nu = np.linalg.norm(u, axis=1, keepdims=True)
    nv = np.linalg.norm(v, axis=1, keepdims=True)
    cos = (u * v).sum(axis=1, keepdims=True) / (nu * nv)
    g = grad_output[:, None]
    grad_u = g * (v / (nu * nv) - cos * u / nu**2)
    grad_v = g * (u / (nu * nv))
    return grad_u, grad_v
