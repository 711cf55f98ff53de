import numpy as np

LABELS = {
    'id': 'b014',
    'op': 'linear interpolation at given positions',
    'family': 'sign',
    'wrong_lines': [7],
    'fix': {7: 'dpos = dy * (table[i + 1] - table[i])'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(6), rng.random(5) * 4.9


def forward(table, pos):
    i = np.floor(pos).astype(int)
    f = pos - i
    return (1 - f) * table[i] + f * table[i + 1]


def right_backward(dy, table, pos):
    i = np.floor(pos).astype(int)
    f = pos - i
    dtable = np.zeros_like(table)
    np.add.at(dtable, i, (1 - f) * dy)
    np.add.at(dtable, i + 1, f * dy)
    dpos = dy * (table[i + 1] - table[i])
    return dtable, dpos


def wrong_backward(dy, table, pos):
    i = np.floor(pos).astype(int)
    f = pos - i
    dtable = np.zeros_like(table)
    np.add.at(dtable, i, (1 - f) * dy)
    np.add.at(dtable, i + 1, f * dy)
    dpos = dy * (table[i] - table[i + 1])
    return dtable, dpos
