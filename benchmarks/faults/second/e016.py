import numpy as np

LABELS = {
    'id': 'e016',
    'op': 'soft Needleman-Wunsch alignment score with a learned gap penalty',
    'family': 'missing term',
    'wrong_lines': [24],
    'fix': {24: 'dgap -= up + left'},
    'note': '',
    'source': 'differentiable alignment (softmax over three moves)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3 + seed % 2, 4)), rng.random(1) + 0.3


def forward(score, gap):
    n, m = score.shape
    g = gap[0]
    D = np.zeros((n + 1, m + 1))
    D[:, 0] = -g * np.arange(n + 1)
    D[0, :] = -g * np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            D[i, j] = np.logaddexp.reduce([D[i - 1, j - 1] + score[i - 1, j - 1], D[i - 1, j] - g, D[i, j - 1] - g])
    return D[n, m]


def right_backward(dout, score, gap):
    n, m = score.shape
    g = gap[0]
    D = np.zeros((n + 1, m + 1))
    D[:, 0] = -g * np.arange(n + 1)
    D[0, :] = -g * np.arange(m + 1)
    W = np.zeros((n + 1, m + 1, 3))
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            moves = np.array([D[i - 1, j - 1] + score[i - 1, j - 1], D[i - 1, j] - g, D[i, j - 1] - g])
            D[i, j] = np.logaddexp.reduce(moves)
            W[i, j] = np.exp(moves - D[i, j])
    E = np.zeros((n + 1, m + 1))
    E[n, m] = dout
    dscore = np.zeros_like(score)
    dgap = 0.0
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            match, up, left = E[i, j] * W[i, j]
            dscore[i - 1, j - 1] = match
            E[i - 1, j - 1] += match
            E[i - 1, j] += up
            E[i, j - 1] += left
            dgap -= up + left
    dgap -= (E[1:, 0] * np.arange(1, n + 1)).sum() + (E[0, 1:] * np.arange(1, m + 1)).sum()
    return dscore, np.array([dgap])


def wrong_backward(dout, score, gap):
    n, m = score.shape
    g = gap[0]
    D = np.zeros((n + 1, m + 1))
    D[:, 0] = -g * np.arange(n + 1)
    D[0, :] = -g * np.arange(m + 1)
    W = np.zeros((n + 1, m + 1, 3))
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            moves = np.array([D[i - 1, j - 1] + score[i - 1, j - 1], D[i - 1, j] - g, D[i, j - 1] - g])
            D[i, j] = np.logaddexp.reduce(moves)
            W[i, j] = np.exp(moves - D[i, j])
    E = np.zeros((n + 1, m + 1))
    E[n, m] = dout
    dscore = np.zeros_like(score)
    dgap = 0.0
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            match, up, left = E[i, j] * W[i, j]
            dscore[i - 1, j - 1] = match
            E[i - 1, j - 1] += match
            E[i - 1, j] += up
            E[i, j - 1] += left
            dgap -= up
    dgap -= (E[1:, 0] * np.arange(1, n + 1)).sum() + (E[0, 1:] * np.arange(1, m + 1)).sum()
    return dscore, np.array([dgap])
