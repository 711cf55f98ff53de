import numpy as np

LABELS = {
    'id': 'f018',
    'op': 'Hamilton product of two quaternions',
    'family': 'sign',
    'wrong_lines': [13],
    'fix': {13: '-w * b + x * a + y * d - z * c,'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return rng.standard_normal((n, 4)), rng.standard_normal((n, 4))


def forward(p, q):
    a, b, c, d = p.T
    e, f, g, h = q.T
    return np.stack([a * e - b * f - c * g - d * h, a * f + b * e + c * h - d * g,
                     a * g - b * h + c * e + d * f, a * h + b * g - c * f + d * e], axis=1)


def right_backward(dr, p, q):
    a, b, c, d = p.T
    e, f, g, h = q.T
    w, x, y, z = dr.T
    dp = np.stack([
        w * e + x * f + y * g + z * h,
        -w * f + x * e - y * h + z * g,
        -w * g + x * h + y * e - z * f,
        -w * h - x * g + y * f + z * e,
    ], axis=1)
    dq = np.stack([
        w * a + x * b + y * c + z * d,
        -w * b + x * a + y * d - z * c,
        -w * c - x * d + y * a + z * b,
        -w * d + x * c - y * b + z * a,
    ], axis=1)
    return dp, dq


def wrong_backward(dr, p, q):
    a, b, c, d = p.T
    e, f, g, h = q.T
    w, x, y, z = dr.T
    dp = np.stack([
        w * e + x * f + y * g + z * h,
        -w * f + x * e - y * h + z * g,
        -w * g + x * h + y * e - z * f,
        -w * h - x * g + y * f + z * e,
    ], axis=1)
    dq = np.stack([
        w * a + x * b + y * c + z * d,
        -w * b + x * a - y * d - z * c,
        -w * c - x * d + y * a + z * b,
        -w * d + x * c - y * b + z * a,
    ], axis=1)
    return dp, dq
