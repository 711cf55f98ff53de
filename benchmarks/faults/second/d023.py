import numpy as np

LABELS = {
    'id': 'd023',
    'op': 'additive (Bahdanau) attention, one query for each sequence',
    'family': 'missing broadcast sum',
    'wrong_lines': [16],
    'fix': {16: 'dq = dpre.sum(axis=1) @ Wq.T'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    r = lambda *s: rng.standard_normal(s)
    return r(2, 3), r(2, int(rng.integers(3, 6)), 3), r(3, 4), r(3, 4), r(4)


def forward(q, mem, Wq, Wm, v):
    e = np.tanh((q @ Wq)[:, None] + mem @ Wm) @ v
    a = np.exp(e - e.max(1, keepdims=True))
    a /= a.sum(1, keepdims=True)
    return np.einsum("nt,ntd->nd", a, mem)


def right_backward(dctx, q, mem, Wq, Wm, v):
    t = np.tanh((q @ Wq)[:, None] + mem @ Wm)
    e = t @ v
    a = np.exp(e - e.max(1, keepdims=True))
    a /= a.sum(1, keepdims=True)
    # context
    dmem = a[:, :, None] * dctx[:, None]
    da = (dctx[:, None] * mem).sum(-1)
    # softmax over the memory slots
    de = a * (da - (a * da).sum(1, keepdims=True))
    dv = np.einsum("nt,nth->h", de, t)
    dpre = de[:, :, None] * v * (1 - t**2)
    dWm = np.einsum("ntd,nth->dh", mem, dpre)
    dmem += dpre @ Wm.T
    dWq = np.einsum("nd,nth->dh", q, dpre)
    dq = dpre.sum(axis=1) @ Wq.T
    return dq, dmem, dWq, dWm, dv


def wrong_backward(dctx, q, mem, Wq, Wm, v):
    t = np.tanh((q @ Wq)[:, None] + mem @ Wm)
    e = t @ v
    a = np.exp(e - e.max(1, keepdims=True))
    a /= a.sum(1, keepdims=True)
    # context
    dmem = a[:, :, None] * dctx[:, None]
    da = (dctx[:, None] * mem).sum(-1)
    # softmax over the memory slots
    de = a * (da - (a * da).sum(1, keepdims=True))
    dv = np.einsum("nt,nth->h", de, t)
    dpre = de[:, :, None] * v * (1 - t**2)
    dWm = np.einsum("ntd,nth->dh", mem, dpre)
    dmem += dpre @ Wm.T
    dWq = np.einsum("nd,nth->dh", q, dpre)
    dq = dpre @ Wq.T
    return dq, dmem, dWq, dWm, dv
