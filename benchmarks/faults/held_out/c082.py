import numpy as np

LABELS = {
    'id': 'c082',
    'op': 'tied embedding and output matrix of a small language model',
    'family': 'not accumulated',
    'wrong_lines': [9],
    'fix': {9: 'dE += dlogits.T @ h'},
    'note': '',
    'source': "weight tying (only the output's gradient is kept)",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 3)), rng.standard_normal((3, 3)), np.array([2, 5, 2, 0])


def forward(E, W, idx):
    h = np.tanh(E[idx] @ W)
    return h @ E.T


def right_backward(dlogits, E, W, idx):
    x = E[idx]
    h = np.tanh(x @ W)
    dE = np.zeros_like(E)
    dh = dlogits @ E
    da = dh * (1 - h**2)
    dW = x.T @ da
    np.add.at(dE, idx, da @ W.T)
    dE += dlogits.T @ h
    return dE, dW, None


def wrong_backward(dlogits, E, W, idx):
    x = E[idx]
    h = np.tanh(x @ W)
    dE = np.zeros_like(E)
    dh = dlogits @ E
    da = dh * (1 - h**2)
    dW = x.T @ da
    np.add.at(dE, idx, da @ W.T)
    dE = dlogits.T @ h
    return dE, dW, None
