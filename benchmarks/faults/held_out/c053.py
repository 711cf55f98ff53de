import numpy as np

LABELS = {
    'id': 'c053',
    'op': 'bilinear sampling of an image at given points',
    'family': 'wrong variable',
    'wrong_lines': [6, 7],
    'fix': {6: 'np.add.at(dimg, (y0, x0 + 1), g * (1 - fy) * fx)', 7: 'np.add.at(dimg, (y0 + 1, x0), g * fy * (1 - fx))'},
    'note': 'two lines',
    'source': 'spatial transformer code (weights of the corners exchanged)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 6)), rng.uniform(0.1, 2.9, 5), rng.uniform(0.1, 4.9, 5)


def forward(img, ys, xs):
    y0, x0 = np.floor(ys).astype(int), np.floor(xs).astype(int)
    fy, fx = ys - y0, xs - x0
    top = img[y0, x0] * (1 - fx) + img[y0, x0 + 1] * fx
    low = img[y0 + 1, x0] * (1 - fx) + img[y0 + 1, x0 + 1] * fx
    return top * (1 - fy) + low * fy


def right_backward(g, img, ys, xs):
    y0, x0 = np.floor(ys).astype(int), np.floor(xs).astype(int)
    fy, fx = ys - y0, xs - x0
    dimg = np.zeros_like(img)
    np.add.at(dimg, (y0, x0), g * (1 - fy) * (1 - fx))
    np.add.at(dimg, (y0, x0 + 1), g * (1 - fy) * fx)
    np.add.at(dimg, (y0 + 1, x0), g * fy * (1 - fx))
    np.add.at(dimg, (y0 + 1, x0 + 1), g * fy * fx)
    a, b = img[y0, x0], img[y0, x0 + 1]
    c, d = img[y0 + 1, x0], img[y0 + 1, x0 + 1]
    dy = g * ((c - a) * (1 - fx) + (d - b) * fx)
    dx = g * ((b - a) * (1 - fy) + (d - c) * fy)
    return dimg, dy, dx


def wrong_backward(g, img, ys, xs):
    y0, x0 = np.floor(ys).astype(int), np.floor(xs).astype(int)
    fy, fx = ys - y0, xs - x0
    dimg = np.zeros_like(img)
    np.add.at(dimg, (y0, x0), g * (1 - fy) * (1 - fx))
    np.add.at(dimg, (y0, x0 + 1), g * fy * (1 - fx))
    np.add.at(dimg, (y0 + 1, x0), g * (1 - fy) * fx)
    np.add.at(dimg, (y0 + 1, x0 + 1), g * fy * fx)
    a, b = img[y0, x0], img[y0, x0 + 1]
    c, d = img[y0 + 1, x0], img[y0 + 1, x0 + 1]
    dy = g * ((c - a) * (1 - fx) + (d - b) * fx)
    dx = g * ((b - a) * (1 - fy) + (d - c) * fy)
    return dimg, dy, dx
