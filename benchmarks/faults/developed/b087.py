import numpy as np

LABELS = {
    'id': 'b087',
    'op': 'bilinear sampling of an image',
    'family': 'not accumulated',
    'wrong_lines': [7],
    'fix': {7: 'np.add.at(dimg, (i + 1, j), g * a * (1 - b))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 5)), np.array([[0.3, 1.2], [0.6, 1.7], [2.4, 3.1], [0.8, 1.4]]) + 0.05 * rng.random((4, 2))


def forward(img, pos):
    i, j = np.floor(pos).astype(int).T
    a, b = (pos - np.floor(pos)).T
    return (1 - a) * ((1 - b) * img[i, j] + b * img[i, j + 1]) + a * ((1 - b) * img[i + 1, j] + b * img[i + 1, j + 1])


def right_backward(g, img, pos):
    i, j = np.floor(pos).astype(int).T
    a, b = (pos - np.floor(pos)).T
    dimg = np.zeros_like(img)
    np.add.at(dimg, (i, j), g * (1 - a) * (1 - b))
    np.add.at(dimg, (i, j + 1), g * (1 - a) * b)
    np.add.at(dimg, (i + 1, j), g * a * (1 - b))
    np.add.at(dimg, (i + 1, j + 1), g * a * b)
    da = (1 - b) * (img[i + 1, j] - img[i, j]) + b * (img[i + 1, j + 1] - img[i, j + 1])
    db = (1 - a) * (img[i, j + 1] - img[i, j]) + a * (img[i + 1, j + 1] - img[i + 1, j])
    return dimg, np.stack([g * da, g * db], axis=1)


def wrong_backward(g, img, pos):
    i, j = np.floor(pos).astype(int).T
    a, b = (pos - np.floor(pos)).T
    dimg = np.zeros_like(img)
    np.add.at(dimg, (i, j), g * (1 - a) * (1 - b))
    np.add.at(dimg, (i, j + 1), g * (1 - a) * b)
    dimg[i + 1, j] += g * a * (1 - b)
    np.add.at(dimg, (i + 1, j + 1), g * a * b)
    da = (1 - b) * (img[i + 1, j] - img[i, j]) + b * (img[i + 1, j + 1] - img[i, j + 1])
    db = (1 - a) * (img[i, j + 1] - img[i, j]) + a * (img[i + 1, j + 1] - img[i + 1, j])
    return dimg, np.stack([g * da, g * db], axis=1)
