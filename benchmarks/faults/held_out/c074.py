import numpy as np

LABELS = {
    'id': 'c074',
    'op': 'Kalman filter, one step',
    'family': 'transposed',
    'wrong_lines': [19],
    'fix': {19: 'dP = F.T @ dPp @ F'},
    'note': '',
    'source': 'state-space tutorials (F P Fᵀ differentiated as if it were its own adjoint)',
}


H = np.array([1.0, 0.5, -0.3])


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((3, 4))
    return rng.standard_normal(3), a @ a.T, np.eye(3) + 0.3 * rng.standard_normal((3, 3)), rng.standard_normal(1)


def forward(m, P, F, z):
    mp = F @ m
    Pp = F @ P @ F.T + 0.1 * np.eye(3)
    K = Pp @ H / (H @ Pp @ H + 0.5)
    return mp + K * (z - H @ mp)


def right_backward(g, m, P, F, z):
    # forward quantities
    mp = F @ m
    Pp = F @ P @ F.T + 0.1 * np.eye(3)
    PH = Pp @ H
    s = H @ PH + 0.5
    K = PH / s
    innovation = z - H @ mp
    # update
    dK = g * innovation
    dinn = g @ K
    dz = np.array([dinn])
    dmp = g - dinn * H
    dPH = dK / s
    ds = -(dK @ PH) / s**2
    dPH = dPH + ds * H
    dPp = np.outer(dPH, H)
    # prediction
    dP = F.T @ dPp @ F
    dF = dPp @ F @ P.T + dPp.T @ F @ P + np.outer(dmp, m)
    dm = F.T @ dmp
    return dm, dP, dF, dz


def wrong_backward(g, m, P, F, z):
    # forward quantities
    mp = F @ m
    Pp = F @ P @ F.T + 0.1 * np.eye(3)
    PH = Pp @ H
    s = H @ PH + 0.5
    K = PH / s
    innovation = z - H @ mp
    # update
    dK = g * innovation
    dinn = g @ K
    dz = np.array([dinn])
    dmp = g - dinn * H
    dPH = dK / s
    ds = -(dK @ PH) / s**2
    dPH = dPH + ds * H
    dPp = np.outer(dPH, H)
    # prediction
    dP = F @ dPp @ F.T
    dF = dPp @ F @ P.T + dPp.T @ F @ P + np.outer(dmp, m)
    dm = F.T @ dmp
    return dm, dP, dF, dz
