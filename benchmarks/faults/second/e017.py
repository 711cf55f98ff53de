import numpy as np

LABELS = {
    'id': 'e017',
    'op': 'CTC loss of one sequence by alpha and beta',
    'family': 'wrong mask/branch',
    'wrong_lines': [19],
    'fix': {19: 'if s + 2 < S and ext[s] != 0 and ext[s] != ext[s + 2]:'},
    'note': '',
    'source': 'CTC from the paper (skip over a blank only between different labels)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((6 + seed % 2, 3))
    return logits, np.array([1, 1, 2])


def extend(labels):
    ext = np.zeros(2 * len(labels) + 1, dtype=int)
    ext[1::2] = labels
    return ext


def forward(logits, labels):
    logp = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    ext = extend(labels)
    S = len(ext)
    a = np.full(S, -np.inf)
    a[:2] = logp[0, ext[:2]]
    for t in range(1, len(logp)):
        new = np.full(S, -np.inf)
        for s in range(S):
            terms = [a[s]] + ([a[s - 1]] if s > 0 else [])
            if s > 1 and ext[s] != 0 and ext[s] != ext[s - 2]:
                terms.append(a[s - 2])
            new[s] = np.logaddexp.reduce(terms) + logp[t, ext[s]]
        a = new
    return -np.logaddexp(a[-1], a[-2])


def right_backward(dloss, logits, labels):
    logp = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    ext = extend(labels)
    T, S = len(logp), len(ext)
    alpha = np.full((T, S), -np.inf)
    alpha[0, :2] = logp[0, ext[:2]]
    for t in range(1, T):
        for s in range(S):
            terms = [alpha[t - 1, s]] + ([alpha[t - 1, s - 1]] if s > 0 else [])
            if s > 1 and ext[s] != 0 and ext[s] != ext[s - 2]:
                terms.append(alpha[t - 1, s - 2])
            alpha[t, s] = np.logaddexp.reduce(terms) + logp[t, ext[s]]
    beta = np.full((T, S), -np.inf)
    beta[T - 1, -2:] = 0
    for t in range(T - 2, -1, -1):
        e = beta[t + 1] + logp[t + 1, ext]
        for s in range(S):
            terms = [e[s]] + ([e[s + 1]] if s + 1 < S else [])
            if s + 2 < S and ext[s] != 0 and ext[s] != ext[s + 2]:
                terms.append(e[s + 2])
            beta[t, s] = np.logaddexp.reduce(terms)
    total = np.logaddexp(alpha[-1, -1], alpha[-1, -2])
    occ = np.exp(alpha + beta - total)
    dlogp = np.zeros_like(logp)
    for s in range(S):
        dlogp[:, ext[s]] -= occ[:, s]
    dlogp *= dloss
    dlogits = dlogp - np.exp(logp) * dlogp.sum(axis=1, keepdims=True)
    return dlogits, None


def wrong_backward(dloss, logits, labels):
    logp = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    ext = extend(labels)
    T, S = len(logp), len(ext)
    alpha = np.full((T, S), -np.inf)
    alpha[0, :2] = logp[0, ext[:2]]
    for t in range(1, T):
        for s in range(S):
            terms = [alpha[t - 1, s]] + ([alpha[t - 1, s - 1]] if s > 0 else [])
            if s > 1 and ext[s] != 0 and ext[s] != ext[s - 2]:
                terms.append(alpha[t - 1, s - 2])
            alpha[t, s] = np.logaddexp.reduce(terms) + logp[t, ext[s]]
    beta = np.full((T, S), -np.inf)
    beta[T - 1, -2:] = 0
    for t in range(T - 2, -1, -1):
        e = beta[t + 1] + logp[t + 1, ext]
        for s in range(S):
            terms = [e[s]] + ([e[s + 1]] if s + 1 < S else [])
            if s + 2 < S and ext[s] != 0:
                terms.append(e[s + 2])
            beta[t, s] = np.logaddexp.reduce(terms)
    total = np.logaddexp(alpha[-1, -1], alpha[-1, -2])
    occ = np.exp(alpha + beta - total)
    dlogp = np.zeros_like(logp)
    for s in range(S):
        dlogp[:, ext[s]] -= occ[:, s]
    dlogp *= dloss
    dlogits = dlogp - np.exp(logp) * dlogp.sum(axis=1, keepdims=True)
    return dlogits, None
