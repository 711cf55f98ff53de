import numpy as np

LABELS = {
    'id': 'b111',
    'op': 'layer norm and linear layer with nested helper',
    'family': 'wrong variable',
    'wrong_lines': [9],
    'fix': {9: 'return (grad - a - normed * b) / sigma'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 4)), rng.standard_normal(4) + 1, rng.standard_normal((4, 3))


def forward(x, gain, weight):
    c = x - x.mean(axis=-1, keepdims=True)
    return (gain * c / np.sqrt((c**2).mean(axis=-1, keepdims=True) + 1e-5)) @ weight


def right_backward(grad_out, x, gain, weight):
    centred = x - x.mean(axis=-1, keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    normed = centred / sigma

    def through_norm(grad):
        a = grad.mean(axis=-1, keepdims=True)
        b = (grad * normed).mean(axis=-1, keepdims=True)
        return (grad - a - normed * b) / sigma

    grad_weight = (gain * normed).T @ grad_out
    grad_scaled = grad_out @ weight.T
    return through_norm(grad_scaled * gain), (grad_scaled * normed).sum(axis=0), grad_weight


def wrong_backward(grad_out, x, gain, weight):
    centred = x - x.mean(axis=-1, keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    normed = centred / sigma

    def through_norm(grad):
        a = grad.mean(axis=-1, keepdims=True)
        b = (grad * normed).mean(axis=-1, keepdims=True)
        return (grad - a - centred * b) / sigma

    grad_weight = (gain * normed).T @ grad_out
    grad_scaled = grad_out @ weight.T
    return through_norm(grad_scaled * gain), (grad_scaled * normed).sum(axis=0), grad_weight
