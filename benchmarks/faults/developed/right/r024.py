import numpy as np

LABELS = {
    'id': 'r024',
    'op': 'Gumbel softmax with noise of a fixed seed',
    'family': 'internal randomness',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5)),)


def _gumbel(shape):
    return -np.log(-np.log(np.random.default_rng(2024).random(shape)))


def forward(logits):
    e = np.exp((logits + _gumbel(logits.shape)) / 0.5)
    return e / e.sum(axis=-1, keepdims=True)


def right_backward(dy, logits):
    e = np.exp((logits + _gumbel(logits.shape)) / 0.5)
    y = e / e.sum(axis=-1, keepdims=True)
    return (dy - (dy * y).sum(axis=-1, keepdims=True)) * y / 0.5
