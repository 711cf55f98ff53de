import numpy as np

LABELS = {
    'id': 'e008',
    'op': 'transposed convolution 1d with stride 2 and dilation 2',
    'family': 'wrong stride/padding',
    'wrong_lines': [7],
    'fix': {7: 'taps = dy[:, k * dil : k * dil + (L - 1) * stride + 1 : stride]'},
    'note': '',
    'source': 'gradient of ConvTranspose1d written with loops over taps',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 4 + seed % 2)), rng.standard_normal((2, 3, 3)), rng.standard_normal(3)


def forward(x, w, b, stride=2, dil=2):
    L, K = x.shape[1], w.shape[2]
    y = np.zeros((w.shape[1], (L - 1) * stride + (K - 1) * dil + 1))
    for t in range(L):
        for k in range(K):
            y[:, t * stride + k * dil] += x[:, t] @ w[:, :, k]
    return y + b[:, None]


def right_backward(dy, x, w, b, stride=2, dil=2):
    C, L = x.shape
    K = w.shape[2]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for k in range(K):
        taps = dy[:, k * dil : k * dil + (L - 1) * stride + 1 : stride]
        dx += w[:, :, k] @ taps
        dw[:, :, k] = x @ taps.T
    db = dy.sum(axis=1)
    return dx, dw, db


def wrong_backward(dy, x, w, b, stride=2, dil=2):
    C, L = x.shape
    K = w.shape[2]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for k in range(K):
        taps = dy[:, k : k + (L - 1) * stride + 1 : stride]
        dx += w[:, :, k] @ taps
        dw[:, :, k] = x @ taps.T
    db = dy.sum(axis=1)
    return dx, dw, db
