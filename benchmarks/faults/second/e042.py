import numpy as np

LABELS = {
    'id': 'e042',
    'op': 'leaky log-sum-exp scan with a learned decay, large keys',
    'family': 'not finite',
    'wrong_lines': [10],
    'fix': {10: 'share = np.exp(old - out[t])'},
    'note': '',
    'source': 'log-space linear attention (RWKV-like) without the running maximum',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 900 + 2 * rng.standard_normal((5, 2)), 0.5 + rng.random(2)


def forward(k, w):
    state = k[0]
    out = [state]
    for kt in k[1:]:
        state = np.logaddexp(state - w, kt)
        out.append(state)
    return np.array(out)


def right_backward(dout, k, w):
    T = len(k)
    out = forward(k, w)
    dk = np.zeros_like(k)
    dw = np.zeros_like(w)
    d = np.zeros_like(w)
    for t in range(T - 1, 0, -1):
        d = d + dout[t]
        old = out[t - 1] - w
        share = np.exp(old - out[t])
        dk[t] = d * (1 - share)
        d = d * share
        dw -= d
    dk[0] = d + dout[0]
    return dk, dw


def wrong_backward(dout, k, w):
    T = len(k)
    out = forward(k, w)
    dk = np.zeros_like(k)
    dw = np.zeros_like(w)
    d = np.zeros_like(w)
    for t in range(T - 1, 0, -1):
        d = d + dout[t]
        old = out[t - 1] - w
        share = np.exp(old) / (np.exp(old) + np.exp(k[t]))
        dk[t] = d * (1 - share)
        d = d * share
        dw -= d
    dk[0] = d + dout[0]
    return dk, dw


STEP = lambda x: np.full(x.shape, 0.05)
