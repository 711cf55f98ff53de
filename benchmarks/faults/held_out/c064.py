import numpy as np

LABELS = {
    'id': 'c064',
    'op': "polynomial by Horner's rule",
    'family': 'stale or overwritten buffer',
    'wrong_lines': [9],
    'fix': {9: 'gx += gacc * steps[k]'},
    'note': '',
    'source': 'scientific Python homework (the accumulator is updated too early)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(5), 0.8 * rng.standard_normal(6)


def forward(x, coef):
    acc = np.zeros_like(x)
    for c in coef:
        acc = acc * x + c
    return acc


def right_backward(g, x, coef):
    steps = [np.zeros_like(x)]
    for c in coef:
        steps.append(steps[-1] * x + c)
    gx, gcoef = np.zeros_like(x), np.zeros_like(coef)
    gacc = g.copy()
    for k in reversed(range(len(coef))):
        gcoef[k] = gacc.sum()
        gx += gacc * steps[k]
        gacc = gacc * x
    return gx, gcoef


def wrong_backward(g, x, coef):
    steps = [np.zeros_like(x)]
    for c in coef:
        steps.append(steps[-1] * x + c)
    gx, gcoef = np.zeros_like(x), np.zeros_like(coef)
    gacc = g.copy()
    for k in reversed(range(len(coef))):
        gcoef[k] = gacc.sum()
        gx += gacc * steps[k + 1]
        gacc = gacc * x
    return gx, gcoef
