import numpy as np

LABELS = {
    'id': 't038',
    'op': 'hidden Markov model, log-likelihood of 25 steps',
    'family': 'several decades',
    'note': 'probabilities of 1e-20',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 3)), 3 * rng.standard_normal((25, 3)) - 2


def lse(z, axis):
    m = z.max(axis=axis, keepdims=True)
    return (m + np.log(np.exp(z - m).sum(axis=axis, keepdims=True))).squeeze(axis)


def alphas(trans, emit):
    logt = trans - lse(trans, 1)[:, None]
    a = [emit[0] - np.log(3.0)]
    for e in emit[1:]:
        a.append(lse(a[-1][:, None] + logt, 0) + e)
    return logt, a


def forward(trans, emit):
    return lse(alphas(trans, emit)[1][-1], 0)


def right_backward(g, trans, emit):
    logt, a = alphas(trans, emit)
    ga = np.exp(a[-1] - lse(a[-1], 0)) * g
    glogt, gemit = np.zeros_like(trans), np.zeros_like(emit)
    for t in range(len(emit) - 1, 0, -1):
        gemit[t] = ga
        z = a[t - 1][:, None] + logt
        w = np.exp(z - lse(z, 0)) * ga
        glogt += w
        ga = w.sum(axis=1)
    gemit[0] = ga
    dtrans = glogt - np.exp(logt) * glogt.sum(axis=1, keepdims=True)
    return dtrans, gemit
