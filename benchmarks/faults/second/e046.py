import numpy as np

LABELS = {
    'id': 'e046',
    'op': 'attention with linear position penalties per head (ALiBi) and a learned strength',
    'family': 'dtype or integer division',
    'wrong_lines': [4],
    'fix': {4: 'slope = 2.0 ** (-2 * heads / H)'},
    'note': '',
    'source': 'slopes 2^(-8 h / H) in integer arithmetic',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4, 2)), rng.standard_normal((3, 4, 2)), rng.standard_normal((3, 4, 2)), np.array([2.0 + rng.random()])


def forward(q, k, v, strength):
    H, T, D = q.shape
    slope = np.array([2.0 ** (-2 * (h + 1) / H) for h in range(H)])
    dist = np.arange(T)[:, None] - np.arange(T)[None, :]
    s = q @ k.transpose(0, 2, 1) / np.sqrt(D) - strength[0] * slope[:, None, None] * dist
    s = np.where(dist >= 0, s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def right_backward(do, q, k, v, strength):
    H, T, D = q.shape
    heads = np.arange(1, H + 1)
    slope = 2.0 ** (-2 * heads / H)
    dist = np.arange(T)[:, None] - np.arange(T)[None, :]
    bias = -slope[:, None, None] * dist
    s = q @ k.transpose(0, 2, 1) / np.sqrt(D) + strength[0] * bias
    s = np.where(dist >= 0, s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    dv = p.transpose(0, 2, 1) @ do
    dp = do @ v.transpose(0, 2, 1)
    ds = p * (dp - (p * dp).sum(-1, keepdims=True))
    dstrength = np.array([(ds * bias).sum()])
    dq = ds @ k / np.sqrt(D)
    dk = ds.transpose(0, 2, 1) @ q / np.sqrt(D)
    return dq, dk, dv, dstrength


def wrong_backward(do, q, k, v, strength):
    H, T, D = q.shape
    heads = np.arange(1, H + 1)
    slope = 2.0 ** (-2 * heads // H)
    dist = np.arange(T)[:, None] - np.arange(T)[None, :]
    bias = -slope[:, None, None] * dist
    s = q @ k.transpose(0, 2, 1) / np.sqrt(D) + strength[0] * bias
    s = np.where(dist >= 0, s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    dv = p.transpose(0, 2, 1) @ do
    dp = do @ v.transpose(0, 2, 1)
    ds = p * (dp - (p * dp).sum(-1, keepdims=True))
    dstrength = np.array([(ds * bias).sum()])
    dq = ds @ k / np.sqrt(D)
    dk = ds.transpose(0, 2, 1) @ q / np.sqrt(D)
    return dq, dk, dv, dstrength
