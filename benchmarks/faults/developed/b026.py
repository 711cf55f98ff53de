import numpy as np

LABELS = {
    'id': 'b026',
    'op': 'power of the Fourier spectrum',
    'family': 'wrong scale',
    'wrong_lines': [4],
    'fix': {4: 'return 2 * np.real(n * np.fft.ifft(dy * spec))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(7),)


def forward(x):
    return np.abs(np.fft.fft(x)) ** 2


def right_backward(dy, x):
    n = len(x)
    spec = np.fft.fft(x)
    return 2 * np.real(n * np.fft.ifft(dy * spec))


def wrong_backward(dy, x):
    n = len(x)
    spec = np.fft.fft(x)
    return 2 * np.real(np.fft.ifft(dy * spec))
