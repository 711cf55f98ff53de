import numpy as np

LABELS = {
    'id': 'b114',
    'op': 'cross-attention',
    'family': 'wrong variable',
    'wrong_lines': [7],
    'fix': {7: 'ds = p * (dp - (p * dp).sum(-1, keepdims=True))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((6, 3)), rng.standard_normal((6, 2))


def forward(query, key, value):
    s = query @ key.T / np.sqrt(query.shape[-1])
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True) @ value


def right_backward(grad, query, key, value):
    scale = 1 / np.sqrt(query.shape[-1])
    s = query @ key.T * scale
    e = np.exp(s - s.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    dp = grad @ value.T
    ds = p * (dp - (p * dp).sum(-1, keepdims=True))
    return (
        ds @ key * scale,
        ds.T @ query * scale,
        p.T @ grad,
    )


def wrong_backward(grad, query, key, value):
    scale = 1 / np.sqrt(query.shape[-1])
    s = query @ key.T * scale
    e = np.exp(s - s.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    dp = grad @ value.T
    ds = p * (dp - (p * s).sum(-1, keepdims=True))
    return (
        ds @ key * scale,
        ds.T @ query * scale,
        p.T @ grad,
    )
