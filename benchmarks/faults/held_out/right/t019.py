import numpy as np

LABELS = {
    'id': 't019',
    'op': 'function of a symmetric matrix with close eigenvalues',
    'family': 'near singular',
    'note': 'gap of 1e-5',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    return (q @ np.diag([1.0, 1.0 + 1e-5, 2.0, 3.0]) @ q.T,)


def forward(a):
    w, q = np.linalg.eigh((a + a.T) / 2)
    return q @ np.diag(np.exp(w)) @ q.T


def right_backward(g, a):
    w, q = np.linalg.eigh((a + a.T) / 2)
    gap = w[:, None] - w[None, :]
    mean = np.exp((w[:, None] + w[None, :]) / 2)
    half = gap / 2
    ratio = np.where(np.abs(half) < 1e-3, 1 + half**2 / 6, np.sinh(half) / np.where(half == 0, 1, half))
    inner = mean * ratio * (q.T @ ((g + g.T) / 2) @ q)
    return q @ inner @ q.T
