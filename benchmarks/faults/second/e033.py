import numpy as np

LABELS = {
    'id': 'e033',
    'op': 'Gumbel softmax with given noise and a learned temperature',
    'family': 'wrong variable',
    'wrong_lines': [6],
    'fix': {6: 'dtau = -(dz * perturbed).sum(keepdims=True).reshape(1) / tau**2'},
    'note': '',
    'source': 'relaxed categorical sampling',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    return rng.standard_normal((n, 4)), rng.gumbel(size=(n, 4)), np.array([0.7]) + 0.3 * rng.random(1)


def forward(logits, gumbel, tau):
    z = (logits + gumbel) / tau
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def right_backward(dy, logits, gumbel, tau):
    y = forward(logits, gumbel, tau)
    perturbed = logits + gumbel
    dz = y * (dy - (dy * y).sum(axis=1, keepdims=True))
    dlogits = dz / tau
    dtau = -(dz * perturbed).sum(keepdims=True).reshape(1) / tau**2
    return dlogits, dlogits, dtau


def wrong_backward(dy, logits, gumbel, tau):
    y = forward(logits, gumbel, tau)
    perturbed = logits + gumbel
    dz = y * (dy - (dy * y).sum(axis=1, keepdims=True))
    dlogits = dz / tau
    dtau = -(dz * logits).sum(keepdims=True).reshape(1) / tau**2
    return dlogits, dlogits, dtau
