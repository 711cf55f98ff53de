import numpy as np

LABELS = {
    'id': 'e025',
    'op': 'additive angular margin loss (ArcFace)',
    'family': 'sign',
    'wrong_lines': [14],
    'fix': {14: 'dcos[rows, label] *= np.cos(m) + c / sine * np.sin(m)'},
    'note': '',
    'source': 'cos(θ + m) expanded with the addition theorem',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    return 0.7 * np.tanh(rng.standard_normal((n, 4))), rng.integers(0, 4, n)


def forward(cosine, label):
    m, s = 0.5, 4.0
    rows = np.arange(len(label))
    c = cosine[rows, label]
    logits = s * cosine
    logits[rows, label] = s * (c * np.cos(m) - np.sqrt(1 - c * c) * np.sin(m))
    lse = np.log(np.exp(logits).sum(axis=1))
    return np.mean(lse - logits[rows, label])


def right_backward(dloss, cosine, label):
    m, s = 0.5, 4.0
    n = len(label)
    rows = np.arange(n)
    c = cosine[rows, label]
    sine = np.sqrt(1 - c * c)
    logits = s * cosine
    logits[rows, label] = s * (c * np.cos(m) - sine * np.sin(m))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p[rows, label] -= 1
    dlogits = dloss * p / n
    dcos = s * dlogits
    # chain rule of the margin on the target column
    dcos[rows, label] *= np.cos(m) + c / sine * np.sin(m)
    return dcos, None


def wrong_backward(dloss, cosine, label):
    m, s = 0.5, 4.0
    n = len(label)
    rows = np.arange(n)
    c = cosine[rows, label]
    sine = np.sqrt(1 - c * c)
    logits = s * cosine
    logits[rows, label] = s * (c * np.cos(m) - sine * np.sin(m))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p[rows, label] -= 1
    dlogits = dloss * p / n
    dcos = s * dlogits
    # chain rule of the margin on the target column
    dcos[rows, label] *= np.cos(m) - c / sine * np.sin(m)
    return dcos, None
