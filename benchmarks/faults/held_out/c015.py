import numpy as np

LABELS = {
    'id': 'c015',
    'op': '1d convolution by np.convolve',
    'family': 'not flipped',
    'wrong_lines': [3],
    'fix': {3: 'dkernel = np.correlate(signal, delta, mode="valid")[::-1]'},
    'note': '',
    'source': 'signal-processing notebooks (convolution where a correlation is due)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(9 + seed % 3), rng.standard_normal(4)


def forward(signal, kernel):
    return np.convolve(signal, kernel, mode="valid")


def right_backward(delta, signal, kernel):
    dsignal = np.convolve(delta, kernel[::-1], mode="full")
    dkernel = np.correlate(signal, delta, mode="valid")[::-1]
    return dsignal, dkernel


def wrong_backward(delta, signal, kernel):
    dsignal = np.convolve(delta, kernel[::-1], mode="full")
    dkernel = np.correlate(signal, delta, mode="valid")
    return dsignal, dkernel
