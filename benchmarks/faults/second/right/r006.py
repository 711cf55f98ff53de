import numpy as np

LABELS = {
    'id': 'r006',
    'op': 'projector on the two leading eigenvectors',
    'family': 'near-singular',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    return (q @ np.diag([3.0, 2.999, 1.0, 0.5, 0.4999]) @ q.T,)


def forward(A):
    v = np.linalg.eigh((A + A.T) / 2)[1][:, -2:]
    return v @ v.T


def right_backward(dP, A):
    w, v = np.linalg.eigh((A + A.T) / 2)
    g = v.T @ (dP + dP.T) @ v / 2
    f = np.zeros_like(g)
    # pairs within the kept or the dropped space do not matter
    f[:3, 3:] = 1 / (w[None, 3:] - w[:3, None])
    f += f.T
    return v @ (f * g) @ v.T
