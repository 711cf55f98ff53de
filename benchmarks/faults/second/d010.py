import numpy as np

LABELS = {
    'id': 'd010',
    'op': 'Gram matrix style loss between two feature maps',
    'family': 'wrong factor',
    'wrong_lines': [7, 8],
    'fix': {7: 'df = 2 * dgram @ f / f.size', 8: 'ds = -2 * dgram @ s / s.size'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    c = int(rng.integers(2, 5))
    return rng.standard_normal((c, 3, 2)), rng.standard_normal((c, 3, 2))


def forward(feat, style):
    f, s = feat.reshape(len(feat), -1), style.reshape(len(style), -1)
    return np.sum((f @ f.T / f.size - s @ s.T / s.size) ** 2)


def right_backward(grad, feat, style):
    f = feat.reshape(feat.shape[0], -1)
    s = style.reshape(style.shape[0], -1)
    gram_f = f @ f.T / f.size
    gram_s = s @ s.T / s.size
    dgram = 2 * grad * (gram_f - gram_s)
    df = 2 * dgram @ f / f.size
    ds = -2 * dgram @ s / s.size
    return df.reshape(feat.shape), ds.reshape(style.shape)


def wrong_backward(grad, feat, style):
    f = feat.reshape(feat.shape[0], -1)
    s = style.reshape(style.shape[0], -1)
    gram_f = f @ f.T / f.size
    gram_s = s @ s.T / s.size
    dgram = 2 * grad * (gram_f - gram_s)
    df = dgram @ f / f.size
    ds = -dgram @ s / s.size
    return df.reshape(feat.shape), ds.reshape(style.shape)
