import numpy as np

LABELS = {
    'id': 'b035',
    'op': 'embedding bag, mean',
    'family': 'wrong scale',
    'wrong_lines': [5],
    'fix': {5: 'count = e - s'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    ends = np.array([2, 3, 7])
    return rng.standard_normal((6, 3)), rng.integers(0, 6, 7), ends


def forward(table, idx, ends):
    starts = np.concatenate([[0], ends[:-1]])
    return np.stack([table[idx[s:e]].mean(axis=0) for s, e in zip(starts, ends)])


def right_backward(grad_output, table, idx, ends):
    starts = np.concatenate([[0], ends[:-1]])
    grad_table = np.zeros_like(table)
    for bag, (s, e) in enumerate(zip(starts, ends)):
        count = e - s
        for i in idx[s:e]:
            grad_table[i] += grad_output[bag] / count
    return grad_table, None, None


def wrong_backward(grad_output, table, idx, ends):
    starts = np.concatenate([[0], ends[:-1]])
    grad_table = np.zeros_like(table)
    for bag, (s, e) in enumerate(zip(starts, ends)):
        count = len(idx) / len(ends)
        for i in idx[s:e]:
            grad_table[i] += grad_output[bag] / count
    return grad_table, None, None
