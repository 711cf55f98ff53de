import numpy as np

LABELS = {
    'id': 'e031',
    'op': 'spline layer of a Kolmogorov-Arnold network with a SiLU base',
    'family': 'wrong scale',
    'wrong_lines': [9],
    'fix': {9: 'dx = np.sum(dB * basis_slope(t), axis=-1) * h'},
    'note': '',
    'source': 'KAN: derivative of cubic B-splines on a uniform grid',
}


GRID = np.linspace(-2.5, 2.5, 6)


def basis(t):
    a = np.abs(t)
    return np.where(a < 1, 2 / 3 - a**2 + a**3 / 2, np.where(a < 2, (2 - a) ** 3 / 6, 0.0))


def basis_slope(t):
    a = np.abs(t)
    return np.sign(t) * np.where(a < 1, -2 * a + 1.5 * a**2, np.where(a < 2, -((2 - a) ** 2) / 2, 0.0))


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2 + seed % 2, 3)), rng.standard_normal((3, 2, len(GRID))), rng.standard_normal((3, 2))


def forward(x, coef, base):
    h = 2.0
    B = basis((x[:, :, None] - GRID) * h)
    silu = x / (1 + np.exp(-x))
    return np.einsum("nig,iog->no", B, coef) + silu @ base


def right_backward(dy, x, coef, base):
    h = 2.0
    t = (x[:, :, None] - GRID) * h
    dcoef = np.einsum("no,nig->iog", dy, basis(t))
    sig = 1 / (1 + np.exp(-x))
    dbase = (x * sig).T @ dy
    # through the splines
    dB = np.einsum("no,iog->nig", dy, coef)
    dx = np.sum(dB * basis_slope(t), axis=-1) * h
    # through the base function
    dx += (dy @ base.T) * sig * (1 + x * (1 - sig))
    return dx, dcoef, dbase


def wrong_backward(dy, x, coef, base):
    h = 2.0
    t = (x[:, :, None] - GRID) * h
    dcoef = np.einsum("no,nig->iog", dy, basis(t))
    sig = 1 / (1 + np.exp(-x))
    dbase = (x * sig).T @ dy
    # through the splines
    dB = np.einsum("no,iog->nig", dy, coef)
    dx = np.sum(dB * basis_slope(t), axis=-1)
    # through the base function
    dx += (dy @ base.T) * sig * (1 + x * (1 - sig))
    return dx, dcoef, dbase
