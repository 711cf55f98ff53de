import numpy as np

LABELS = {
    'id': 'b119',
    'op': 'bias-corrected moment estimate',
    'family': 'wrong scale',
    'wrong_lines': [8],
    'fix': {8: 'dv2 = dvh / 0.36'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(4), rng.standard_normal(4), rng.random(4) + 0.1


def forward(g, m, v):
    m2 = 0.9 * m + 0.1 * g
    v2 = 0.8 * v + 0.2 * g**2
    return (m2 / 0.19) / np.sqrt(v2 / 0.36)


def right_backward(dy, g, m, v):
    m2 = 0.9 * m + 0.1 * g
    v2 = 0.8 * v + 0.2 * g**2
    mh, vh = m2 / 0.19, v2 / 0.36
    dmh = dy / np.sqrt(vh)
    dvh = -0.5 * dy * mh * vh**-1.5
    dm2 = dmh / 0.19
    dv2 = dvh / 0.36
    return 0.1 * dm2 + 0.4 * g * dv2, 0.9 * dm2, 0.8 * dv2


def wrong_backward(dy, g, m, v):
    m2 = 0.9 * m + 0.1 * g
    v2 = 0.8 * v + 0.2 * g**2
    mh, vh = m2 / 0.19, v2 / 0.36
    dmh = dy / np.sqrt(vh)
    dvh = -0.5 * dy * mh * vh**-1.5
    dm2 = dmh / 0.19
    dv2 = dvh
    return 0.1 * dm2 + 0.4 * g * dv2, 0.9 * dm2, 0.8 * dv2
