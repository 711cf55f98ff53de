import numpy as np

LABELS = {
    'id': 'c027',
    'op': 'softmax classifier with weight decay',
    'family': 'wrong factor',
    'wrong_lines': [17],
    'fix': {17: 'dW += 2 * dout * reg * W'},
    'note': '',
    'source': 'cs231n assignment 1 (2 of the squared norm)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 5 + seed % 4
    return rng.standard_normal((4, 3)), rng.standard_normal((n, 4)), rng.integers(0, 3, n)


def forward(W, X, y, reg=0.7):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(y)), y].mean() + reg * (W**2).sum()


def right_backward(dout, W, X, y, reg=0.7):
    """
    Vectorised gradient of the softmax loss.

    - dout: upstream gradient, a scalar
    - W: weights (D, C); X: data (N, D); y: labels (N,)

    Returns (dW, dX, None).
    """
    N = X.shape[0]
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[range(N), y] -= 1.0
    dscores = dout * p / N
    dW = X.T @ dscores
    dW += 2 * dout * reg * W
    dX = dscores @ W.T
    return dW, dX, None


def wrong_backward(dout, W, X, y, reg=0.7):
    """
    Vectorised gradient of the softmax loss.

    - dout: upstream gradient, a scalar
    - W: weights (D, C); X: data (N, D); y: labels (N,)

    Returns (dW, dX, None).
    """
    N = X.shape[0]
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[range(N), y] -= 1.0
    dscores = dout * p / N
    dW = X.T @ dscores
    dW += dout * reg * W
    dX = dscores @ W.T
    return dW, dX, None
