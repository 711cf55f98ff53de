import numpy as np

LABELS = {
    'id': 'b086',
    'op': 'overlap-add of frames',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [5],
    'fix': {5: 'insert before: piece[:] = 0'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.random(4) + 0.3


def forward(frames, window):
    y = np.zeros(2 * len(frames) + 2)
    for i, f in enumerate(frames):
        y[2 * i : 2 * i + 4] += f * window
    return y


def right_backward(dy, frames, window):
    dframes, dwindow = np.zeros_like(frames), np.zeros_like(window)
    piece = np.zeros(4)
    for i in range(len(frames)):
        piece[:] = 0
        piece += dy[2 * i : 2 * i + 4]
        dframes[i] = piece * window
        dwindow += piece * frames[i]
    return dframes, dwindow


def wrong_backward(dy, frames, window):
    dframes, dwindow = np.zeros_like(frames), np.zeros_like(window)
    piece = np.zeros(4)
    for i in range(len(frames)):
        piece += dy[2 * i : 2 * i + 4]
        dframes[i] = piece * window
        dwindow += piece * frames[i]
    return dframes, dwindow
