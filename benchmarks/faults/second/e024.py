import numpy as np

LABELS = {
    'id': 'e024',
    'op': 'mixture density network, isotropic components in several dimensions',
    'family': 'wrong scale',
    'wrong_lines': [13],
    'fix': {13: 'dlog_sigma = gl * (D - sq * iv)'},
    'note': '',
    'source': "Bishop's MDN, derivative by the log deviation",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n, k, d = 2 + seed % 2, 3, 2
    return rng.standard_normal((n, k)), rng.standard_normal((n, k, d)), 0.3 * rng.standard_normal((n, k)), rng.standard_normal((n, d))


def forward(logits, mu, log_sigma, t):
    logpi = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    sq = ((t[:, None, :] - mu) ** 2).sum(axis=2)
    comp = logpi - 0.5 * sq * np.exp(-2 * log_sigma) - t.shape[1] * (log_sigma + 0.5 * np.log(2 * np.pi))
    return -np.logaddexp.reduce(comp, axis=1)


def right_backward(dloss, logits, mu, log_sigma, t):
    N, K, D = mu.shape
    logpi = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    diff = t[:, None, :] - mu
    iv = np.exp(-2 * log_sigma)
    sq = (diff**2).sum(axis=2)
    comp = logpi - 0.5 * sq * iv - D * (log_sigma + 0.5 * np.log(2 * np.pi))
    gamma = np.exp(comp - np.logaddexp.reduce(comp, axis=1, keepdims=True))

    gl = dloss[:, None] * gamma
    dlogits = dloss[:, None] * np.exp(logpi) - gl
    dmu = -gl[:, :, None] * diff * iv[:, :, None]
    dlog_sigma = gl * (D - sq * iv)
    dt = -dmu.sum(axis=1)
    return dlogits, dmu, dlog_sigma, dt


def wrong_backward(dloss, logits, mu, log_sigma, t):
    N, K, D = mu.shape
    logpi = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    diff = t[:, None, :] - mu
    iv = np.exp(-2 * log_sigma)
    sq = (diff**2).sum(axis=2)
    comp = logpi - 0.5 * sq * iv - D * (log_sigma + 0.5 * np.log(2 * np.pi))
    gamma = np.exp(comp - np.logaddexp.reduce(comp, axis=1, keepdims=True))

    gl = dloss[:, None] * gamma
    dlogits = dloss[:, None] * np.exp(logpi) - gl
    dmu = -gl[:, :, None] * diff * iv[:, :, None]
    dlog_sigma = gl * (1 - sq * iv)
    dt = -dmu.sum(axis=1)
    return dlogits, dmu, dlog_sigma, dt
