import numpy as np

LABELS = {
    'id': 'b070',
    'op': 'bidirectional exponential smoothing',
    'family': 'not flipped',
    'wrong_lines': [12],
    'fix': {12: 'dx += back[::-1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 5, 6]))
    return (rng.standard_normal((n, 2)),)


def _smooth(x):
    h, out = np.zeros(x.shape[1]), []
    for row in x:
        h = 0.6 * h + row
        out.append(h)
    return np.array(out)


def forward(x):
    return np.concatenate([_smooth(x), _smooth(x[::-1])[::-1]], axis=1)


def right_backward(dy, x):
    d_fwd, d_bwd = dy[:, :2], dy[:, 2:][::-1]
    dx = np.zeros_like(x)
    carry = np.zeros(2)
    for t in range(len(x) - 1, -1, -1):
        carry = d_fwd[t] + 0.6 * carry
        dx[t] += carry
    back, carry = np.zeros_like(x), np.zeros(2)
    for t in range(len(x) - 1, -1, -1):
        carry = d_bwd[t] + 0.6 * carry
        back[t] = carry
    dx += back[::-1]
    return dx


def wrong_backward(dy, x):
    d_fwd, d_bwd = dy[:, :2], dy[:, 2:][::-1]
    dx = np.zeros_like(x)
    carry = np.zeros(2)
    for t in range(len(x) - 1, -1, -1):
        carry = d_fwd[t] + 0.6 * carry
        dx[t] += carry
    back, carry = np.zeros_like(x), np.zeros(2)
    for t in range(len(x) - 1, -1, -1):
        carry = d_bwd[t] + 0.6 * carry
        back[t] = carry
    dx += back
    return dx
