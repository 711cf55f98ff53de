import numpy as np

LABELS = {
    'id': 'e018',
    'op': 'linear-chain CRF, negative log-likelihood of a tag sequence',
    'family': 'transposed',
    'wrong_lines': [18],
    'fix': {18: 'xi = np.exp(alpha[t][:, None] + trans + (emit[t + 1] + beta[t + 1])[None, :] - logZ)'},
    'note': '',
    'source': 'CRF layer with hand-written pairwise marginals',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T, K = 4 + seed % 2, 3
    return rng.standard_normal((T, K)), rng.standard_normal((K, K)), rng.integers(0, K, T)


def forward(emit, trans, tags):
    alpha = emit[0]
    for t in range(1, len(emit)):
        alpha = np.logaddexp.reduce(alpha[:, None] + trans, axis=0) + emit[t]
    gold = emit[np.arange(len(tags)), tags].sum() + trans[tags[:-1], tags[1:]].sum()
    return np.logaddexp.reduce(alpha) - gold


def right_backward(dl, emit, trans, tags):
    T, K = emit.shape
    # forward scores
    alpha = np.zeros((T, K))
    alpha[0] = emit[0]
    for t in range(1, T):
        alpha[t] = np.logaddexp.reduce(alpha[t - 1][:, None] + trans, axis=0) + emit[t]
    # backward scores
    beta = np.zeros((T, K))
    for t in range(T - 2, -1, -1):
        beta[t] = np.logaddexp.reduce(trans + (emit[t + 1] + beta[t + 1])[None, :], axis=1)
    logZ = np.logaddexp.reduce(alpha[-1])
    # expected minus observed counts
    demit = np.exp(alpha + beta - logZ)
    demit[np.arange(T), tags] -= 1
    dtrans = np.zeros_like(trans)
    for t in range(T - 1):
        xi = np.exp(alpha[t][:, None] + trans + (emit[t + 1] + beta[t + 1])[None, :] - logZ)
        dtrans += xi
    np.add.at(dtrans, (tags[:-1], tags[1:]), -1)
    return dl * demit, dl * dtrans, None


def wrong_backward(dl, emit, trans, tags):
    T, K = emit.shape
    # forward scores
    alpha = np.zeros((T, K))
    alpha[0] = emit[0]
    for t in range(1, T):
        alpha[t] = np.logaddexp.reduce(alpha[t - 1][:, None] + trans, axis=0) + emit[t]
    # backward scores
    beta = np.zeros((T, K))
    for t in range(T - 2, -1, -1):
        beta[t] = np.logaddexp.reduce(trans + (emit[t + 1] + beta[t + 1])[None, :], axis=1)
    logZ = np.logaddexp.reduce(alpha[-1])
    # expected minus observed counts
    demit = np.exp(alpha + beta - logZ)
    demit[np.arange(T), tags] -= 1
    dtrans = np.zeros_like(trans)
    for t in range(T - 1):
        xi = np.exp(alpha[t][None, :] + trans + (emit[t + 1] + beta[t + 1])[:, None] - logZ)
        dtrans += xi
    np.add.at(dtrans, (tags[:-1], tags[1:]), -1)
    return dl * demit, dl * dtrans, None
