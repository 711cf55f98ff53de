import numpy as np

LABELS = {
    'id': 'f023',
    'op': 'symplectic Euler steps of pendulums with learned stiffness',
    'family': 'sign',
    'wrong_lines': [12],
    'fix': {12: 'g_theta = g_theta - DT * k * np.cos(th) * g_omega'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


STEPS, DT = 6, 0.3


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return rng.standard_normal(n), rng.standard_normal(n), rng.uniform(0.5, 2.0, n)


def forward(theta, omega, k):
    for _ in range(STEPS):
        omega = omega - DT * k * np.sin(theta)
        theta = theta + DT * omega
    return np.stack([theta, omega])


def right_backward(grad, theta, omega, k):
    thetas = []
    for _ in range(STEPS):
        thetas.append(theta)
        omega = omega - DT * k * np.sin(theta)
        theta = theta + DT * omega
    g_theta, g_omega = grad[0].copy(), grad[1].copy()
    g_k = np.zeros_like(k)
    for th in reversed(thetas):
        g_omega = g_omega + DT * g_theta
        g_k -= DT * np.sin(th) * g_omega
        g_theta = g_theta - DT * k * np.cos(th) * g_omega
    return g_theta, g_omega, g_k


def wrong_backward(grad, theta, omega, k):
    thetas = []
    for _ in range(STEPS):
        thetas.append(theta)
        omega = omega - DT * k * np.sin(theta)
        theta = theta + DT * omega
    g_theta, g_omega = grad[0].copy(), grad[1].copy()
    g_k = np.zeros_like(k)
    for th in reversed(thetas):
        g_omega = g_omega + DT * g_theta
        g_k -= DT * np.sin(th) * g_omega
        g_theta = g_theta + DT * k * np.cos(th) * g_omega
    return g_theta, g_omega, g_k
