import numpy as np

LABELS = {
    'id': 'r202',
    'op': 'hashed feature table with collisions, products of two look-ups',
    'family': 'repeated indices',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 10))
    return rng.standard_normal((4, 2)), rng.integers(0, 1000, n), rng.integers(-50, 50, n)


def forward(table, u, v):
    return table[(u * 31) % 4] * table[(v * 17) % 4]


def right_backward(dy, table, u, v):
    a, b = (u * 31) % 4, (v * 17) % 4
    g = np.zeros_like(table)
    np.add.at(g, np.concatenate([a, b]), np.concatenate([dy * table[b], dy * table[a]]))
    return g, None, None
