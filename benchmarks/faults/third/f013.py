import numpy as np

LABELS = {
    'id': 'f013',
    'op': 'Rodrigues rotation of vectors about given axes',
    'family': 'missing term',
    'wrong_lines': [8],
    'fix': {8: 'insert before: dk += (1 - c) * kd * v'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3)), rng.standard_normal((n, 1))


def forward(v, k, theta):
    c, s = np.cos(theta), np.sin(theta)
    return c * v + s * np.cross(k, v) + (1 - c) * k * (k * v).sum(1, keepdims=True)


def right_backward(dout, v, k, theta):
    c, s = np.cos(theta), np.sin(theta)
    kv = (k * v).sum(1, keepdims=True)
    kd = (k * dout).sum(1, keepdims=True)
    dv = c * dout + s * np.cross(dout, k) + (1 - c) * kd * k
    dk = s * np.cross(v, dout)
    dk += (1 - c) * kv * dout
    dk += (1 - c) * kd * v
    dtheta = (dout * (-s * v + c * np.cross(k, v) + s * kv * k)).sum(1, keepdims=True)
    return dv, dk, dtheta


def wrong_backward(dout, v, k, theta):
    c, s = np.cos(theta), np.sin(theta)
    kv = (k * v).sum(1, keepdims=True)
    kd = (k * dout).sum(1, keepdims=True)
    dv = c * dout + s * np.cross(dout, k) + (1 - c) * kd * k
    dk = s * np.cross(v, dout)
    dk += (1 - c) * kv * dout
    dtheta = (dout * (-s * v + c * np.cross(k, v) + s * kv * k)).sum(1, keepdims=True)
    return dv, dk, dtheta
