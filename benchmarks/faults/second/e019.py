import numpy as np

LABELS = {
    'id': 'e019',
    'op': 'LSTM with peephole connections through time',
    'family': 'off by one',
    'wrong_lines': [28],
    'fix': {28: 'dpeep[2] += dao * cs[t + 1]'},
    'note': '',
    'source': 'Gers & Schmidhuber peepholes (the output gate looks at the new cell)',
}


def sig(x):
    return 1 / (1 + np.exp(-x))


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    H, D, T = 2, 3, 4
    return rng.standard_normal((T, D)), 0.6 * rng.standard_normal((4 * H, D + H)), rng.standard_normal((3, H))


def forward(x, W, peep):
    H = peep.shape[1]
    h, c = np.zeros(H), np.zeros(H)
    out = []
    for xt in x:
        a = W @ np.concatenate([xt, h])
        i, f = sig(a[:H] + peep[0] * c), sig(a[H : 2 * H] + peep[1] * c)
        c = f * c + i * np.tanh(a[2 * H : 3 * H])
        h = sig(a[3 * H :] + peep[2] * c) * np.tanh(c)
        out.append(h)
    return np.array(out)


def right_backward(dout, x, W, peep):
    T, D = x.shape
    H = peep.shape[1]
    hs, cs, gates = [np.zeros(H)], [np.zeros(H)], []
    for xt in x:
        a = W @ np.concatenate([xt, hs[-1]])
        i, f = sig(a[:H] + peep[0] * cs[-1]), sig(a[H : 2 * H] + peep[1] * cs[-1])
        g = np.tanh(a[2 * H : 3 * H])
        c = f * cs[-1] + i * g
        o = sig(a[3 * H :] + peep[2] * c)
        gates.append((i, f, g, o))
        cs.append(c)
        hs.append(o * np.tanh(c))

    dx, dW, dpeep = np.zeros_like(x), np.zeros_like(W), np.zeros_like(peep)
    dh_next, dc_next = np.zeros(H), np.zeros(H)
    for t in range(T - 1, -1, -1):
        i, f, g, o = gates[t]
        dh = dout[t] + dh_next
        tc = np.tanh(cs[t + 1])
        dao = dh * tc * o * (1 - o)
        dc = dc_next + dh * o * (1 - tc**2) + dao * peep[2]
        dai = dc * g * i * (1 - i)
        daf = dc * cs[t] * f * (1 - f)
        dag = dc * i * (1 - g**2)
        dpeep[0] += dai * cs[t]
        dpeep[1] += daf * cs[t]
        dpeep[2] += dao * cs[t + 1]
        da = np.concatenate([dai, daf, dag, dao])
        dW += np.outer(da, np.concatenate([x[t], hs[t]]))
        dxh = W.T @ da
        dx[t], dh_next = dxh[:D], dxh[D:]
        dc_next = dc * f + dai * peep[0] + daf * peep[1]
    return dx, dW, dpeep


def wrong_backward(dout, x, W, peep):
    T, D = x.shape
    H = peep.shape[1]
    hs, cs, gates = [np.zeros(H)], [np.zeros(H)], []
    for xt in x:
        a = W @ np.concatenate([xt, hs[-1]])
        i, f = sig(a[:H] + peep[0] * cs[-1]), sig(a[H : 2 * H] + peep[1] * cs[-1])
        g = np.tanh(a[2 * H : 3 * H])
        c = f * cs[-1] + i * g
        o = sig(a[3 * H :] + peep[2] * c)
        gates.append((i, f, g, o))
        cs.append(c)
        hs.append(o * np.tanh(c))

    dx, dW, dpeep = np.zeros_like(x), np.zeros_like(W), np.zeros_like(peep)
    dh_next, dc_next = np.zeros(H), np.zeros(H)
    for t in range(T - 1, -1, -1):
        i, f, g, o = gates[t]
        dh = dout[t] + dh_next
        tc = np.tanh(cs[t + 1])
        dao = dh * tc * o * (1 - o)
        dc = dc_next + dh * o * (1 - tc**2) + dao * peep[2]
        dai = dc * g * i * (1 - i)
        daf = dc * cs[t] * f * (1 - f)
        dag = dc * i * (1 - g**2)
        dpeep[0] += dai * cs[t]
        dpeep[1] += daf * cs[t]
        dpeep[2] += dao * cs[t]
        da = np.concatenate([dai, daf, dag, dao])
        dW += np.outer(da, np.concatenate([x[t], hs[t]]))
        dxh = W.T @ da
        dx[t], dh_next = dxh[:D], dxh[D:]
        dc_next = dc * f + dai * peep[0] + daf * peep[1]
    return dx, dW, dpeep
