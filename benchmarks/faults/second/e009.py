import numpy as np

LABELS = {
    'id': 'e009',
    'op': 'Winograd convolution F(2, 3) in one dimension',
    'family': 'transposed',
    'wrong_lines': [11],
    'fix': {11: 'dx[:, 2 * t : 2 * t + 4] += dV @ BT'},
    'note': '',
    'source': "Lavin & Gray's transforms, translated to a backward pass",
}


BT = np.array([[1.0, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = np.array([[1.0, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
AT = np.array([[1.0, 1, 1, 0], [0, 1, -1, -1]])


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 8)), rng.standard_normal((3, 2, 3))


def forward(x, g):
    n = (x.shape[1] - 2) // 2
    U = np.einsum("ik,ock->oci", G, g)
    y = []
    for t in range(n):
        V = x[:, 2 * t : 2 * t + 4] @ BT.T
        y.append((U * V).sum(axis=1) @ AT.T)
    return np.concatenate(y, axis=1)


def right_backward(dy, x, g):
    n = (x.shape[1] - 2) // 2
    U = np.einsum("ik,ock->oci", G, g)
    dU = np.zeros_like(U)
    dx = np.zeros_like(x)
    for t in range(n):
        V = x[:, 2 * t : 2 * t + 4] @ BT.T
        dM = dy[:, 2 * t : 2 * t + 2] @ AT
        dU += dM[:, None, :] * V[None]
        dV = (dM[:, None, :] * U).sum(axis=0)
        dx[:, 2 * t : 2 * t + 4] += dV @ BT
    dg = np.einsum("ik,oci->ock", G, dU)
    return dx, dg


def wrong_backward(dy, x, g):
    n = (x.shape[1] - 2) // 2
    U = np.einsum("ik,ock->oci", G, g)
    dU = np.zeros_like(U)
    dx = np.zeros_like(x)
    for t in range(n):
        V = x[:, 2 * t : 2 * t + 4] @ BT.T
        dM = dy[:, 2 * t : 2 * t + 2] @ AT
        dU += dM[:, None, :] * V[None]
        dV = (dM[:, None, :] * U).sum(axis=0)
        dx[:, 2 * t : 2 * t + 4] += dV @ BT.T
    dg = np.einsum("ik,oci->ock", G, dU)
    return dx, dg
