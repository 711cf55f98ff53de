import numpy as np

LABELS = {
    'id': 'b078',
    'op': 'Gaussian mixture negative log-likelihood',
    'family': 'missing term',
    'wrong_lines': [8],
    'fix': {8: 'd_logsd = scale * np.sum(resp * (u**2 - 1), axis=0)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 1)), rng.standard_normal(3), rng.standard_normal(3), rng.standard_normal(3) * 0.3


def _parts(x, logit, mean, logsd):
    logw = logit - np.log(np.exp(logit).sum())
    u = (x - mean) / np.exp(logsd)
    joint = logw - logsd - 0.5 * u**2
    total = np.log(np.exp(joint).sum(axis=1, keepdims=True))
    return logw, u, np.exp(joint - total), total


def forward(x, logit, mean, logsd):
    return -_parts(x, logit, mean, logsd)[3].mean()


def right_backward(dy, x, logit, mean, logsd):
    logw, u, resp, _ = _parts(x, logit, mean, logsd)
    sd = np.exp(logsd)
    scale = -dy / len(x)
    d_u = -resp * u
    d_x = scale * (d_u / sd).sum(axis=1, keepdims=True)
    d_mean = -scale * (d_u / sd).sum(axis=0)
    d_logsd = scale * np.sum(resp * (u**2 - 1), axis=0)
    d_logit = scale * (resp - np.exp(logw)).sum(axis=0)
    return d_x, d_logit, d_mean, d_logsd


def wrong_backward(dy, x, logit, mean, logsd):
    logw, u, resp, _ = _parts(x, logit, mean, logsd)
    sd = np.exp(logsd)
    scale = -dy / len(x)
    d_u = -resp * u
    d_x = scale * (d_u / sd).sum(axis=1, keepdims=True)
    d_mean = -scale * (d_u / sd).sum(axis=0)
    d_logsd = scale * np.sum(resp * u**2, axis=0)
    d_logit = scale * (resp - np.exp(logw)).sum(axis=0)
    return d_x, d_logit, d_mean, d_logsd
