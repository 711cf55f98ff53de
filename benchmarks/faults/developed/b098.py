import numpy as np

LABELS = {
    'id': 'b098',
    'op': 'curvature penalty along a line',
    'family': 'off by one',
    'wrong_lines': [4],
    'fix': {4: 'for i in range(1, n - 1):'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((5, 2)),)


def forward(p):
    return sum(((p[i - 1] - 2 * p[i] + p[i + 1]) ** 2).sum() for i in range(1, len(p) - 1))


def right_backward(dy, p):
    n = len(p)
    dp = np.zeros_like(p)
    for i in range(1, n - 1):
        c = 2 * dy * (p[i - 1] - 2 * p[i] + p[i + 1])
        dp[i - 1] += c
        dp[i] -= 2 * c
        dp[i + 1] += c
    return dp


def wrong_backward(dy, p):
    n = len(p)
    dp = np.zeros_like(p)
    for i in range(1, n - 2):
        c = 2 * dy * (p[i - 1] - 2 * p[i] + p[i + 1])
        dp[i - 1] += c
        dp[i] -= 2 * c
        dp[i + 1] += c
    return dp
