import numpy as np

LABELS = {
    'id': 't033',
    'op': 'sum whose gradient is a read-only broadcast view',
    'family': 'memory order',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.asfortranarray(rng.standard_normal((4, 5))), rng.standard_normal((6, 5))[:, ::-1]


def forward(a, b):
    return np.concatenate([a, b]).sum(axis=0)


def right_backward(g, a, b):
    return np.broadcast_to(g, a.shape), np.broadcast_to(g, b.shape)
