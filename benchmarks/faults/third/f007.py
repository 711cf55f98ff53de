import numpy as np

LABELS = {
    'id': 'f007',
    'op': 'spectral convergence loss of two magnitude spectra',
    'family': 'eps placement',
    'wrong_lines': [8],
    'fix': {8: 'dS = ddiff + dden * S / size'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


EPS = 0.5


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return np.abs(rng.standard_normal((2, n))), np.abs(rng.standard_normal((2, n)))


def forward(S, S_hat):
    return np.sqrt(((S - S_hat) ** 2).sum()) / (np.sqrt((S ** 2).sum()) + EPS)


def right_backward(dloss, S, S_hat):
    diff = S - S_hat
    num = np.linalg.norm(diff)
    size = np.linalg.norm(S)
    den = size + EPS
    ddiff = dloss / den * diff / num
    dden = -dloss * num / den ** 2
    dS = ddiff + dden * S / size
    return dS, -ddiff


def wrong_backward(dloss, S, S_hat):
    diff = S - S_hat
    num = np.linalg.norm(diff)
    size = np.linalg.norm(S)
    den = size + EPS
    ddiff = dloss / den * diff / num
    dden = -dloss * num / den ** 2
    dS = ddiff + dden * S / den
    return dS, -ddiff
