import numpy as np

LABELS = {
    'id': 'e005',
    'op': 'SwiGLU feed-forward block',
    'family': 'sign',
    'wrong_lines': [14],
    'fix': {14: 'dgate = dact * sig * (1 + gate * (1 - sig))'},
    'note': '',
    'source': 'LLaMA MLP written by hand (derivative of SiLU)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 4)), 0.7 * rng.standard_normal((4, 5)), 0.7 * rng.standard_normal((4, 5)), rng.standard_normal((5, 4)))


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def forward(x, w_gate, w_up, w_down):
    g = x @ w_gate
    return (g * sigmoid(g) * (x @ w_up)) @ w_down


def right_backward(dout, x, w_gate, w_up, w_down):
    # forward activations
    gate = x @ w_gate
    up = x @ w_up
    sig = sigmoid(gate)
    act = gate * sig
    hidden = act * up
    # down projection
    dw_down = hidden.T @ dout
    dhidden = dout @ w_down.T
    # gating
    dup = dhidden * act
    dact = dhidden * up
    dgate = dact * sig * (1 + gate * (1 - sig))
    # input projections
    dw_gate = x.T @ dgate
    dw_up = x.T @ dup
    dx = dgate @ w_gate.T + dup @ w_up.T
    return dx, dw_gate, dw_up, dw_down


def wrong_backward(dout, x, w_gate, w_up, w_down):
    # forward activations
    gate = x @ w_gate
    up = x @ w_up
    sig = sigmoid(gate)
    act = gate * sig
    hidden = act * up
    # down projection
    dw_down = hidden.T @ dout
    dhidden = dout @ w_down.T
    # gating
    dup = dhidden * act
    dact = dhidden * up
    dgate = dact * sig * (1 - gate * (1 - sig))
    # input projections
    dw_gate = x.T @ dgate
    dw_up = x.T @ dup
    dx = dgate @ w_gate.T + dup @ w_up.T
    return dx, dw_gate, dw_up, dw_down
