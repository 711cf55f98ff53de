import numpy as np

LABELS = {
    'id': 'b039',
    'op': 'Kalman update of a scalar state',
    'family': 'wrong variable',
    'wrong_lines': [5],
    'fix': {5: 'd_var = d_gain * noise / total**2'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(4), rng.random(4) + 0.2, rng.standard_normal(4), rng.random(4) + 0.3


def forward(mean, var, obs, noise):
    gain = var / (var + noise)
    return mean + gain * (obs - mean)


def right_backward(g, mean, var, obs, noise):
    total = var + noise
    gain = var / total
    d_gain = g * (obs - mean)
    d_var = d_gain * noise / total**2
    d_noise = -d_gain * var / total**2
    return g * (1 - gain), d_var, g * gain, d_noise


def wrong_backward(g, mean, var, obs, noise):
    total = var + noise
    gain = var / total
    d_gain = g * (obs - mean)
    d_var = d_gain * var / total**2
    d_noise = -d_gain * var / total**2
    return g * (1 - gain), d_var, g * gain, d_noise
