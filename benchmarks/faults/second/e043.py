import numpy as np

LABELS = {
    'id': 'e043',
    'op': 'symmetric contrastive loss of images and texts',
    'family': 'wrong axis',
    'wrong_lines': [8],
    'fix': {8: 'd_t2i = np.exp(log_softmax(logits, 0)) - target'},
    'note': '',
    'source': 'CLIP loss (the second direction normalises the columns)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    return 0.8 * rng.standard_normal((n, 3)), 0.8 * rng.standard_normal((n, 3)), np.array([0.4]) + 0.2 * rng.random(1)


def log_softmax(z, axis):
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def forward(img, txt, log_scale):
    logits = np.exp(log_scale[0]) * img @ txt.T
    diag = np.arange(len(img))
    return -0.5 * (log_softmax(logits, 1)[diag, diag].mean() + log_softmax(logits, 0)[diag, diag].mean())


def right_backward(dloss, img, txt, log_scale):
    n = len(img)
    scale = np.exp(log_scale[0])
    sim = img @ txt.T
    logits = scale * sim
    target = np.eye(n)
    d_i2t = np.exp(log_softmax(logits, 1)) - target
    d_t2i = np.exp(log_softmax(logits, 0)) - target
    dlogits = 0.5 * dloss / n * (d_i2t + d_t2i)
    dsim = scale * dlogits
    dlog_scale = np.array([(dlogits * logits).sum()])
    return dsim @ txt, dsim.T @ img, dlog_scale


def wrong_backward(dloss, img, txt, log_scale):
    n = len(img)
    scale = np.exp(log_scale[0])
    sim = img @ txt.T
    logits = scale * sim
    target = np.eye(n)
    d_i2t = np.exp(log_softmax(logits, 1)) - target
    d_t2i = np.exp(log_softmax(logits, 1)) - target
    dlogits = 0.5 * dloss / n * (d_i2t + d_t2i)
    dsim = scale * dlogits
    dlog_scale = np.array([(dlogits * logits).sum()])
    return dsim @ txt, dsim.T @ img, dlog_scale
