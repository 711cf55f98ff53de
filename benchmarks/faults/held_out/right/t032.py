import numpy as np

LABELS = {
    'id': 't032',
    'op': 'mean squared error of counts stored as uint8',
    'family': 'integer inputs',
    'note': 'labels would wrap around if they were subtracted as uint8',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 200 * rng.random((4, 5)), rng.integers(0, 255, (4, 5)).astype(np.uint8)


def forward(pred, target):
    return float(np.mean((pred - target.astype(float)) ** 2))


def right_backward(g, pred, target):
    return g * 2 * (pred - target.astype(float)) / pred.size, None
