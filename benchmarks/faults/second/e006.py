import numpy as np

LABELS = {
    'id': 'e006',
    'op': 'fused scale, mask, softmax and dropout (keep mask given)',
    'family': 'wrong variable',
    'wrong_lines': [7],
    'fix': {7: 'inner = (dp * p).sum(axis=-1, keepdims=True)'},
    'note': '',
    'source': 'Megatron-style fused softmax-dropout kernel',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    s = rng.standard_normal((2, 4, 4))
    drop = rng.integers(0, 4, (2, 4, 4)) > 0
    return s, drop.astype(np.int64)


def forward(s, keep):
    t = s.shape[-1]
    z = np.where(np.tril(np.ones((t, t))) > 0, s * 0.5, -1e9)
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    return p * keep / 0.75


def right_backward(grad, s, keep):
    t = s.shape[-1]
    z = np.where(np.tril(np.ones((t, t))) > 0, s * 0.5, -1e9)
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    dp = grad * keep / 0.75
    inner = (dp * p).sum(axis=-1, keepdims=True)
    dz = p * (dp - inner)
    return 0.5 * dz, None


def wrong_backward(grad, s, keep):
    t = s.shape[-1]
    z = np.where(np.tril(np.ones((t, t))) > 0, s * 0.5, -1e9)
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    dp = grad * keep / 0.75
    inner = (grad * p).sum(axis=-1, keepdims=True)
    dz = p * (dp - inner)
    return 0.5 * dz, None
