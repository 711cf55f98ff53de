import numpy as np

LABELS = {
    'id': 'f031',
    'op': 'long causal convolution by FFT with a skip gain (Hyena)',
    'family': 'not flipped',
    'wrong_lines': [6],
    'fix': {6: 'du = np.fft.irfft(dyf * np.conj(kf), n)[..., :T]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(6, 10))
    return rng.standard_normal((3, T)), rng.standard_normal((3, T)), rng.standard_normal(3)


def forward(u, k, D):
    T = u.shape[-1]
    y = np.fft.irfft(np.fft.rfft(u, 2 * T) * np.fft.rfft(k, 2 * T), 2 * T)[..., :T]
    return y + u * D[:, None]


def right_backward(dy, u, k, D):
    T = u.shape[-1]
    n = 2 * T
    uf, kf = np.fft.rfft(u, n), np.fft.rfft(k, n)
    dyf = np.fft.rfft(dy, n)
    du = np.fft.irfft(dyf * np.conj(kf), n)[..., :T]
    dk = np.fft.irfft(dyf * np.conj(uf), n)[..., :T]
    du += dy * D[:, None]
    dD = (dy * u).sum(-1)
    return du, dk, dD


def wrong_backward(dy, u, k, D):
    T = u.shape[-1]
    n = 2 * T
    uf, kf = np.fft.rfft(u, n), np.fft.rfft(k, n)
    dyf = np.fft.rfft(dy, n)
    du = np.fft.irfft(dyf * kf, n)[..., :T]
    dk = np.fft.irfft(dyf * np.conj(uf), n)[..., :T]
    du += dy * D[:, None]
    dD = (dy * u).sum(-1)
    return du, dk, dD
