import numpy as np

LABELS = {
    'id': 'r045',
    'op': 'linear interpolation, two positions on the nodes',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(6), np.array([0.4, 2.0, 3.7, 1.0, 2.2, 4.9, 0.1, 3.3, 1.6, 4.4])


def forward(table, pos):
    return np.interp(pos, np.arange(len(table)), table)


def right_backward(dy, table, pos):
    i = np.floor(pos).astype(int)
    f = pos - i
    dtable = np.zeros_like(table)
    np.add.at(dtable, i, (1 - f) * dy)
    np.add.at(dtable, i + 1, f * dy)
    return dtable, dy * (table[i + 1] - table[i])
