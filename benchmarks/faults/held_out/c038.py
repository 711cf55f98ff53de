import numpy as np

LABELS = {
    'id': 'c038',
    'op': 'softplus of large arguments',
    'family': 'not finite',
    'wrong_lines': [3],
    'fix': {3: 's = 0.5 * (1 + np.tanh(x / 2))'},
    'note': '',
    'source': 'e^x/(1+e^x) overflows: a classic of hand-written activations',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = 3 * rng.standard_normal((3, 4))
    x[1, 1] = 800.0
    return (x,)


def forward(x):
    return np.logaddexp(0, x)


def right_backward(dy, x):
    with np.errstate(all="ignore"):
        s = 0.5 * (1 + np.tanh(x / 2))
    return dy * s


def wrong_backward(dy, x):
    with np.errstate(all="ignore"):
        s = np.exp(x) / (1 + np.exp(x))
    return dy * s
