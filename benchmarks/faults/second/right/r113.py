import numpy as np

LABELS = {
    'id': 'r113',
    'op': 'score of the best path (Viterbi), gradient 0 or 1',
    'family': 'piecewise linear',
    'note': 'most entries of the gradient are exactly zero',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5 + seed % 2, 3)), rng.standard_normal((3, 3))


def forward(emit, trans):
    s = emit[0]
    for e in emit[1:]:
        s = (s[:, None] + trans).max(axis=0) + e
    return s.max()


def right_backward(d, emit, trans):
    s, back = emit[0], []
    for e in emit[1:]:
        m = s[:, None] + trans
        back.append(m.argmax(axis=0))
        s = m.max(axis=0) + e
    demit, dtrans = np.zeros_like(emit), np.zeros_like(trans)
    k = int(s.argmax())
    for t in range(len(emit) - 1, 0, -1):
        demit[t, k] = d
        j = int(back[t - 1][k])
        dtrans[j, k] += d
        k = j
    demit[0, k] = d
    return demit, dtrans
