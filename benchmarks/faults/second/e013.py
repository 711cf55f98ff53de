import numpy as np

LABELS = {
    'id': 'e013',
    'op': 'dominant eigenvalue by four power iterations, differentiated through',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [11],
    'fix': {11: 'u = vs[i + 1]'},
    'note': '',
    'source': 'unrolled power iteration',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 4
    a = rng.standard_normal((n, n))
    return a + a.T, rng.standard_normal(n)


def forward(A, v0):
    v = v0
    for _ in range(4):
        w = A @ v
        v = w / np.sqrt(w @ w)
    return v @ A @ v


def right_backward(dlam, A, v0):
    vs, norms = [v0], []
    for _ in range(4):
        w = A @ vs[-1]
        norms.append(np.sqrt(w @ w))
        vs.append(w / norms[-1])
    v = vs[-1]
    dA = dlam * np.outer(v, v)
    dv = dlam * (A + A.T) @ v
    for i in range(3, -1, -1):
        u = vs[i + 1]
        dw = (dv - u * (u @ dv)) / norms[i]
        dA += np.outer(dw, vs[i])
        dv = A.T @ dw
    return dA, dv


def wrong_backward(dlam, A, v0):
    vs, norms = [v0], []
    for _ in range(4):
        w = A @ vs[-1]
        norms.append(np.sqrt(w @ w))
        vs.append(w / norms[-1])
    v = vs[-1]
    dA = dlam * np.outer(v, v)
    dv = dlam * (A + A.T) @ v
    for i in range(3, -1, -1):
        u = v
        dw = (dv - u * (u @ dv)) / norms[i]
        dA += np.outer(dw, vs[i])
        dv = A.T @ dw
    return dA, dv
