import numpy as np

LABELS = {
    'id': 'e030',
    'op': 'circular convolution of a signal with a filter of equal length',
    'family': 'not flipped',
    'wrong_lines': [6],
    'fix': {6: 'db = np.einsum("ri,rij->rj", dout, a[:, idx])'},
    'note': '',
    'source': 'FFT-free holographic (HRR) binding',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 5 + seed % 2
    return rng.standard_normal((2, n)), rng.standard_normal((2, n))


def forward(a, b):
    n = a.shape[1]
    out = np.zeros_like(a)
    for i in range(n):
        for j in range(n):
            out[:, i] += a[:, j] * b[:, (i - j) % n]
    return out


def right_backward(dout, a, b):
    n = a.shape[1]
    idx = (np.arange(n)[:, None] - np.arange(n)[None, :]) % n
    # out_i = Σ_j a_j b_{i-j}
    da = np.einsum("ri,rij->rj", dout, b[:, idx])
    db = np.einsum("ri,rij->rj", dout, a[:, idx])
    return da, db


def wrong_backward(dout, a, b):
    n = a.shape[1]
    idx = (np.arange(n)[:, None] - np.arange(n)[None, :]) % n
    # out_i = Σ_j a_j b_{i-j}
    da = np.einsum("ri,rij->rj", dout, b[:, idx])
    db = np.einsum("ri,rji->rj", dout, a[:, idx])
    return da, db
