import numpy as np

LABELS = {
    'id': 'c063',
    'op': "Newton's law: leapfrog steps of a pendulum",
    'family': 'stale or overwritten buffer',
    'wrong_lines': [10],
    'fix': {10: 'gq = gq - DT * np.cos(qs[k]) * gp'},
    'note': '',
    'source': 'differentiable physics (the final position used for all steps)',
}


DT = 0.3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(4), rng.standard_normal(4)


def forward(q, p):
    for _ in range(4):
        p = p - DT * np.sin(q)
        q = q + DT * p
    return q**2 + p


def right_backward(g, q, p):
    qs, ps = [q], [p]
    for _ in range(4):
        ps.append(ps[-1] - DT * np.sin(qs[-1]))
        qs.append(qs[-1] + DT * ps[-1])
    q, p = qs[-1], ps[-1]
    gq, gp = 2 * q * g, g.copy()
    for k in range(3, -1, -1):
        gp = gp + DT * gq
        gq = gq - DT * np.cos(qs[k]) * gp
    return gq, gp


def wrong_backward(g, q, p):
    qs, ps = [q], [p]
    for _ in range(4):
        ps.append(ps[-1] - DT * np.sin(qs[-1]))
        qs.append(qs[-1] + DT * ps[-1])
    q, p = qs[-1], ps[-1]
    gq, gp = 2 * q * g, g.copy()
    for k in range(3, -1, -1):
        gp = gp + DT * gq
        gq = gq - DT * np.cos(q) * gp
    return gq, gp
