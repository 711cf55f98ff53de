import numpy as np

LABELS = {
    'id': 'f006',
    'op': 'slope of the least-squares line through each series',
    'family': 'dtype or integer division',
    'wrong_lines': [3],
    'fix': {3: 'mid = (T - 1) / 2'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = 2 * int(rng.integers(2, 4))
    return rng.standard_normal((3, T)), rng.standard_normal(T)


def forward(series, gain):
    t = np.arange(series.shape[1])
    t = t - t.mean()
    return (series * gain) @ t / (t @ t)


def right_backward(dslope, series, gain):
    T = series.shape[1]
    mid = (T - 1) / 2
    t = np.arange(T) - mid
    coef = t / (t ** 2).sum()
    dz = dslope[:, None] * coef
    dgain = (dz * series).sum(axis=0)
    return dz * gain, dgain


def wrong_backward(dslope, series, gain):
    T = series.shape[1]
    mid = (T - 1) // 2
    t = np.arange(T) - mid
    coef = t / (t ** 2).sum()
    dz = dslope[:, None] * coef
    dgain = (dz * series).sum(axis=0)
    return dz * gain, dgain
