import numpy as np

LABELS = {
    'id': 'b103',
    'op': 'attention scores with a per-head bias over keys',
    'family': 'missing broadcast sum',
    'wrong_lines': [3, 4],
    'fix': {3: 'dk = np.einsum("bhqk,bhqd->bhkd", ds, q) * 2**-0.5', 4: 'dbias = ds.sum(axis=(0, 2))[:, None, :]'},
    'note': 'two mistakes',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 3, 4, 2)), rng.standard_normal((6, 3, 5, 2)), rng.standard_normal((3, 1, 5))


def forward(q, k, bias):
    return np.einsum("bhqd,bhkd->bhqk", q, k) * 2**-0.5 + bias


def right_backward(ds, q, k, bias):
    dq = np.einsum("bhqk,bhkd->bhqd", ds, k) * 2**-0.5
    dk = np.einsum("bhqk,bhqd->bhkd", ds, q) * 2**-0.5
    dbias = ds.sum(axis=(0, 2))[:, None, :]
    return dq, dk, dbias


def wrong_backward(ds, q, k, bias):
    dq = np.einsum("bhqk,bhkd->bhqd", ds, k) * 2**-0.5
    dk = np.einsum("bhqk,bhqd->bhkd", ds, q) * 2**0.5
    dbias = ds.sum(axis=0)
    return dq, dk, dbias
