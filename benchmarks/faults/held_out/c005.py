import numpy as np

LABELS = {
    'id': 'c005',
    'op': 'cumulative sum',
    'family': 'not flipped',
    'wrong_lines': [3],
    'fix': {3: 'xbar = ybar[..., ::-1].cumsum(axis=-1)[..., ::-1]'},
    'note': '',
    'source': 'autograd and Flux rules for cumsum (the adjoint runs from the end)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5 + seed % 4)),)


def forward(x):
    return x.cumsum(axis=-1)


def right_backward(ybar, x):
    """Reverse-mode rule for cumsum."""
    xbar = ybar[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return np.ascontiguousarray(xbar)


def wrong_backward(ybar, x):
    """Reverse-mode rule for cumsum."""
    xbar = ybar.cumsum(axis=-1)
    return np.ascontiguousarray(xbar)
