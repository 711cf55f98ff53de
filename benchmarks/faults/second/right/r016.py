import numpy as np

LABELS = {
    'id': 'r016',
    'op': 'rows by negative and repeated indices of type int8',
    'family': 'integer labels',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), np.array([-1, 3, 0, -4, -2, -1], dtype=np.int8)


def forward(table, idx):
    return table[idx] ** 2


def right_backward(dy, table, idx):
    onehot = np.equal.outer(idx % len(table), np.arange(len(table)))
    return 2 * table * (onehot.T.astype(float) @ dy), None
