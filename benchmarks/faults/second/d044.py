import numpy as np

LABELS = {
    'id': 'd044',
    'op': 'multi-head attention, a loop over the heads',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [16],
    'fix': {16: 'ds = probs[h] * (dp - np.sum(dp * probs[h], axis=1, keepdims=True))'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


HEADS = 3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = int(rng.integers(3, 6))
    return tuple(rng.standard_normal((t, 6)) for _ in range(3))


def forward(q, k, v):
    out, d = [], q.shape[1] // HEADS
    for h in range(HEADS):
        sl = slice(h * d, (h + 1) * d)
        s = q[:, sl] @ k[:, sl].T / np.sqrt(d)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        out.append(e / e.sum(axis=1, keepdims=True) @ v[:, sl])
    return np.concatenate(out, axis=1)


def right_backward(dout, q, k, v):
    d = q.shape[1] // HEADS
    probs = []
    for h in range(HEADS):
        sl = slice(h * d, (h + 1) * d)
        s = q[:, sl] @ k[:, sl].T / np.sqrt(d)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        probs.append(p)

    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for h in range(HEADS):
        sl = slice(h * d, (h + 1) * d)
        dv[:, sl] = probs[h].T @ dout[:, sl]
        dp = dout[:, sl] @ v[:, sl].T
        ds = probs[h] * (dp - np.sum(dp * probs[h], axis=1, keepdims=True))
        dq[:, sl] = ds @ k[:, sl] / np.sqrt(d)
        dk[:, sl] = ds.T @ q[:, sl] / np.sqrt(d)
    return dq, dk, dv


def wrong_backward(dout, q, k, v):
    d = q.shape[1] // HEADS
    probs = []
    for h in range(HEADS):
        sl = slice(h * d, (h + 1) * d)
        s = q[:, sl] @ k[:, sl].T / np.sqrt(d)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        probs.append(p)

    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for h in range(HEADS):
        sl = slice(h * d, (h + 1) * d)
        dv[:, sl] = probs[h].T @ dout[:, sl]
        dp = dout[:, sl] @ v[:, sl].T
        ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
        dq[:, sl] = ds @ k[:, sl] / np.sqrt(d)
        dk[:, sl] = ds.T @ q[:, sl] / np.sqrt(d)
    return dq, dk, dv
