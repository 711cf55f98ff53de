import numpy as np

LABELS = {
    'id': 'c030',
    'op': 'Runge-Kutta step of the Lotka-Volterra equations',
    'family': 'wrong factor',
    'wrong_lines': [16],
    'fix': {16: 'g2 = g2 + DT / 2 * gy3'},
    'note': '',
    'source': 'discrete adjoints of ODE solvers (dt in place of dt/2 at a middle stage)',
}


DT = 0.4


def rate(y, a):
    prey, pred = y
    return np.array([a[0] * prey - a[1] * prey * pred, a[2] * prey * pred - a[3] * pred])


def rate_vjp(y, a, v):
    prey, pred = y
    gy = np.array([v[0] * (a[0] - a[1] * pred) + v[1] * a[2] * pred, -v[0] * a[1] * prey + v[1] * (a[2] * prey - a[3])])
    meet = prey * pred
    ga = np.array([np.sum(v[0] * prey), -np.sum(v[0] * meet), np.sum(v[1] * meet), -np.sum(v[1] * pred)])
    return gy, ga


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 0.5 + rng.random((2, 3)), 0.5 + rng.random(4)


def forward(y, a):
    k1 = rate(y, a)
    k2 = rate(y + DT / 2 * k1, a)
    k3 = rate(y + DT / 2 * k2, a)
    k4 = rate(y + DT * k3, a)
    return y + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def right_backward(lam, y, a):
    # stages of the forward pass
    k1 = rate(y, a)
    y2 = y + DT / 2 * k1
    k2 = rate(y2, a)
    y3 = y + DT / 2 * k2
    k3 = rate(y3, a)
    y4 = y + DT * k3
    # adjoint of the weighted sum
    g1, g4 = DT / 6 * lam, DT / 6 * lam
    g2, g3 = DT / 3 * lam, DT / 3 * lam
    # stages in reverse order
    gy4, ga4 = rate_vjp(y4, a, g4)
    g3 = g3 + DT * gy4
    gy3, ga3 = rate_vjp(y3, a, g3)
    g2 = g2 + DT / 2 * gy3
    gy2, ga2 = rate_vjp(y2, a, g2)
    g1 = g1 + DT / 2 * gy2
    gy1, ga1 = rate_vjp(y, a, g1)
    gy = lam + gy1 + gy2 + gy3 + gy4
    ga = ga1 + ga2 + ga3 + ga4
    return gy, ga


def wrong_backward(lam, y, a):
    # stages of the forward pass
    k1 = rate(y, a)
    y2 = y + DT / 2 * k1
    k2 = rate(y2, a)
    y3 = y + DT / 2 * k2
    k3 = rate(y3, a)
    y4 = y + DT * k3
    # adjoint of the weighted sum
    g1, g4 = DT / 6 * lam, DT / 6 * lam
    g2, g3 = DT / 3 * lam, DT / 3 * lam
    # stages in reverse order
    gy4, ga4 = rate_vjp(y4, a, g4)
    g3 = g3 + DT * gy4
    gy3, ga3 = rate_vjp(y3, a, g3)
    g2 = g2 + DT * gy3
    gy2, ga2 = rate_vjp(y2, a, g2)
    g1 = g1 + DT / 2 * gy2
    gy1, ga1 = rate_vjp(y, a, g1)
    gy = lam + gy1 + gy2 + gy3 + gy4
    ga = ga1 + ga2 + ga3 + ga4
    return gy, ga
