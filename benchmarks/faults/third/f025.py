import numpy as np

LABELS = {
    'id': 'f025',
    'op': 'clipped value loss of PPO',
    'family': 'wrong mask/branch',
    'wrong_lines': [6],
    'fix': {6: 'plain = e ** 2 >= ec ** 2'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


CLIP = 0.3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(9, 14))
    old = rng.standard_normal(n)
    return old + 0.5 * rng.standard_normal(n), old, old + rng.standard_normal(n)


def forward(v, old, ret):
    vc = old + np.clip(v - old, -CLIP, CLIP)
    return 0.5 * np.maximum((v - ret) ** 2, (vc - ret) ** 2)


def right_backward(dout, v, old, ret):
    delta = v - old
    inside = np.abs(delta) < CLIP
    vc = old + np.clip(delta, -CLIP, CLIP)
    e, ec = v - ret, vc - ret
    plain = e ** 2 >= ec ** 2
    de = dout * np.where(plain, e, 0)
    dec = dout * np.where(plain, 0, ec)
    dv = de + dec * inside
    dold = dec * ~inside
    dret = -de - dec
    return dv, dold, dret


def wrong_backward(dout, v, old, ret):
    delta = v - old
    inside = np.abs(delta) < CLIP
    vc = old + np.clip(delta, -CLIP, CLIP)
    e, ec = v - ret, vc - ret
    plain = e ** 2 <= ec ** 2
    de = dout * np.where(plain, e, 0)
    dec = dout * np.where(plain, 0, ec)
    dv = de + dec * inside
    dold = dec * ~inside
    dret = -de - dec
    return dv, dold, dret
