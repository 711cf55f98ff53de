import numpy as np

LABELS = {
    'id': 'c055',
    'op': 'recurrent net, last state returned',
    'family': 'not accumulated',
    'wrong_lines': [10, 11],
    'fix': {10: 'dWxh += np.outer(dhraw, xs[t])', 11: 'dWhh += np.outer(dhraw, hs[t])'},
    'note': 'two lines',
    'source': 'RNN from scratch (= in the loop over time)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5 + seed % 2, 3)), rng.standard_normal((4, 3)), 0.6 * rng.standard_normal((4, 4)), rng.standard_normal(4)


def forward(xs, Wxh, Whh, bh):
    h = np.zeros(4)
    for x in xs:
        h = np.tanh(Wxh @ x + Whh @ h + bh)
    return h


def right_backward(dh, xs, Wxh, Whh, bh):
    hs = [np.zeros(4)]
    for x in xs:
        hs.append(np.tanh(Wxh @ x + Whh @ hs[-1] + bh))
    dxs = np.zeros_like(xs)
    dWxh, dWhh, dbh = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(bh)
    for t in reversed(range(len(xs))):
        dhraw = (1 - hs[t + 1] * hs[t + 1]) * dh
        dbh += dhraw
        dWxh += np.outer(dhraw, xs[t])
        dWhh += np.outer(dhraw, hs[t])
        dxs[t] = Wxh.T @ dhraw
        dh = Whh.T @ dhraw
    return dxs, dWxh, dWhh, dbh


def wrong_backward(dh, xs, Wxh, Whh, bh):
    hs = [np.zeros(4)]
    for x in xs:
        hs.append(np.tanh(Wxh @ x + Whh @ hs[-1] + bh))
    dxs = np.zeros_like(xs)
    dWxh, dWhh, dbh = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(bh)
    for t in reversed(range(len(xs))):
        dhraw = (1 - hs[t + 1] * hs[t + 1]) * dh
        dbh += dhraw
        dWxh = np.outer(dhraw, xs[t])
        dWhh = np.outer(dhraw, hs[t])
        dxs[t] = Wxh.T @ dhraw
        dh = Whh.T @ dhraw
    return dxs, dWxh, dWhh, dbh
