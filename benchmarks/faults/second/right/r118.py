import numpy as np

LABELS = {
    'id': 'r118',
    'op': 'gain in decibel of a resonant circuit, complex numbers inside',
    'family': 'complex intermediates',
    'note': 'sharp resonance, real gradients by Wirtinger calculus',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.array([0.02, 1.0, 1.0]) + 0.01 * rng.random(3), 1 + 0.03 * rng.standard_normal(4)


def forward(rlc, omega):
    R, L, C = rlc
    Z = R + 1j * (omega * L - 1 / (omega * C))
    return -20 * np.log10(np.abs(Z))


def right_backward(d, rlc, omega):
    R, L, C = rlc
    Z = R + 1j * (omega * L - 1 / (omega * C))
    gZ = -20 / np.log(10) * d / Z
    dR = gZ.real.sum()
    dL = (gZ * 1j * omega).real.sum()
    dC = (gZ * 1j / (omega * C**2)).real.sum()
    dw = (gZ * 1j * (L + 1 / (omega**2 * C))).real
    return np.array([dR, dL, dC]), dw


STEP = lambda x: np.full(x.shape, 2e-3)
