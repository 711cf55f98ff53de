import numpy as np

LABELS = {
    'id': 'd030',
    'op': 'dual softmax matching of two feature sets',
    'family': 'wrong axis',
    'wrong_lines': [6],
    'fix': {6: 'ds += p_col * (d_col - np.sum(d_col * p_col, axis=0, keepdims=True))'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


TAU = 0.7


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((int(rng.integers(5, 7)), 3))


def softmax(s, axis):
    e = np.exp(s - s.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def forward(fa, fb):
    s = fa @ fb.T / TAU
    return softmax(s, 0) * softmax(s, 1)


def right_backward(dconf, fa, fb):
    s = fa @ fb.T / TAU
    p_col, p_row = softmax(s, 0), softmax(s, 1)
    d_col, d_row = dconf * p_row, dconf * p_col
    ds = p_row * (d_row - np.sum(d_row * p_row, axis=1, keepdims=True))
    ds += p_col * (d_col - np.sum(d_col * p_col, axis=0, keepdims=True))
    ds /= TAU
    return ds @ fb, ds.T @ fa


def wrong_backward(dconf, fa, fb):
    s = fa @ fb.T / TAU
    p_col, p_row = softmax(s, 0), softmax(s, 1)
    d_col, d_row = dconf * p_row, dconf * p_col
    ds = p_row * (d_row - np.sum(d_row * p_row, axis=1, keepdims=True))
    ds += p_col * (d_col - np.sum(d_col * p_col, axis=1, keepdims=True))
    ds /= TAU
    return ds @ fb, ds.T @ fa
