import numpy as np

LABELS = {
    'id': 'c014',
    'op': 'causal attention scores',
    'family': 'wrong mask/branch',
    'wrong_lines': [6],
    'fix': {6: 'dP = dP * np.tril(np.ones((n, n)))'},
    'note': '',
    'source': 'flash-attention style kernels (mask of the other triangle in backward)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = 4 + seed % 2
    return rng.standard_normal((t, 3)), rng.standard_normal((t, 3)), rng.standard_normal((t, 2))


def causal(q, k):
    s = q @ k.T / np.sqrt(q.shape[1])
    s = np.where(np.tril(np.ones(s.shape)) > 0, s, -np.inf)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(q, k, v):
    return causal(q, k) @ v


def right_backward(do, q, k, v):
    n, d = q.shape
    P = causal(q, k)
    dv = np.einsum("ij,id->jd", P, do)
    dP = np.einsum("id,jd->ij", do, v)
    dP = dP * np.tril(np.ones((n, n)))
    delta = np.einsum("ij,ij->i", P, dP)
    dS = P * (dP - delta[:, None]) / np.sqrt(d)
    return dS @ k, dS.T @ q, dv


def wrong_backward(do, q, k, v):
    n, d = q.shape
    P = causal(q, k)
    dv = np.einsum("ij,id->jd", P, do)
    dP = np.einsum("id,jd->ij", do, v)
    dP = dP * np.triu(np.ones((n, n)))
    delta = np.einsum("ij,ij->i", P, dP)
    dS = P * (dP - delta[:, None]) / np.sqrt(d)
    return dS @ k, dS.T @ q, dv
