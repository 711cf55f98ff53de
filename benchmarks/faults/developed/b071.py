import numpy as np

LABELS = {
    'id': 'b071',
    'op': 'mirrored copy added (augmentation)',
    'family': 'not flipped',
    'wrong_lines': [4],
    'fix': {4: 'd_img = g + weighted[:, :, ::-1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, 5)), rng.standard_normal(3)


def forward(img, scale):
    return img + scale[:, None] * img[:, :, ::-1]


def right_backward(g, img, scale):
    d_scale = np.einsum("nhw,nhw->h", g, img[:, :, ::-1])
    weighted = g * scale[:, None]
    d_img = g + weighted[:, :, ::-1]
    return d_img, d_scale


def wrong_backward(g, img, scale):
    d_scale = np.einsum("nhw,nhw->h", g, img[:, :, ::-1])
    weighted = g * scale[:, None]
    d_img = g + weighted
    return d_img, d_scale
