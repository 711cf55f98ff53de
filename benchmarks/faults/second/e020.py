import numpy as np

LABELS = {
    'id': 'e020',
    'op': 'GRU with the reset gate after the recurrent product',
    'family': 'wrong variable',
    'wrong_lines': [17],
    'fix': {17: 'dU[2] += np.outer(dq, h)'},
    'note': '',
    'source': "cuDNN's variant of the GRU, weights of the candidate",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3 + seed % 2, 2)), rng.standard_normal((3, 3, 2)), 0.7 * rng.standard_normal((3, 3, 3)), rng.standard_normal(3)


def step(xt, h, W, U, b_hn):
    r = 1 / (1 + np.exp(-(W[0] @ xt + U[0] @ h)))
    z = 1 / (1 + np.exp(-(W[1] @ xt + U[1] @ h)))
    q = U[2] @ h + b_hn
    n = np.tanh(W[2] @ xt + r * q)
    return r, z, q, n, (1 - z) * n + z * h


def forward(x, W, U, b_hn):
    h = np.zeros(len(b_hn))
    for xt in x:
        h = step(xt, h, W, U, b_hn)[-1]
    return h


def right_backward(dh, x, W, U, b_hn):
    h = np.zeros(len(b_hn))
    saved = []
    for xt in x:
        r, z, q, n, h_new = step(xt, h, W, U, b_hn)
        saved.append((xt, h, r, z, q, n))
        h = h_new
    dx, dW, dU, db = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros_like(b_hn)
    for t, (xt, h, r, z, q, n) in reversed(list(enumerate(saved))):
        dz = dh * (h - n) * z * (1 - z)
        dn = dh * (1 - z) * (1 - n * n)
        dr = dn * q * r * (1 - r)
        dq = dn * r
        db += dq
        dU[0] += np.outer(dr, h)
        dU[1] += np.outer(dz, h)
        dU[2] += np.outer(dq, h)
        for k, d in enumerate((dr, dz, dn)):
            dW[k] += np.outer(d, xt)
            dx[t] += W[k].T @ d
        dh = dh * z + U[0].T @ dr + U[1].T @ dz + U[2].T @ dq
    return dx, dW, dU, db


def wrong_backward(dh, x, W, U, b_hn):
    h = np.zeros(len(b_hn))
    saved = []
    for xt in x:
        r, z, q, n, h_new = step(xt, h, W, U, b_hn)
        saved.append((xt, h, r, z, q, n))
        h = h_new
    dx, dW, dU, db = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros_like(b_hn)
    for t, (xt, h, r, z, q, n) in reversed(list(enumerate(saved))):
        dz = dh * (h - n) * z * (1 - z)
        dn = dh * (1 - z) * (1 - n * n)
        dr = dn * q * r * (1 - r)
        dq = dn * r
        db += dq
        dU[0] += np.outer(dr, h)
        dU[1] += np.outer(dz, h)
        dU[2] += np.outer(dn, h)
        for k, d in enumerate((dr, dz, dn)):
            dW[k] += np.outer(d, xt)
            dx[t] += W[k].T @ d
        dh = dh * z + U[0].T @ dr + U[1].T @ dz + U[2].T @ dq
    return dx, dW, dU, db
