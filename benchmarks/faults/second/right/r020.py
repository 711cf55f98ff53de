import numpy as np

LABELS = {
    'id': 'r020',
    'op': 'best path through a lattice (Viterbi score)',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), rng.standard_normal((3, 3))


def forward(unary, trans):
    s = unary[0]
    for u in unary[1:]:
        s = (s[:, None] + trans).max(0) + u
    return s.max()


def right_backward(dy, unary, trans):
    s, back = unary[0], []
    for u in unary[1:]:
        m = s[:, None] + trans
        back.append(m.argmax(0))
        s = m.max(0) + u
    du, dt = np.zeros_like(unary), np.zeros_like(trans)
    k = s.argmax()
    for t in range(len(unary) - 1, -1, -1):
        du[t, k] = dy
        if t:
            j = back[t - 1][k]
            dt[j, k] += dy
            k = j
    return du, dt
