import numpy as np

LABELS = {
    'id': 'f014',
    'op': 'Michaelis-Menten rates of enzymes at several concentrations',
    'family': 'missing broadcast sum',
    'wrong_lines': [5],
    'fix': {5: 'dkm = (-drate * vmax * conc / denom ** 2).sum(axis=1, keepdims=True)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return rng.uniform(0.5, 3, (2, 1)), rng.uniform(0.3, 2, (2, 1)), rng.uniform(0.1, 4, n)


def forward(vmax, km, conc):
    return vmax * conc / (km + conc)


def right_backward(drate, vmax, km, conc):
    denom = km + conc
    sat = conc / denom
    dvmax = (drate * sat).sum(axis=1, keepdims=True)
    dkm = (-drate * vmax * conc / denom ** 2).sum(axis=1, keepdims=True)
    dconc = (drate * vmax * km / denom ** 2).sum(axis=0)
    return dvmax, dkm, dconc


def wrong_backward(drate, vmax, km, conc):
    denom = km + conc
    sat = conc / denom
    dvmax = (drate * sat).sum(axis=1, keepdims=True)
    dkm = -drate * vmax * conc / denom ** 2
    dconc = (drate * vmax * km / denom ** 2).sum(axis=0)
    return dvmax, dkm, dconc
