import numpy as np

LABELS = {
    'id': 'c077',
    'op': 'Gaussian mixture log-likelihood in one dimension',
    'family': 'wrong variable',
    'wrong_lines': [8],
    'fix': {8: 'dmu = (gr * z / s).sum(axis=0)'},
    'note': '',
    'source': 'EM and MDN exercises (prior weights where responsibilities are due)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(6), rng.standard_normal(3), rng.standard_normal(3), 0.3 * rng.standard_normal(3)


def forward(x, alpha, mu, log_s):
    logw = alpha - np.log(np.exp(alpha).sum())
    z = (x[:, None] - mu) / np.exp(log_s)
    comp = logw - log_s - 0.5 * z**2
    top = comp.max(axis=1)
    return top + np.log(np.exp(comp - top[:, None]).sum(axis=1))


def right_backward(g, x, alpha, mu, log_s):
    w = np.exp(alpha) / np.exp(alpha).sum()
    s = np.exp(log_s)
    z = (x[:, None] - mu) / s
    joint = w / s * np.exp(-0.5 * z**2)
    resp = joint / joint.sum(axis=1, keepdims=True)
    gr = g[:, None] * resp
    dmu = (gr * z / s).sum(axis=0)
    dlog_s = (gr * (z**2 - 1)).sum(axis=0)
    dalpha = gr.sum(axis=0) - g.sum() * w
    dx = -(gr * z / s).sum(axis=1)
    return dx, dalpha, dmu, dlog_s


def wrong_backward(g, x, alpha, mu, log_s):
    w = np.exp(alpha) / np.exp(alpha).sum()
    s = np.exp(log_s)
    z = (x[:, None] - mu) / s
    joint = w / s * np.exp(-0.5 * z**2)
    resp = joint / joint.sum(axis=1, keepdims=True)
    gr = g[:, None] * resp
    dmu = (g[:, None] * w * z / s).sum(axis=0)
    dlog_s = (gr * (z**2 - 1)).sum(axis=0)
    dalpha = gr.sum(axis=0) - g.sum() * w
    dx = -(gr * z / s).sum(axis=1)
    return dx, dalpha, dmu, dlog_s
