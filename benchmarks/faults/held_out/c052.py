import numpy as np

LABELS = {
    'id': 'c052',
    'op': 'cross-attention, scale inside',
    'family': 'wrong scale',
    'wrong_lines': [7, 8],
    'fix': {7: 'grad_query = np.einsum("bmn,bnd->bmd", grad_s, key) / root', 8: 'grad_key = np.einsum("bmn,bmd->bnd", grad_s, query) / root'},
    'note': 'two lines',
    'source': 'attention from scratch (the scale is forgotten in both factors)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    m, n = 3 + seed % 3, 6
    return rng.standard_normal((2, m, 4)), rng.standard_normal((2, n, 4)), rng.standard_normal((2, n, 5))


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def forward(query, key, value):
    w = softmax(np.einsum("bmd,bnd->bmn", query, key) / query.shape[-1] ** 0.5)
    return np.einsum("bmn,bnv->bmv", w, value)


def right_backward(grad, query, key, value):
    root = query.shape[-1] ** 0.5
    w = softmax(np.einsum("bmd,bnd->bmn", query, key) / root)
    grad_value = np.einsum("bmn,bmv->bnv", w, grad)
    grad_w = np.einsum("bmv,bnv->bmn", grad, value)
    grad_s = w * (grad_w - (w * grad_w).sum(-1, keepdims=True))
    grad_query = np.einsum("bmn,bnd->bmd", grad_s, key) / root
    grad_key = np.einsum("bmn,bmd->bnd", grad_s, query) / root
    return grad_query, grad_key, grad_value


def wrong_backward(grad, query, key, value):
    root = query.shape[-1] ** 0.5
    w = softmax(np.einsum("bmd,bnd->bmn", query, key) / root)
    grad_value = np.einsum("bmn,bmv->bnv", w, grad)
    grad_w = np.einsum("bmv,bnv->bmn", grad, value)
    grad_s = w * (grad_w - (w * grad_w).sum(-1, keepdims=True))
    grad_query = np.einsum("bmn,bnd->bmd", grad_s, key)
    grad_key = np.einsum("bmn,bmd->bnd", grad_s, query)
    return grad_query, grad_key, grad_value
