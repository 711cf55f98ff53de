import numpy as np

LABELS = {
    'id': 'd026',
    'op': 'linear head on the last valid step of padded sequences',
    'family': 'off by one',
    'wrong_lines': [9],
    'fix': {9: 'dseq[rows, lengths - 1] = dlast'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 5, 3)
    return rng.standard_normal((3, 5, 4)), lengths, rng.standard_normal((4, 2)), rng.standard_normal(2)


def forward(seq, lengths, W, b):
    last = seq[np.arange(len(seq)), lengths - 1]
    return np.tanh(last) @ W + b


def right_backward(dlogits, seq, lengths, W, b):
    rows = np.arange(seq.shape[0])
    last = seq[rows, lengths - 1]
    act = np.tanh(last)
    dW = act.T @ dlogits
    db = dlogits.sum(axis=0)
    dlast = (dlogits @ W.T) * (1 - act**2)
    dseq = np.zeros_like(seq)
    dseq[rows, lengths - 1] = dlast
    return dseq, None, dW, db


def wrong_backward(dlogits, seq, lengths, W, b):
    rows = np.arange(seq.shape[0])
    last = seq[rows, lengths - 1]
    act = np.tanh(last)
    dW = act.T @ dlogits
    db = dlogits.sum(axis=0)
    dlast = (dlogits @ W.T) * (1 - act**2)
    dseq = np.zeros_like(seq)
    dseq[rows, lengths] = dlast
    return dseq, None, dW, db
