import numpy as np

LABELS = {
    'id': 'd032',
    'op': 'token and position embeddings, scaled by √d, padding id',
    'family': 'not accumulated',
    'wrong_lines': [7],
    'fix': {7: 'np.add.at(grad_table, ids, grad_rows)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


PAD = 0


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 5, (3, 4))
    ids[0, 0] = ids[1, 2] = ids[2, 3] = 3
    return rng.standard_normal((5, 3)), ids, rng.standard_normal((4, 3))


def forward(table, ids, pos):
    e = table[ids] * np.sqrt(table.shape[1])
    return e * (ids != PAD)[..., None] + pos


def right_backward(grad_output, table, ids, pos):
    scale = np.sqrt(table.shape[1])
    keep = (ids != PAD)[..., None]
    grad_pos = grad_output.sum(axis=0)
    grad_rows = grad_output * keep * scale
    grad_table = np.zeros_like(table)
    np.add.at(grad_table, ids, grad_rows)
    return grad_table, None, grad_pos


def wrong_backward(grad_output, table, ids, pos):
    scale = np.sqrt(table.shape[1])
    keep = (ids != PAD)[..., None]
    grad_pos = grad_output.sum(axis=0)
    grad_rows = grad_output * keep * scale
    grad_table = np.zeros_like(table)
    grad_table[ids] += grad_rows
    return grad_table, None, grad_pos
