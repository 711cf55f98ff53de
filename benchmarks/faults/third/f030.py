import numpy as np

LABELS = {
    'id': 'f030',
    'op': 'recursive network over a graph of shared subexpressions',
    'family': 'not accumulated',
    'wrong_lines': [15],
    'fix': {15: 'dh[j] += dchild[d:]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


PAIRS = [(0, 1), (1, 2), (3, 4), (3, 5), (6, 1)]


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 4))
    return rng.standard_normal((3, d)), 0.6 * rng.standard_normal((2 * d, d)), rng.standard_normal(d)


def forward(leaves, W, b):
    nodes = list(leaves)
    for i, j in PAIRS:
        nodes.append(np.tanh(np.concatenate([nodes[i], nodes[j]]) @ W + b))
    return np.stack(nodes[len(leaves):])


def right_backward(dnodes, leaves, W, b):
    n, d = leaves.shape
    h = list(leaves)
    for i, j in PAIRS:
        h.append(np.tanh(np.concatenate([h[i], h[j]]) @ W + b))
    dh = np.concatenate([np.zeros((n, d)), dnodes])
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for k in reversed(range(len(PAIRS))):
        i, j = PAIRS[k]
        dz = dh[n + k] * (1 - h[n + k] ** 2)
        dW += np.outer(np.concatenate([h[i], h[j]]), dz)
        db += dz
        dchild = W @ dz
        dh[i] += dchild[:d]
        dh[j] += dchild[d:]
    return dh[:n], dW, db


def wrong_backward(dnodes, leaves, W, b):
    n, d = leaves.shape
    h = list(leaves)
    for i, j in PAIRS:
        h.append(np.tanh(np.concatenate([h[i], h[j]]) @ W + b))
    dh = np.concatenate([np.zeros((n, d)), dnodes])
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for k in reversed(range(len(PAIRS))):
        i, j = PAIRS[k]
        dz = dh[n + k] * (1 - h[n + k] ** 2)
        dW += np.outer(np.concatenate([h[i], h[j]]), dz)
        db += dz
        dchild = W @ dz
        dh[i] += dchild[:d]
        dh[j] = dchild[d:]
    return dh[:n], dW, db
