import numpy as np

LABELS = {
    'id': 'r207',
    'op': "log-density of Student's t with outliers of 1e5",
    'family': 'scales',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    x = rng.standard_normal(n)
    x[:2] *= 1e5
    return x, np.array([0.7])


def forward(x, log_s):
    z = x * np.exp(-log_s)
    return -2 * np.log1p(z * z / 3) - log_s


def right_backward(dy, x, log_s):
    s = np.exp(log_s)
    w = 4 / (3 * s * s + x * x)
    return -dy * x * w, np.array([(dy * (x * x * w - 1)).sum()])
