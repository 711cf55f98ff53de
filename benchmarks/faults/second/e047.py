import numpy as np

LABELS = {
    'id': 'e047',
    'op': 'count sketch with signs kept as bits',
    'family': 'dtype or integer division',
    'wrong_lines': [2],
    'fix': {2: 'sign = 1 - 2 * neg.astype(np.int8)'},
    'note': '',
    'source': 'signed feature hashing, unsigned bytes wrap around',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 7 + seed % 2
    neg = rng.integers(0, 2, n).astype(np.uint8)
    neg[0] = 1
    return rng.standard_normal((2, n)), rng.standard_normal(4), rng.integers(0, 4, n), neg


def forward(x, scale, bucket, neg):
    signed = np.where(neg == 1, -x, x)
    out = np.zeros((len(x), len(scale)))
    for i, b in enumerate(bucket):
        out[:, b] += signed[:, i]
    return out * scale


def right_backward(dout, x, scale, bucket, neg):
    sign = 1 - 2 * neg.astype(np.int8)
    sketch = np.zeros_like(dout)
    for i, b in enumerate(bucket):
        sketch[:, b] += np.where(neg[i], -x[:, i], x[:, i])
    dscale = (dout * sketch).sum(axis=0)
    dsketch = dout * scale
    dx = dsketch[:, bucket] * sign
    return dx, dscale, None, None


def wrong_backward(dout, x, scale, bucket, neg):
    sign = 1 - 2 * neg
    sketch = np.zeros_like(dout)
    for i, b in enumerate(bucket):
        sketch[:, b] += np.where(neg[i], -x[:, i], x[:, i])
    dscale = (dout * sketch).sum(axis=0)
    dsketch = dout * scale
    dx = dsketch[:, bucket] * sign
    return dx, dscale, None, None
