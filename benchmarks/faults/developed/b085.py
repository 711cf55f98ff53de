import numpy as np

LABELS = {
    'id': 'b085',
    'op': 'dense block: outputs concatenated to inputs',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [8, 11],
    'fix': {8: 'dfeat[:, :5] += dz2 @ w2.T', 11: 'dfeat[:, :3] += dz1 @ w1.T'},
    'note': 'two lines',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 6, 7]))
    return rng.standard_normal((n, 3)), rng.standard_normal((3, 2)), rng.standard_normal((5, 2))


def forward(x, w1, w2):
    a = np.concatenate([x, np.tanh(x @ w1)], axis=1)
    return np.concatenate([a, np.tanh(a @ w2)], axis=1)


def right_backward(dout, x, w1, w2):
    h1 = np.tanh(x @ w1)
    a = np.concatenate([x, h1], axis=1)
    h2 = np.tanh(a @ w2)
    dfeat = dout.copy()
    dz2 = dfeat[:, 5:] * (1 - h2**2)
    dw2 = a.T @ dz2
    dfeat[:, :5] += dz2 @ w2.T
    dz1 = dfeat[:, 3:5] * (1 - h1**2)
    dw1 = x.T @ dz1
    dfeat[:, :3] += dz1 @ w1.T
    return dfeat[:, :3], dw1, dw2


def wrong_backward(dout, x, w1, w2):
    h1 = np.tanh(x @ w1)
    a = np.concatenate([x, h1], axis=1)
    h2 = np.tanh(a @ w2)
    dfeat = dout.copy()
    dz2 = dfeat[:, 5:] * (1 - h2**2)
    dw2 = a.T @ dz2
    dfeat[:, :5] = dz2 @ w2.T
    dz1 = dfeat[:, 3:5] * (1 - h1**2)
    dw1 = x.T @ dz1
    dfeat[:, :3] = dz1 @ w1.T
    return dfeat[:, :3], dw1, dw2
