import numpy as np

LABELS = {
    'id': 'r034',
    'op': 'eigenvalues of a symmetric matrix, two of them close',
    'family': 'nearly degenerate',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    return (q @ np.diag([1.0, 1.02, 2.5, -3.0]) @ q.T,)


def forward(a):
    return np.linalg.eigvalsh((a + a.T) / 2)


def right_backward(dlam, a):
    _, q = np.linalg.eigh((a + a.T) / 2)
    return (q * dlam) @ q.T


STEP = 1e-3
