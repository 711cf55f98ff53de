import numpy as np

LABELS = {
    'id': 'e011',
    'op': 'batch norm in evaluation mode, with gradients of the running statistics',
    'family': 'eps placement',
    'wrong_lines': [3],
    'fix': {3: 'inv = 1.0 / np.sqrt(running_var + 1e-3)'},
    'note': '',
    'source': 'folding batch norm for fine-tuning',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    c = 3
    return (
        0.1 * rng.standard_normal((2, c, 2, 2)), rng.standard_normal(c), rng.standard_normal(c),
        0.1 * rng.standard_normal(c), 0.004 * (0.2 + rng.random(c)),
    )


def forward(x, weight, bias, running_mean, running_var):
    s = (None, slice(None), None, None)
    return (x - running_mean[s]) / np.sqrt(running_var[s] + 1e-3) * weight[s] + bias[s]


def right_backward(gy, x, weight, bias, running_mean, running_var):
    s = (None, slice(None), None, None)
    inv = 1.0 / np.sqrt(running_var + 1e-3)
    xc = x - running_mean[s]
    gbias = gy.sum(axis=(0, 2, 3))
    gdot = (gy * xc).sum(axis=(0, 2, 3))
    gweight = gdot * inv
    gx = gy * (weight * inv)[s]
    gmean = -gbias * weight * inv
    gvar = -0.5 * gdot * weight * inv**3
    return gx, gweight, gbias, gmean, gvar


def wrong_backward(gy, x, weight, bias, running_mean, running_var):
    s = (None, slice(None), None, None)
    inv = 1.0 / (np.sqrt(running_var) + 1e-3)
    xc = x - running_mean[s]
    gbias = gy.sum(axis=(0, 2, 3))
    gdot = (gy * xc).sum(axis=(0, 2, 3))
    gweight = gdot * inv
    gx = gy * (weight * inv)[s]
    gmean = -gbias * weight * inv
    gvar = -0.5 * gdot * weight * inv**3
    return gx, gweight, gbias, gmean, gvar
