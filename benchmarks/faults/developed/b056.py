import numpy as np

LABELS = {
    'id': 'b056',
    'op': 'CRF step: log partition by the forward algorithm',
    'family': 'missing upstream dy',
    'wrong_lines': [7],
    'fix': {7: 'da = dy * da / da.sum()'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((3, 3))


def forward(emit, trans):
    a = emit[0]
    for e in emit[1:]:
        a = e + np.log(np.exp(a[:, None] + trans).sum(axis=0))
    return np.log(np.exp(a).sum())


def right_backward(dy, emit, trans):
    alphas = [emit[0]]
    for e in emit[1:]:
        alphas.append(e + np.log(np.exp(alphas[-1][:, None] + trans).sum(axis=0)))
    d_emit, d_trans = np.zeros_like(emit), np.zeros_like(trans)
    da = np.exp(alphas[-1])
    da = dy * da / da.sum()
    for t in range(len(emit) - 1, 0, -1):
        d_emit[t] = da
        z = np.exp(alphas[t - 1][:, None] + trans)
        joint = z / z.sum(axis=0) * da
        d_trans += joint
        da = joint.sum(axis=1)
    d_emit[0] = da
    return d_emit, d_trans


def wrong_backward(dy, emit, trans):
    alphas = [emit[0]]
    for e in emit[1:]:
        alphas.append(e + np.log(np.exp(alphas[-1][:, None] + trans).sum(axis=0)))
    d_emit, d_trans = np.zeros_like(emit), np.zeros_like(trans)
    da = np.exp(alphas[-1])
    da = da / da.sum()
    for t in range(len(emit) - 1, 0, -1):
        d_emit[t] = da
        z = np.exp(alphas[t - 1][:, None] + trans)
        joint = z / z.sum(axis=0) * da
        d_trans += joint
        da = joint.sum(axis=1)
    d_emit[0] = da
    return d_emit, d_trans
