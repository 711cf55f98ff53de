import numpy as np

LABELS = {
    'id': 'r209',
    'op': 'softmax with an integer temperature and a word for the reduction',
    'family': 'integer inputs',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.integers(0, 4, 3), 2, "mean" if seed % 2 else "sum"


def forward(z, y, temperature, reduction):
    z = z / temperature
    nll = np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), y]
    return nll.mean() if reduction == "mean" else nll.sum()


def right_backward(dy, z, y, temperature, reduction):
    p = np.exp(z / temperature)
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(z)), y] -= 1
    p *= dy / temperature
    if reduction == "mean":
        p /= len(z)
    return p, None, None, None
