import numpy as np

LABELS = {
    'id': 'd042',
    'op': 'SwiGLU feed-forward block',
    'family': 'missing term',
    'wrong_lines': [15],
    'fix': {15: 'dx = dgate @ w1.T + dup @ w3.T'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    d, m = 4, int(rng.integers(5, 7))
    r = lambda *s: rng.standard_normal(s) * 0.7
    return r(3, d), r(d, m), r(m, d), r(d, m)


def forward(x, w1, w2, w3):
    a = x @ w1
    return (a / (1 + np.exp(-a)) * (x @ w3)) @ w2


def right_backward(dy, x, w1, w2, w3):
    # recompute
    gate, up = x @ w1, x @ w3
    sig = 1 / (1 + np.exp(-gate))
    act = gate * sig
    hidden = act * up
    # down projection
    dw2 = hidden.T @ dy
    dhidden = dy @ w2.T
    # gate and up
    dact, dup = dhidden * up, dhidden * act
    dgate = dact * (sig + act * (1 - sig))
    dw1 = x.T @ dgate
    dw3 = x.T @ dup
    dx = dgate @ w1.T + dup @ w3.T
    return dx, dw1, dw2, dw3


def wrong_backward(dy, x, w1, w2, w3):
    # recompute
    gate, up = x @ w1, x @ w3
    sig = 1 / (1 + np.exp(-gate))
    act = gate * sig
    hidden = act * up
    # down projection
    dw2 = hidden.T @ dy
    dhidden = dy @ w2.T
    # gate and up
    dact, dup = dhidden * up, dhidden * act
    dgate = dact * (sig + act * (1 - sig))
    dw1 = x.T @ dgate
    dw3 = x.T @ dup
    dx = dgate @ w1.T
    return dx, dw1, dw2, dw3
