import numpy as np

LABELS = {
    'id': 'e032',
    'op': 'sparsemax',
    'family': 'wrong mask/branch',
    'wrong_lines': [6],
    'fix': {6: 'v = dp[r][support].mean()'},
    'note': '',
    'source': 'Martins & Astudillo, Jacobian on the support',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 5)),)


def forward(z):
    s = -np.sort(-z, axis=1)
    cs = np.cumsum(s, axis=1) - 1
    k = np.arange(1, z.shape[1] + 1)
    size = (k * s > cs).sum(axis=1)
    tau = cs[np.arange(len(z)), size - 1] / size
    return np.maximum(z - tau[:, None], 0)


def right_backward(dp, z):
    p = forward(z)
    dz = np.zeros_like(z)
    for r in range(len(z)):
        support = p[r] > 0
        v = dp[r][support].mean()
        dz[r] = np.where(support, dp[r] - v, 0.0)
    return dz


def wrong_backward(dp, z):
    p = forward(z)
    dz = np.zeros_like(z)
    for r in range(len(z)):
        support = p[r] > 0
        v = dp[r].mean()
        dz[r] = np.where(support, dp[r] - v, 0.0)
    return dz
