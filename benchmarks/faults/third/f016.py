import numpy as np

LABELS = {
    'id': 'f016',
    'op': 'matrix product in the log semiring, entries around 800',
    'family': 'not finite',
    'wrong_lines': [5],
    'fix': {5: 'P = np.exp(S - lse)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    return 800 + rng.standard_normal((n, 3)), rng.standard_normal((3, 4))


def forward(A, B):
    S = A[:, :, None] + B[None]
    m = S.max(axis=1)
    return m + np.log(np.exp(S - m[:, None]).sum(axis=1))


def right_backward(dC, A, B):
    S = A[:, :, None] + B[None, :, :]
    m = S.max(axis=1, keepdims=True)
    lse = m + np.log(np.exp(S - m).sum(axis=1, keepdims=True))
    P = np.exp(S - lse)
    dS = P * dC[:, None, :]
    return dS.sum(axis=2), dS.sum(axis=0)


def wrong_backward(dC, A, B):
    S = A[:, :, None] + B[None, :, :]
    m = S.max(axis=1, keepdims=True)
    lse = m + np.log(np.exp(S - m).sum(axis=1, keepdims=True))
    P = np.exp(S) / np.exp(lse)
    dS = P * dC[:, None, :]
    return dS.sum(axis=2), dS.sum(axis=0)
