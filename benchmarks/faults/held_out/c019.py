import numpy as np

LABELS = {
    'id': 'c019',
    'op': 'embedding bag, mean of each bag',
    'family': 'wrong scale',
    'wrong_lines': [6],
    'fix': {6: 'grad[token] += g / len(real)'},
    'note': '',
    'source': 'EmbeddingBag issues (mean over real tokens, not over the padded length)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((7, 3)), np.array([[1, 4, 4, 0], [2, 6, 0, 0], [5, 1, 3, 2]])


def forward(table, tokens):
    real = tokens > 0
    n = real.sum(axis=1, keepdims=True)
    return (table[tokens] * real[..., None]).sum(axis=1) / n


def right_backward(upstream, table, tokens):
    grad = np.zeros_like(table)
    for bag, g in zip(tokens, upstream):
        real = bag[bag > 0]
        for token in real:
            grad[token] += g / len(real)
    return grad, None


def wrong_backward(upstream, table, tokens):
    grad = np.zeros_like(table)
    for bag, g in zip(tokens, upstream):
        real = bag[bag > 0]
        for token in real:
            grad[token] += g / len(bag)
    return grad, None
