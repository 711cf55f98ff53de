import numpy as np

LABELS = {
    'id': 'c087',
    'op': 'unrolled scan with reset, forward from i-1',
    'family': 'off by one',
    'wrong_lines': [7],
    'fix': {7: 'carry = gh[t] + (decay[t + 1] * carry if t < T - 1 else 0.0)'},
    'note': '',
    'source': 'linear attention and state-space scans',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = 5 + seed % 3
    return 0.3 + 0.5 * rng.random((T, 2)), rng.standard_normal((T, 2))


def forward(decay, x):
    h = np.zeros_like(x)
    h[0] = x[0]
    for t in range(1, len(x)):
        h[t] = decay[t] * h[t - 1] + x[t]
    return h


def right_backward(gh, decay, x):
    h = forward(decay, x)
    T = len(x)
    gdecay, gx = np.zeros_like(decay), np.zeros_like(x)
    carry = np.zeros(2)
    for t in range(T - 1, -1, -1):
        carry = gh[t] + (decay[t + 1] * carry if t < T - 1 else 0.0)
        gx[t] = carry
        if t > 0:
            gdecay[t] = carry * h[t - 1]
    return gdecay, gx


def wrong_backward(gh, decay, x):
    h = forward(decay, x)
    T = len(x)
    gdecay, gx = np.zeros_like(decay), np.zeros_like(x)
    carry = np.zeros(2)
    for t in range(T - 1, -1, -1):
        carry = gh[t] + (decay[t] * carry if t < T - 1 else 0.0)
        gx[t] = carry
        if t > 0:
            gdecay[t] = carry * h[t - 1]
    return gdecay, gx
