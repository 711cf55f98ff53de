import numpy as np

LABELS = {
    'id': 'c021',
    'op': 'add with broadcasting, general unbroadcast',
    'family': 'missing broadcast sum',
    'wrong_lines': [3],
    'fix': {3: 'gcol = reduce_to(g * x, col.shape)'},
    'note': '',
    'source': 'tinygrad-like engines (axes of length 1 are not summed)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 1)), rng.standard_normal(3)


def forward(x, col, row):
    return x * col + row


def reduce_to(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


def right_backward(g, x, col, row):
    gx = reduce_to(g * col, x.shape)
    gcol = reduce_to(g * x, col.shape)
    grow = reduce_to(g, row.shape)
    return gx, gcol, grow


def wrong_backward(g, x, col, row):
    gx = reduce_to(g * col, x.shape)
    gcol = reduce_to(g * x, x.shape)
    grow = reduce_to(g, row.shape)
    return gx, gcol, grow
