import numpy as np

LABELS = {
    'id': 'b037',
    'op': 'monotonic alignment by dynamic programming (CTC-like)',
    'family': 'not accumulated',
    'wrong_lines': [16],
    'fix': {16: 'ga[t - 1, l - 1] += ga[t, l] * p[t, l]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6]))
    return (rng.random((n, 4)) + 0.3,)


def forward(p):
    steps, labels = p.shape
    a = np.zeros((steps, labels))
    a[0, 0] = p[0, 0]
    for t in range(1, steps):
        for l in range(labels):
            a[t, l] = (a[t - 1, l] + (a[t - 1, l - 1] if l else 0)) * p[t, l]
    return a[-1]


def right_backward(dy, p):
    steps, labels = p.shape
    a = np.zeros((steps, labels))
    a[0, 0] = p[0, 0]
    for t in range(1, steps):
        for l in range(labels):
            a[t, l] = (a[t - 1, l] + (a[t - 1, l - 1] if l else 0)) * p[t, l]
    ga, gp = np.zeros_like(a), np.zeros_like(p)
    ga[-1] = dy
    for t in range(steps - 1, 0, -1):
        for l in range(labels):
            before = a[t - 1, l] + (a[t - 1, l - 1] if l > 0 else 0)
            gp[t, l] = ga[t, l] * before
            ga[t - 1, l] += ga[t, l] * p[t, l]
            if l > 0:
                ga[t - 1, l - 1] += ga[t, l] * p[t, l]
    gp[0, 0] = ga[0, 0]
    return gp


def wrong_backward(dy, p):
    steps, labels = p.shape
    a = np.zeros((steps, labels))
    a[0, 0] = p[0, 0]
    for t in range(1, steps):
        for l in range(labels):
            a[t, l] = (a[t - 1, l] + (a[t - 1, l - 1] if l else 0)) * p[t, l]
    ga, gp = np.zeros_like(a), np.zeros_like(p)
    ga[-1] = dy
    for t in range(steps - 1, 0, -1):
        for l in range(labels):
            before = a[t - 1, l] + (a[t - 1, l - 1] if l > 0 else 0)
            gp[t, l] = ga[t, l] * before
            ga[t - 1, l] += ga[t, l] * p[t, l]
            if l > 0:
                ga[t - 1, l - 1] = ga[t, l] * p[t, l]
    gp[0, 0] = ga[0, 0]
    return gp
