import numpy as np

LABELS = {
    'id': 'b143',
    'op': 'feature-wise modulation with (n, c, 1, 1) parameters',
    'family': 'missing broadcast sum',
    'wrong_lines': [5],
    'fix': {5: 'g = g.sum(axis=axis, keepdims=True)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 4, 3, 5)), rng.standard_normal((2, 4, 1, 1)), rng.standard_normal((1, 4, 1, 1))


def forward(x, scale, shift):
    return x * (1 + scale) + shift


def right_backward(dy, x, scale, shift):
    def reduce_to(g, shape):
        for axis, size in enumerate(shape):
            if size == 1:
                g = g.sum(axis=axis, keepdims=True)
        return g
    return dy * (1 + scale), reduce_to(dy * x, scale.shape), reduce_to(dy, shift.shape)


def wrong_backward(dy, x, scale, shift):
    def reduce_to(g, shape):
        for axis, size in enumerate(shape):
            if size == 1:
                g = g.take([0], axis=axis)
        return g
    return dy * (1 + scale), reduce_to(dy * x, scale.shape), reduce_to(dy, shift.shape)
