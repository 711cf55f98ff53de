import numpy as np

LABELS = {
    'id': 'b073',
    'op': 'discounted returns',
    'family': 'not flipped',
    'wrong_lines': [4],
    'fix': {4: 'for t in range(len(r)):'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(4), rng.random(1) * 0.4 + 0.5


def forward(r, gamma):
    out, acc = np.zeros_like(r), 0.0
    for t in reversed(range(len(r))):
        acc = r[t] + gamma[0] * acc
        out[t] = acc
    return out


def right_backward(dy, r, gamma):
    g = forward(r, gamma)
    dr, acc, dgamma = np.zeros_like(r), 0.0, 0.0
    for t in range(len(r)):
        acc = dy[t] + gamma[0] * acc
        dr[t] = acc
        if t + 1 < len(r):
            dgamma += acc * g[t + 1]
    return dr, np.array([dgamma])


def wrong_backward(dy, r, gamma):
    g = forward(r, gamma)
    dr, acc, dgamma = np.zeros_like(r), 0.0, 0.0
    for t in reversed(range(len(r))):
        acc = dy[t] + gamma[0] * acc
        dr[t] = acc
        if t + 1 < len(r):
            dgamma += acc * g[t + 1]
    return dr, np.array([dgamma])
