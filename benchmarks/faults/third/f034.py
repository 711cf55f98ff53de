import numpy as np

LABELS = {
    'id': 'f034',
    'op': 'Black-Scholes price of a call',
    'family': 'wrong variable',
    'wrong_lines': [9],
    'fix': {9: 'dual_delta = -disc * N2'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


from math import erf


cdf = np.vectorize(lambda t: 0.5 * (1 + erf(t / 2 ** 0.5)))


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    u = rng.uniform
    return u(0.8, 1.2, n), u(0.8, 1.2, n), u(0.5, 2, n), u(0.2, 0.6, n), u(0.02, 0.3, n)


def forward(S, K, T, vol, r):
    sq = vol * np.sqrt(T)
    d1 = (np.log(S / K) + (r + vol ** 2 / 2) * T) / sq
    return S * cdf(d1) - K * np.exp(-r * T) * cdf(d1 - sq)


def right_backward(dprice, S, K, T, vol, r):
    rootT = np.sqrt(T)
    d1 = (np.log(S / K) + (r + vol ** 2 / 2) * T) / (vol * rootT)
    d2 = d1 - vol * rootT
    N1, N2 = cdf(d1), cdf(d2)
    pdf = np.exp(-d1 ** 2 / 2) / np.sqrt(2 * np.pi)
    disc = np.exp(-r * T)
    delta = N1
    dual_delta = -disc * N2
    vega = S * pdf * rootT
    theta = S * pdf * vol / (2 * rootT) + r * K * disc * N2
    rho = K * T * disc * N2
    return dprice * delta, dprice * dual_delta, dprice * theta, dprice * vega, dprice * rho


def wrong_backward(dprice, S, K, T, vol, r):
    rootT = np.sqrt(T)
    d1 = (np.log(S / K) + (r + vol ** 2 / 2) * T) / (vol * rootT)
    d2 = d1 - vol * rootT
    N1, N2 = cdf(d1), cdf(d2)
    pdf = np.exp(-d1 ** 2 / 2) / np.sqrt(2 * np.pi)
    disc = np.exp(-r * T)
    delta = N1
    dual_delta = -disc * N1
    vega = S * pdf * rootT
    theta = S * pdf * vol / (2 * rootT) + r * K * disc * N2
    rho = K * T * disc * N2
    return dprice * delta, dprice * dual_delta, dprice * theta, dprice * vega, dprice * rho
