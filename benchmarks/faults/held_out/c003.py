import numpy as np

LABELS = {
    'id': 'c003',
    'op': 'LSTM cell, one step',
    'family': 'wrong factor',
    'wrong_lines': [6],
    'fix': {6: 'df = dc * c_prev * f * (1 - f)'},
    'note': '',
    'source': 'CaptainE/RNN-LSTM-in-numpy#1 (no derivative of the sigmoid at the forget gate)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal((3, 4)) for _ in range(5))


def forward(c_prev, a_f, a_i, a_g, a_o):
    sig = lambda a: 1.0 / (1.0 + np.exp(-a))
    c = sig(a_f) * c_prev + sig(a_i) * np.tanh(a_g)
    return sig(a_o) * np.tanh(c)


def right_backward(dh, c_prev, a_f, a_i, a_g, a_o):
    sig = lambda a: 1.0 / (1.0 + np.exp(-a))
    f, i, g, o = sig(a_f), sig(a_i), np.tanh(a_g), sig(a_o)
    c = f * c_prev + i * g
    dc = dh * o * (1 - np.tanh(c) ** 2)
    df = dc * c_prev * f * (1 - f)
    di = dc * g * i * (1 - i)
    dg = dc * i * (1 - g**2)
    do = dh * np.tanh(c) * o * (1 - o)
    dc_prev = dc * f
    return dc_prev, df, di, dg, do


def wrong_backward(dh, c_prev, a_f, a_i, a_g, a_o):
    sig = lambda a: 1.0 / (1.0 + np.exp(-a))
    f, i, g, o = sig(a_f), sig(a_i), np.tanh(a_g), sig(a_o)
    c = f * c_prev + i * g
    dc = dh * o * (1 - np.tanh(c) ** 2)
    df = dc * c_prev
    di = dc * g * i * (1 - i)
    dg = dc * i * (1 - g**2)
    do = dh * np.tanh(c) * o * (1 - o)
    dc_prev = dc * f
    return dc_prev, df, di, dg, do
