import numpy as np

LABELS = {
    'id': 'd031',
    'op': 'multi-task loss weighted by learned uncertainties',
    'family': 'missing broadcast sum',
    'wrong_lines': [7],
    'fix': {7: 'dlog_var = (0.5 * dl * (1 - precision * diff**2)).sum(axis=0)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3)), rng.standard_normal(3) * 0.5


def forward(pred, target, log_var):
    err = (pred - target) ** 2
    return np.sum(0.5 * np.exp(-log_var) * err + 0.5 * log_var, axis=1)


def right_backward(dloss, pred, target, log_var):
    precision = np.exp(-log_var)
    diff = pred - target
    dl = dloss[:, None]
    dpred = dl * precision * diff
    dtarget = -dpred
    dlog_var = (0.5 * dl * (1 - precision * diff**2)).sum(axis=0)
    return dpred, dtarget, dlog_var


def wrong_backward(dloss, pred, target, log_var):
    precision = np.exp(-log_var)
    diff = pred - target
    dl = dloss[:, None]
    dpred = dl * precision * diff
    dtarget = -dpred
    dlog_var = 0.5 * dl * (1 - precision * diff**2)
    return dpred, dtarget, dlog_var
