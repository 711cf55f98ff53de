# ---
# title: The full recipe: what makes the error fall?
# minutes: 70
# seconds: 45
# needs: lessons 4 and 5; lesson 9 is useful
# ---
# %% [markdown]
# # Lesson 11: The full recipe: what makes the error fall?
#
# So far a training had a rate, a momentum, a schedule of the rate and sometimes a weight decay, and the lessons asked
# you to take them as given. They decide as much as the architecture does. The same ResNet-20 ends at another error if
# the rate is not cut, or if it sees every image only as it was taken. A **recipe** is all that decides a training
# beside the net and the data: the optimiser and its numbers, the schedule of the rate, the length, and what is done to
# the images.
#
# Recipes are mostly handed on, like those of cooks, together with stories about why each ingredient is in. In this
# lesson you write the ingredients yourself, find out what each one does by an experiment that could say otherwise, and
# then take them out one by one. Some will turn out to do nothing that can be seen at this size, and you will be able to
# say why *before* you look. At the end stand the stored records of a ResNet-20 on 50,000 real images.
#
# You should know what batch norm does to the scale of weights (lesson 4) and what a sweep and a control are (lesson 5).
# Plan a little more than an hour.

# %%
import copy
import itertools
import math

import numpy as np

import minires as mr
from minires import data, models, optim
from minires import functional as F
from minires.lessons import Lesson, spread, stored
from minires.optim.lr_scheduler import LinearLR, MultiStepLR
from minires.train import RECIPES, Habits, fit, train

lesson = Lesson(11)
P = lesson.params(
    data="digits",
    seeds=3,
    rates=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    before=4,
    after=3,
    decay_steps=150,
    epochs=6,
    short=(2, 8),
    fast={
        "seeds": 1,
        "rates": (0.1, 1.0),
        "before": 1,
        "after": 1,
        "decay_steps": 20,
        "epochs": 1,
        "short": (1,),
    },
    full={
        "seeds": 5,
        "before": 5,
        "after": 3,
        "decay_steps": 600,
        "epochs": 15,
        "short": (2, 8, 30),
    },
    browser={
        "seeds": 1,
        "rates": (0.01, 0.1, 1.0),
        "before": 3,
        "after": 2,
        "decay_steps": 100,
        "epochs": 2,
        "short": (2,),
    },
)
DIGITS = data.load("digits")
NORMALISE = data.Normalise.of(DIGITS)
X, Y = NORMALISE(DIGITS.x).reshape(len(DIGITS), -1), DIGITS.y  # (1500, 64), standardised


def stack(seed, layers=6):
    """Return a small residual net of linear layers with batch norm, as in lesson 5."""
    return models.mlp_stack(layers, 64, skip="identity", norm="bn", seed=seed)


def batches(seed, size):
    """Yield batches of digits, epoch after epoch, without end."""
    loader = data.DataLoader(X, Y, batch_size=size, seed=seed, drop_last=True)
    while True:
        yield from loader


# %% [markdown]
# ## A step with momentum, by hand
#
# You met momentum in lesson 4: a part of each step is repeated in the next one. The optimiser does this with a second
# array for each weight. The **velocity** of a weight is the sum of its gradients so far, each one multiplied by the
# momentum $m$ once for every step that has passed since. In each step
#
# $$v \leftarrow m\,v + g, \qquad w \leftarrow w - \eta\,v,$$
#
# where $g$ is the gradient, $\eta$ the learning rate, and $v = 0$ at the start. With $m = 0.9$ and the gradients 1, 1,
# 1 the velocity is $1$, then $0.9 + 1 = 1.9$, then $0.9 \cdot 1.9 + 1 = 2.71$. It keeps growing, but not for ever: if
# the gradient stays 1, then $v = 1/(1 - m)$ reproduces itself. With $m = 0.9$ that is ten. In the long run every
# gradient moves the weight by $\eta/(1 - m)$ times itself, only not at once.
#
# ### Exercise 11.1: three steps
# Now $m = 0.5$, the rate is $0.1$, the weight starts at $w = 1$, and the three gradients are $2$, $2$ and $-1$.


# %% tags=["exercise"]
@lesson.exercise("11.1")
def three_steps():
    """Return (velocity, weight) after the third step."""
    # BEGIN SOLUTION
    return 0.5, 0.45
    # END SOLUTION


# %% [markdown]
# The last gradient was negative and the velocity is still positive: the weight goes on in its old direction for a
# while, and along a direction in which the gradients change sign from step to step they cancel in the velocity.
#
# ### Exercise 11.2: the whole optimiser
# Two things are missing. Weight decay adds $\lambda w$ to the gradient before anything else happens. **Nesterov
# momentum** steps along $g + m\,v$ in place of $v$, with the new velocity $v$ and the gradient $g$ that has just come
# in, so that the newest gradient counts at once.


# %% tags=["exercise"]
@lesson.exercise("11.2")
def sgd_step(w, g, v, rate, momentum, decay, nesterov):
    """Return (w, v) after a step; all three arrays have the same shape. Do not change them."""
    # BEGIN SOLUTION
    g = g + decay * w
    v = momentum * v + g
    return w - rate * (g + momentum * v if nesterov else v), v
    # END SOLUTION


# %%
def against_minires(nesterov):
    """Return by how much the weights of two optimisers differ after ten steps on digits."""
    net = stack(0)
    options = {"momentum": 0.9, "weight_decay": 0.01, "nesterov": nesterov}
    sgd = optim.SGD(net.parameters(), lr=0.1, **options)
    w = net.body[0].linear1.weight
    mine, v = w.data.copy(), np.zeros(w.shape, np.float32)
    for x, y in itertools.islice(batches(0, 128), 10):
        sgd.zero_grad()
        F.cross_entropy(net(mr.Tensor(x)), y).backward()
        mine, v = sgd_step(mine, w.grad, v, 0.1, 0.9, 0.01, nesterov)
        sgd.step()
    return float(np.abs(mine - w.data).max())


apart = {nesterov: against_minires(nesterov) for nesterov in (False, True)}
lesson.say(f"""
Beside `optim.SGD` of minires, over ten steps on the digits, your weights differ by {apart[False]:.0e} at most, and with
Nesterov momentum by {apart[True]:.0e}.
""")

# %% [markdown]
# ## Predict
# Here are the questions of the next pages. Answer before you read on.

# %%
lesson.predict(
    "momentum",
    "Training at rate 0.1 gives a training loss without momentum. At which rate does momentum 0.9 come nearest to it?",
)
lesson.predict(
    "cliff",
    "When the rate is cut to a tenth, the loss falls as from a cliff. Say a run keeps its rate, and only the *average* "
    "of the weights since that moment is evaluated. How much of the fall does this average show?",
    choices=("hardly any of it", "about half of it", "most of it, or more"),
)

# %% [markdown]
# ## Experiment 1: is momentum better?
#
# Does SGD with momentum train faster than SGD without? That should be easy to find out. The net is the residual stack of
# lesson 5 with 6 layers; it gets five epochs of digits at one rate, and we look at the mean training loss of the last
# epoch. We do it for several rates, *with and without* momentum.

# %%
EPOCH = len(X) // 128
MOMENTA = {"no momentum": 0.0, "momentum 0.9": 0.9}
SWEEP_STEPS = (2 if lesson.fast else 5) * EPOCH


def last_loss(net, sgd, steps, seed, size=128, schedule=None):
    """Train a stack; return (mean loss, % of errors) of the last epoch as it ran, inf if it diverged."""
    found = []
    stream = itertools.islice(batches(seed, size), steps)
    for step in train(net, sgd, stream, schedule=schedule):
        if step.diverged:
            return math.inf, 90.0
        found.append((step.loss, 100 * step.errors / size))
    return tuple(float(v) for v in np.mean(found[-(len(X) // size) :], axis=0))


def swept(momentum, rate, seed):
    net = stack(seed)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=momentum)
    return last_loss(net, sgd, SWEEP_STEPS, seed)[0]


sweep = {
    name: np.array([[swept(m, rate, seed) for rate in P.rates] for seed in range(P.seeds)])
    for name, m in MOMENTA.items()
}
middle = {name: np.exp(np.log(found).mean(axis=0)) for name, found in sweep.items()}
without, with_it = (middle[name] for name in MOMENTA)
best = {name: float(found.min()) for name, found in middle.items()}
best_rate = {name: P.rates[int(found.argmin())] for name, found in middle.items()}
at = P.rates.index(0.1) if 0.1 in P.rates else len(P.rates) // 2
nearest = P.rates[int(np.abs(np.log(with_it) - np.log(without[at])).argmin())]
lesson.reveal("momentum", f"{nearest:g}, among the rates that were tried", value=nearest)
gains = {"at the same rate": [], "at a tenth of the rate": []}
for i, rate in enumerate(P.rates):
    for j, other in enumerate(P.rates):
        kind = {1.0: "at the same rate", 0.1: "at a tenth of the rate"}.get(round(other / rate, 9))
        if kind and np.isfinite(without[i]) and np.isfinite(with_it[j]):
            gains[kind].append(without[i] / with_it[j])
ends = {kind: (min(found), max(found)) for kind, found in gains.items() if found}
lesson.curves(
    "momentum",
    f"At rate {P.rates[0]:g} momentum divides the loss by {without[0] / with_it[0]:.1f}; each at its best rate, by "
    f"{best['no momentum'] / best['momentum 0.9']:.1f}",
    P.rates,
    sweep,
    x="learning rate",
    y="training loss in the last epoch (nats)",
    log="xy",
    centre="geometric",
    highlight=["momentum 0.9"],
)
same, tenth = (ends.get(kind, (1, 1)) for kind in gains)
lesson.say(f"""
Both curves have nearly the same shape, and the one with momentum stands about ten times further left, for the reason you have
just computed: $1/(1 - 0.9) = 10$. At the *same* rate, the loss without momentum is from {same[0]:.2g} to {same[1]:.2g}
times that with momentum, depending on the rate you happen to take. At a tenth of the rate, it is from {tenth[0]:.2g} to
{tenth[1]:.2g} times. With each at its own best rate ({best_rate["no momentum"]:g} without,
{best_rate["momentum 0.9"]:g} with momentum), the losses are {best["no momentum"]:.3f} and {best["momentum 0.9"]:.3f}
nats.
""")

# %% [markdown]
# Whoever compares two recipes, or two nets, at *one* rate, can have nearly any result: the rate is part of what is
# compared. A fair comparison sweeps it for both, and reports the best of each. This is the habit that lessons 5 and 7
# have followed.
#
# This does not say that momentum is never worth anything beyond its factor. It says how one would find out.
#
# ## Experiment 2: why does the error fall when the rate is cut?
#
# He et al. 2015 divide the rate by ten after a half and after three quarters of the training, and at both places the
# error drops at once, as from a cliff. Why should *slower* steps make a net better so suddenly? Does it
# find a better place, or does it only stop jumping about? Start with something that can be computed.
#
# ### A noisy bowl
#
# Let the loss be $L = \frac{1}{2} a w^2$, and let each gradient come with an error, as the gradient of a batch does:
# $g = a w + \xi$, where $\xi$ has mean 0 and variance $s$. A step of SGD gives $w - \eta (a w + \xi)$. If the old $w^2$
# was $q$ on average, then the new one is $(1 - \eta a)^2 q + \eta^2 s$ on average. Where does this stand still? Set
# both equal to $q$ and solve:
#
# $$q = \frac{\eta\, s}{a\,(2 - \eta a)}, \qquad L = \frac{\eta\, s}{2\,(2 - \eta a)}.$$
#
# The **noise floor** of SGD is the loss at which the noise of the gradients pushes the weights outwards as much as the
# steps pull them inwards. It is proportional to the rate, nearly. More steps do not lower it; a smaller rate
# does, and so does less noise.


# %%
def bowl(rate, a=1.0, s=1.0, steps=200, walkers=4000):
    """Return the mean loss of many walkers in the noisy bowl after some steps."""
    rng, w = np.random.default_rng(11), np.zeros(walkers)
    for _ in range(steps):
        w -= rate * (a * w + s**0.5 * rng.standard_normal(walkers))
    return float(a * (w**2).mean() / 2)


floors = [
    {"rate": rate, "loss": bowl(rate), "theory": rate / (2 * (2 - rate))} for rate in (1.0, 0.1)
]
lesson.table([{k: f"{v:.4g}" for k, v in row.items()} for row in floors])

# %% [markdown]
# If a cut works for the reason that it works in the bowl, then *noise* is what leaves at the cliff. This can be tested,
# because the rate is not the only way to be rid of noise:
#
# - keep the rate, and let ten times as many images make each gradient, which divides $s$ by ten;
# - keep the rate *and* the batch, let the weights jump about as before, but evaluate their *average* since the moment
#   of the cut. The noise cancels in the average. Nothing about the training has changed.
#
# If the net had to move to some other, finer place to become better, the average would not get there. We train the
# stack on small batches of 15 digits, which are moved by up to one pixel, at rate 0.1 with momentum 0.9. These numbers
# were chosen so that there is plenty of noise. Then the run goes on in four ways from the same weights. The loss
# is measured on all training digits, each time with the statistics of batches of 125.

# %%
KEEP, CUT, LARGER, AVERAGE = (
    "rate kept", "rate cut to a tenth", "batch ten times as large", "rate kept, weights averaged",
)  # fmt: skip
CROPS = data.Augment(pad=1, flip="none")


def moved_batches(seed, size, epoch):
    """Yield batches of digits that are moved by up to one pixel, from an epoch on."""
    loader = data.ImageLoader(
        DIGITS, size, normalise=NORMALISE, augment=CROPS, seed=seed, drop_last=True, workers=0
    )
    for number in itertools.count(epoch):
        for x, y in loader.batches(number):
            yield x.reshape(len(x), -1), y


def measured(net):
    """Return (loss, % of errors) on all training digits, with the statistics of batches of 125."""
    with mr.no_grad():
        logits = np.concatenate([net(mr.Tensor(X[i : i + 125])).data for i in range(0, 1500, 125)])
        loss = float(F.cross_entropy(mr.Tensor(logits), Y).item())
    return loss, 100 * float((logits.argmax(axis=1) != Y).mean())


def phase(net, sgd, seed, size, first, epochs):
    """Train on; return what is measured every half epoch, of the net and of its average weights."""
    half = len(X) // size // 2
    stream = itertools.islice(moved_batches(seed, size, first), 2 * half * epochs)
    ema, found, averaged = optim.EMA(net), [], []
    for step in train(net, sgd, stream):
        ema.decay = step.index / (step.index + 1)  # so that all steps count alike
        ema.update()
        if step.index % half == half - 1:
            found.append(measured(net))
            with ema.applied():
                averaged.append(measured(net))
    return found, averaged


def new_run(seed, rate, state=None):
    """Return a net and its optimiser, at their start or as they were."""
    net = stack(seed)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    if state is not None:
        net.load_state_dict(state[0])
        sgd.load_state_dict(copy.deepcopy(state[1]))
        sgd.param_groups[0]["lr"] = rate
    return net, sgd


def four_ways(seed):
    """Return {way: (points, 2)} of losses and errors over the whole training."""
    net, sgd = new_run(seed, 0.1)
    trunk, _ = phase(net, sgd, seed, 15, 0, P.before)
    state = copy.deepcopy(net.state_dict()), sgd.state_dict()
    ends = {}
    ends[KEEP], ends[AVERAGE] = phase(*new_run(seed, 0.1, state), seed, 15, P.before, P.after)
    ends[CUT], _ = phase(*new_run(seed, 0.01, state), seed, 15, P.before, P.after)
    ends[LARGER], _ = phase(*new_run(seed, 0.1, state), seed, 150, P.before, P.after)
    return {way: np.array(trunk + end) for way, end in ends.items()}


ways = [four_ways(seed) for seed in range(P.seeds)]
losses = {
    way: np.array([found[way][:, 0] for found in ways]) for way in (KEEP, CUT, LARGER, AVERAGE)
}
wrong = {way: [float(found[way][-1, 1]) for found in ways] for way in losses}
final = {way: float(np.exp(np.log(found[:, -1]).mean())) for way, found in losses.items()}
part = math.log(final[KEEP] / final[AVERAGE]) / math.log(final[KEEP] / final[CUT])
lesson.reveal(
    "cliff",
    f"in the logarithm of the loss, the average shows {100 * part:.0f} % of the fall",
    value="hardly any of it"
    if part < 0.25
    else "about half of it"
    if part < 0.75
    else "most of it, or more",
)
lesson.curves(
    "cliff",
    f"A cut rate ends at {final[CUT]:.3f} nats, the average of uncut weights at {final[AVERAGE]:.3f}: what leaves is "
    "noise",
    np.arange(1, 2 * (P.before + P.after) + 1) / 2,
    losses,
    x="epochs",
    y="loss on the training digits (nats)",
    log="y",
    centre="geometric",
    highlight=[CUT, AVERAGE],
    marks={"cut": P.before},
)
lesson.table(
    [
        {
            "from the cut on": way,
            "loss": f"{final[way]:.3f}",
            "errors %": spread(wrong[way], "{:.2f}"),
        }
        for way in losses
    ]
)
fallen = {way: 100 * (1 - final[way] / final[KEEP]) for way in (CUT, LARGER, AVERAGE)}
lesson.say(f"""
Follow the coloured lines from the mark on. The run that kept its rate ends at {final[KEEP]:.3f} nats. The loss is lower
than that by {fallen[CUT]:.0f} % with the rate cut, by {fallen[LARGER]:.0f} % with larger batches at the old rate, and
by {fallen[AVERAGE]:.0f} % for the average of weights that were trained at the old rate with the old batches. Three ways
to take the noise out, and three falls. The weights had been jumping about a good place already.
""")

# %% [markdown]
# Smith et al. 2018 (arXiv 1711.00489) trained whole recipes with growing batches in place of a falling rate, and report
# that one can usually obtain the same learning curve. Averaging the weights is older (Polyak and Juditsky 1992);
# `optim.EMA` and the option `ema` of a recipe do it.
#
# So why not start with a small rate? Because a floor is where a run *ends*. How fast it gets there, the rate decides
# too: in a direction of curvature $a$, each step takes away only the share $\eta a$ of the way. A large rate gets
# through the flat directions, a small one then quiets the steep ones. A **schedule** of the rate says how it changes
# over a training, as a factor of the first rate that depends on the fraction of the training that is done. Two are in
# use here. *Steps* divides the rate by ten at each cut. *Linear* goes to zero in a straight line, a long soft cliff.
# Either can begin with a warm-up (lesson 4), over which the factor rises linearly from 0 to 1.
#
# ### Exercise 11.3: schedules
# `done` is the fraction of the training that is over, from 0 to 1. While it is below `warmup`, the factor is
# $\text{done}/\text{warmup}$. After that the schedule has the rest of the training for itself: let $u$ be the
# fraction of that *rest* which is over. If `cuts` is None, the factor is $1 - u$; else it is a tenth for each cut that
# $u$ has reached.


# %% tags=["exercise"]
@lesson.exercise("11.3")
def factor(done, warmup, cuts):
    """Return the factor of the rate: `cuts` is None for linear, or a list of fractions."""
    # BEGIN SOLUTION
    if done < warmup:
        return done / warmup
    u = (done - warmup) / (1 - warmup)
    return 1 - u if cuts is None else 0.1 ** sum(u >= cut for cut in cuts)
    # END SOLUTION


# %%
budget, he2015 = RECIPES["budget"], RECIPES["he2015"]
grid = np.linspace(0, 1, 201)
off = max(
    max(abs(factor(d, recipe.warmup, cuts) - recipe.factor(d)) for d in grid)
    for recipe, cuts in ((budget, None), (he2015, he2015.milestones))
)
lesson.say(f"""
The recipes `budget` (linear, with a warm-up over {100 * budget.warmup:g} % of the training) and `he2015` (cuts at
{" and ".join(f"{m:g}" for m in he2015.milestones)}) of minires have your factors; the largest difference is {off:.0e}.
""")

# %% [markdown]
# ## Experiment 3: what does weight decay do beside batch norm?
#
# The story is that weight decay keeps the weights small, so that the net stays simple and does not overfit. But behind
# a layer with batch norm the size of its weights makes no difference: that was the scale invariance of lesson 4. Half
# the weights, or ten times the weights, are the same net. How can making them smaller do anything?
#
# You have met the answer as well. The gradient of such weights is at right angles to them, so by Pythagoras each step
# makes them *longer*; and the longer they are, the less a step of the same rate turns them. The effective learning
# rate $\eta/\lVert W \rVert^2$ falls by itself. Weight decay shortens them again. So there must be a length at which
# the two are in balance. Without momentum, a step adds $\eta^2 \lVert g \rVert^2$ to $\lVert W \rVert^2$ and the decay
# takes away $2 \eta \lambda \lVert W \rVert^2$. In balance, the angle of a step is
#
# $$\frac{\eta \lVert g \rVert}{\lVert W \rVert} = \sqrt{2 \eta \lambda},$$
#
# whatever the gradient is. With momentum $m$ the same balance, if the gradients of successive steps are unrelated,
# gives $\sqrt{2 \eta \lambda / (1 + m)}$ (Kosson et al. 2023, arXiv 2305.17212, call it rotational equilibrium). So
# beside batch norm, decay is a way to set the *speed* of the weights, not their size.
#
# But it takes time. With momentum, decay alone multiplies the weights by about $1 - \eta\lambda/(1 - m)$ in each step.
#
# ### Exercise 11.4: how long does it take?
# After how many steps have weights that get no gradient decayed to a half of their length? The rate, the momentum and
# the decay are small enough for $\log(1 - z) \approx -z$.


# %% tags=["exercise"]
@lesson.exercise("11.4")
def half_life(rate, momentum, decay):
    """Return the number of steps after which decay alone has halved a weight."""
    # BEGIN SOLUTION
    return math.log(2) * (1 - momentum) / (rate * decay)
    # END SOLUTION


# %%
DECAYS = (0.0, 0.0005, 0.005, 0.05)


def decayed(decay, seed):
    """Train a stack; return the lengths of its matrices every ten steps, and the late turn per step."""
    net = stack(seed)
    inner = [layer.weight for block in net.body for layer in (block.linear1, block.linear2)]
    sgd = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=decay)

    def look():
        norms = [float(np.linalg.norm(w.data)) for w in inner]
        return norms, [w.data / n for w, n in zip(inner, norms, strict=True)]

    norms, before = look()
    lengths, turns = [np.exp(np.mean(np.log(norms)))], []
    for step in train(net, sgd, itertools.islice(batches(seed, 128), P.decay_steps)):
        norms, now = look()
        turns.append(np.mean([np.linalg.norm(a - b) for a, b in zip(now, before, strict=True)]))
        before = now
        if step.index % 10 == 9:
            lengths.append(np.exp(np.mean(np.log(norms))))
    return np.array(lengths), float(np.mean(turns[-P.decay_steps // 3 :]))


kept = {decay: [decayed(decay, seed) for seed in range(P.seeds)] for decay in DECAYS}
in_theory = {decay: math.sqrt(2 * 0.1 * decay / 1.9) for decay in DECAYS}
turn = {decay: float(np.mean([t for _, t in found])) for decay, found in kept.items()}
grown = {decay: float(np.mean([n[-1] / n[0] for n, _ in found])) for decay, found in kept.items()}
length_at_end = {decay: float(np.mean([n[-1] for n, _ in found])) for decay, found in kept.items()}
balanced = [d for d in DECAYS if d and half_life(0.1, 0.9, d) < P.decay_steps / 3]
lesson.table(
    [
        {
            "weight decay": decay,
            "half-life, steps": f"{half_life(0.1, 0.9, decay):.0f}" if decay else "-",
            "end / start of the length": f"{grown[decay]:.2f}",
            "effective rate at the end": f"{0.1 / length_at_end[decay] ** 2:.1e}",
            "turn per step": f"{turn[decay]:.4f}",
            "in balance": f"{in_theory[decay]:.4f}",
        }
        for decay in DECAYS
    ]
)
lesson.curves(
    "decay",
    f"In {P.decay_steps} steps a weight decay of 0.0005 changes the length of the weights by "
    f"{100 * abs(grown[0.0005] / grown[0.0] - 1):.0f} %, one of 0.05 by {100 * abs(grown[0.05] / grown[0.0] - 1):.0f} %",
    10 * np.arange(P.decay_steps // 10 + 1),
    {f"decay {decay:g}": np.array([n for n, _ in found]) for decay, found in kept.items()},
    x="steps",
    y="length of the weight matrices",
    highlight=["decay 0.05", "decay 0.0005"],
)
budget_run = stored.read("resnet20-budget")
lesson.say(f"""
Without decay the weights have grown to {grown[0.0]:.2f} times their length. With the decay of a usual recipe, 0.0005,
it is {grown[0.0005]:.2f} times: its half-life of {half_life(0.1, 0.9, 0.0005):.0f} steps is far longer than the run. For
the decay of 0.05, with a half-life of {half_life(0.1, 0.9, 0.05):.0f} steps, the turn per step is {turn[0.05]:.4f}, and
{in_theory[0.05]:.4f} in theory. The decays between them are not in balance: their weights are still on the way, and
since the net knows its digits by heart by then, there is little gradient left to turn them.

Now the recipes of real trainings: `he2015` has a half-life of
{half_life(he2015.lr, he2015.momentum, he2015.weight_decay):,.0f} steps, of {he2015.iterations:,} steps in all; and
`budget` has one of {half_life(budget.lr, budget.momentum, budget.weight_decay):,.0f}, of the
{budget_run.run["iterations"]:,} of a run that you will see below. There decay has the time to act. Whoever takes weight
decay out of a training of a hundred steps and sees no difference has learned nothing about weight decay.
""")

# %% [markdown]
# ## Images that were never taken
#
# **Augmentation** trains on changed copies of the images, new ones in every epoch, whose labels are still right. The
# net of 2015 saw each image with four empty pixels around it, of which a window of the old size was cut at random, and
# mirrored every second time (He et al. 2015, §4.2). Nobody tells the net that a horse remains a horse two pixels
# further left. It only never gets the chance to believe otherwise.
#
# ### Exercise 11.5: pad and crop
# Put `pad` rows and columns of zeros around an image, and return the window of the image's own size whose first row
# is `top` and whose first column is `left` of the padded image. With `top = left = pad` nothing happens.


# %% tags=["exercise"]
@lesson.exercise("11.5")
def crop(image, pad, top, left):
    """Return the window of an image (h, w), with zeros where it reaches beyond it."""
    # BEGIN SOLUTION
    h, w = image.shape
    padded = np.zeros((h + 2 * pad, w + 2 * pad))
    padded[pad : pad + h, pad : pad + w] = image
    return padded[top : top + h, left : left + w]
    # END SOLUTION


# %%
loader = data.ImageLoader(
    DIGITS, 128, normalise=NORMALISE, augment=CROPS, seed=0, shuffle=False, workers=0
)
theirs = next(iter(loader))[0][:, 0]
box = CROPS.draw(len(DIGITS), 8, 8, seed=0, epoch=0).box  # rows and columns begin at -1, 0 or 1
mine = [crop(X[i].reshape(8, 8), 1, box[i, 0] + 1, box[i, 1] + 1) for i in range(len(theirs))]
cropped = float(np.abs(np.array(mine) - theirs).max())
lesson.say(f"""
`data.ImageLoader` draws the places and cuts the windows of a batch. At the places that it drew for its first batch of
{len(theirs)} digits your function cuts the same windows; they differ by {cropped:.0e} at most.
""")

# %% [markdown]
# A crop of a digit is that digit. Is a mirrored digit that digit? A mirrored 8 is an 8, a mirrored 2 is nothing that
# anybody writes. A recipe that comes from photographs brings its mirror along, and whoever copies it trains on digits
# that do not exist. How much harm does that do? Predict it, together with the rest of the ingredients.
#
# ## Experiment 4: the recipe without one ingredient
#
# An **ablation** takes one ingredient out of something that works, and leaves all else as it is, to see what the
# ingredient was worth. Here is the whole recipe, in the form of the recipe `budget` of minires: SGD at rate 0.1 with
# Nesterov momentum 0.9 and weight decay 0.0005, a warm-up, then a straight line to zero, batches of 64, and crops by
# one pixel. It trains a ResNet-8 that has 8 filters in its first stage. That is the architecture of the paper, at its
# smallest. The test images are the last digits of the file, as in lesson 5.

# %%
CIFAR = P.data == "cifar10"
if CIFAR:
    IMAGES, TEST = data.load("cifar10").subset(10_000), data.load("cifar10", "test").subset(2_000)
    BASE = RECIPES["budget"].changed(lr=0.1, batch_size=64, epochs=P.epochs)
else:
    IMAGES, TEST = DIGITS, data.load("digits", "test")
    BASE = RECIPES["budget"].changed(
        lr=0.1, batch_size=64, epochs=P.epochs, pad=1, flip="none", warmup=0.1
    )
WHOLE, MIRROR = "the whole recipe", "without mirror images" if CIFAR else "with mirror images"
ABLATIONS = {
    WHOLE: {},
    "without momentum": {"momentum": 0.0, "nesterov": False},
    "without weight decay": {"weight_decay": 0.0},
    "with a constant rate": {"schedule": "constant"},
    "without crops": {"crop": "none"},
    MIRROR: {"flip": "none" if CIFAR else "random"},
}
if lesson.full:
    ABLATIONS |= {
        "without a warm-up": {"warmup": 0.0},
        "without Nesterov": {"nesterov": False},
        "without decay of norms": {"decay_norms": False},
    }
if lesson.fast or lesson.browser:
    ABLATIONS = {name: ABLATIONS[name] for name in (WHOLE, "with a constant rate", MIRROR)}
NEVER = Habits(eval_every=10**9, workers=0)  # evaluate at the end only

lesson.predict(
    "ablation",
    f"Which change of the recipe raises the test error of the ResNet-8 most, after {P.epochs} epochs?",
    choices=list(ABLATIONS)[1:],
)


# %%
def conv_net(seed):
    """Return a ResNet-8 with 8 filters in its first stage; 16 on CIFAR-10."""
    return models.resnet(8, width=16 if CIFAR else 8, in_channels=IMAGES.x.shape[-1], seed=seed)


runs = {
    name: [
        fit(conv_net(seed), IMAGES, TEST, BASE.changed(**changes), seed=seed, habits=NEVER)
        for seed in range(P.seeds)
    ]
    for name, changes in ABLATIONS.items()
}


def percent(error):
    """Return an error in %; 90 for a run that diverged."""
    return 90.0 if error is None else 100 * error


test = {name: np.array([percent(r.test_error) for r in found]) for name, found in runs.items()}
training = {name: np.array([percent(r.train_error) for r in found]) for name, found in runs.items()}
rise = {name: test[name] - test[WHOLE] for name in ABLATIONS if name != WHOLE}  # the same seeds
share = test[WHOLE].mean() / 100
one_error = 100 * math.sqrt(share * (1 - share) / len(TEST))
clear = [
    name
    for name, found in rise.items()
    if abs(found.mean()) > 2 * one_error and (all(found > 0) or all(found < 0))
]
steps = runs[WHOLE][0].iteration
most = max(rise, key=lambda name: rise[name].mean())
lesson.reveal("ablation", f"{most}, by {rise[most].mean():.1f} points", value=most)
lesson.bars(
    "ablation",
    f"Of {len(rise)} changes, {len(clear)} can be told from chance after {steps} steps",
    test,
    x="test error (%)",
    form="{:.1f} %",
    highlight=clear,
)
lesson.table(
    [
        {
            "recipe": name,
            "training error %": spread(training[name], "{:.1f}"),
            "test error %": spread(test[name], "{:.1f}"),
            "rise": f"{rise[name].mean():+.1f}" if name != WHOLE else "",
            "clear": "yes" if name in clear else "" if name == WHOLE else "no",
        }
        for name in ABLATIONS
    ]
)
lesson.say(f"""
The training error is that of the last epoch *as it ran*, on the images as the recipe changed them; so a recipe without
crops has an easier time there, and only the test errors can be compared.

How large must a difference be? An error rate of {100 * share:.1f} %, counted on {len(TEST)} images, is itself uncertain
by $\\sqrt{{p(1-p)/n}}$ = {one_error:.1f} points. I call a change *clear* here if it is more than twice that and has the
same sign for every seed. {len(clear)} of {len(rise)} are{": " + ", ".join(clear) if clear else ""}. About the others
this experiment says only that they do less than it can see.
""")

# %% [markdown]
# That weight decay does not show in so few steps was to be expected: you computed its half-life. An ingredient that can
# be left out without loss *here* is not useless. A recipe belongs to a length, a size and a data set, and an ablation
# on a small problem says nothing about a large one unless one knows how the effect grows.
#
# ### Which changes may one make?
#
# A change of the images is allowed if it leaves their labels right, and useful if it makes images that could have been
# taken. One can ask a trained net. It saw no mirrored digit, so it will not recognise what looks like none.
#
# ### Exercise 11.6: ask the net
# `predict` turns images into the classes that the net takes them for, `change` returns changed images. For each class
# return the share of its images that are recognised after the change. Labels are 0, 1, 2, and so on.


# %% tags=["exercise"]
@lesson.exercise("11.6")
def survivors(predict, images, labels, change):
    """Return a list: for each class the share of its changed images that get the right label."""
    # BEGIN SOLUTION
    right = predict(change(images)) == labels
    return [float(right[labels == k].mean()) for k in range(labels.max() + 1)]
    # END SOLUTION


# %%
def predictor(run):
    """Return a function from images (N, H, W, C) to predicted classes."""

    def predict(images):
        with mr.no_grad():
            run.net.eval()
            return run.net(mr.Tensor(run.normalise(np.ascontiguousarray(images)))).data.argmax(1)

    return predict


RIGHT = ((0, 0), (0, 0), (1, 0), (0, 0))  # a column of zeros on the left
CHANGES = {
    "as it is": lambda images: images,
    "one pixel to the right": lambda images: np.pad(images, RIGHT)[:, :, :-1],
    "mirrored": lambda images: images[:, :, ::-1],
    "upside down": lambda images: images[:, ::-1, ::-1],
}
SOME = TEST.subset(min(len(TEST), 500))
asked = [predictor(run) for run in runs[MIRROR if CIFAR else WHOLE]]  # none has seen mirror images
kept_share = {
    name: 100 * np.mean([survivors(p, SOME.x, SOME.y, change) for p in asked], axis=0)
    for name, change in CHANGES.items()
}
mirrored = np.stack([p(CHANGES["mirrored"](SOME.x)) for p in asked], axis=1)
lesson.table(
    [
        {"class": name}
        | {f"{change} %": f"{found[k]:.0f}" for change, found in kept_share.items()}
        | {"mirrored, taken for": TEST.classes[np.bincount(mirrored[SOME.y == k].ravel()).argmax()]}
        for k, name in enumerate(TEST.classes)
    ]
)
kinds = {change: float(found.mean()) for change, found in kept_share.items()}
lost = [name for k, name in enumerate(TEST.classes) if kept_share["mirrored"][k] < 50]
lesson.say(f"""
Moved by one pixel, {kinds["one pixel to the right"]:.0f} % of the images are still recognised
({kinds["as it is"]:.0f} % as they are); mirrored it is {kinds["mirrored"]:.0f} %, and upside down
{kinds["upside down"]:.0f} %. Most mirror images are lost of {", ".join(lost) or "no class"}; the last column says what
they are taken for. Upside down is worse than useless for digits: it makes a 9 of each 6, with the label of a 6.

Does it do harm to train with mirror images, or does the net just learn both? Here the change of the recipe in the
mirror moved the test error by {-rise[MIRROR].mean() if CIFAR else rise[MIRROR].mean():+.1f} points, which is
{"clear" if MIRROR in clear else "not clear"}. What a longer training makes of it, `--full` can tell you.
""")

# %% [markdown]
# ## Two errors of one net
#
# Two kinds of error have stood side by side in this lesson. The **running error** is the error on the training batches
# as they ran: with their augmentation, with the statistics of the batch in batch norm, and by weights that were still
# moving. The *test* error comes from evaluation, where there is no batch to speak of. The **running
# statistics** of batch norm are averages of mean and variance over the last batches, of which each new batch makes up a
# tenth; in evaluation mode they take the place of the batch's own.
#
# They are averages over *past* weights. Where weights move fast, they describe a net that no longer exists.

# %%
MODES = [name for name in ABLATIONS if name in (WHOLE, "with a constant rate")]


def in_both_modes(run):
    """Return the test error in %, with running statistics and with those of the test images."""
    x, found = run.normalise(SOME.x), []
    with mr.no_grad():
        for mode in (run.net.eval, run.net.train):
            mode()
            found.append(100 * float((run.net(mr.Tensor(x)).data.argmax(axis=1) != SOME.y).mean()))
    return found


both = {name: np.array([in_both_modes(r) for r in runs[name]]) for name in MODES}
lesson.table(
    [
        {
            "recipe": name,
            "running statistics %": spread(found[:, 0], "{:.1f}"),
            "statistics of the test images %": spread(found[:, 1], "{:.1f}"),
        }
        for name, found in both.items()
    ]
)
stale = {name: float((found[:, 0] - found[:, 1]).mean()) for name, found in both.items()}
lesson.say(f"""
The same weights and the same images. With the rate at zero in the end, the running statistics cost
{stale[WHOLE]:+.1f} points; with the rate kept constant to the end, {stale["with a constant rate"]:+.1f}. What a
schedule gains in *evaluation* is noise that leaves the weights, and statistics that catch up with them.
""")

# %% [markdown]
# ### Exercise 11.7: find the bug
# This is how somebody trains. The five last arguments are functions; `evaluate` returns the test error. Everything
# runs, and the first epoch is fine.


# %%
def run_with_a_bug(epochs, batches, to_train, to_eval, step, evaluate):
    to_train()
    errors = []
    for epoch in range(epochs):
        for batch in range(batches):
            step(epoch, batch)
        to_eval()
        errors.append(evaluate())
    return errors


# %% [markdown]
# Write it without the bug.


# %% tags=["exercise"]
@lesson.exercise("11.7")
def run_epochs(epochs, batches, to_train, to_eval, step, evaluate):
    """Train for some epochs; return the list of what `evaluate` returned after each of them."""
    # BEGIN SOLUTION
    errors = []
    for epoch in range(epochs):
        to_train()
        for batch in range(batches):
            step(epoch, batch)
        to_eval()
        errors.append(evaluate())
    return errors
    # END SOLUTION


# %%
EPOCHS = 2 if lesson.fast else 5


def by_loop(loop, seed):
    """Train a stack by a loop of epochs; return the test errors in % after each of them."""
    net, sgd = new_run(seed, 0.1)
    stream, unseen = batches(seed, 128), data.load("digits", "test")
    x = mr.Tensor(NORMALISE(unseen.x).reshape(-1, 64))

    def step(epoch, batch):
        for _ in train(net, sgd, [next(stream)]):
            pass

    def evaluate():
        with mr.no_grad():
            return 100 * float((net(x).data.argmax(axis=1) != unseen.y).mean())

    return loop(EPOCHS, EPOCH, net.train, net.eval, step, evaluate)


LOOPS = {"with the bug": run_with_a_bug, "without it": run_epochs}
looped = {name: [by_loop(loop, s) for s in range(P.seeds)] for name, loop in LOOPS.items()}
lesson.table(
    [
        {"test error %": name}
        | {f"epoch {e + 1}": spread([r[e] for r in found], "{:.1f}") for e in range(EPOCHS)}
        for name, found in looped.items()
    ]
)
last_of = {name: float(np.mean([r[-1] for r in found])) for name, found in looped.items()}
lesson.say(f"""
After the first epoch both have the same error. At the end it is {last_of["with the bug"]:.1f} % with the bug and
{last_of["without it"]:.1f} % without. From the second epoch on, batch norm divides by statistics of the first one, in
training too, and no longer normalises what it gets. A bug of this kind raises no exception. It leaves an error that
somebody takes for a bad recipe.
""")

# %% [markdown]
# ## Experiment 5: a short budget
#
# The **budget** of a training is what it may cost: a number of steps, epochs or minutes that is fixed in advance. A
# recipe belongs to its budget. The cuts of He et al. 2015 lie at a half and at three quarters of 64,000 steps. Where
# should they lie if you have 50?
#
# Take three noisy bowls at once: $a = 1$, $0.1$ and $0.01$, with $s = 0.1\,a$, starting at $w = 1$. The rate starts at
# 1. With a formula for the average of $w^2$, the loss at the end can be computed for any cuts.


# %%
def bowls(cuts, steps):
    """Return the expected loss in three noisy bowls; the rate 1 is divided by ten at each cut."""
    a, q, rate = np.array([1.0, 0.1, 0.01]), np.ones(3), 1.0
    places = [0, *(round(float(cut) * steps) for cut in sorted(cuts)), steps]
    for begin, end in itertools.pairwise(places):
        left = (1 - rate * a) ** 2  # of w², after one step
        floor = rate**2 * 0.1 * a / (1 - left)
        q = floor + (q - floor) * left ** (end - begin)
        rate /= 10
    return float((a * q).sum() / 2)


# %% [markdown]
# ### Exercise 11.8: where would you put the cuts?
# Return two cuts for a training of `steps` steps, as fractions of it. `loss` is the function above; you may call it
# as often as you like.


# %% tags=["exercise"]
@lesson.exercise("11.8")
def best_cuts(steps, loss):
    """Return (first, second): fractions of the training at which the rate is divided by ten."""
    # BEGIN SOLUTION
    grid = [i / 16 for i in range(1, 16)]
    pairs = [(first, second) for first in grid for second in grid if first < second]
    return min(pairs, key=lambda cuts: loss(cuts, steps))
    # END SOLUTION


# %%
BUDGETS = (50, 200, 1000, 4000)
PAPER = he2015.milestones
cuts_of = {steps: best_cuts(steps, bowls) for steps in BUDGETS}
lesson.table(
    [
        {
            "steps": steps,
            "your cuts": " and ".join(f"{c:.2f}" for c in cuts_of[steps]),
            "loss": f"{bowls(cuts_of[steps], steps):.2e}",
            "no cut": f"{bowls((), steps) / bowls(cuts_of[steps], steps):.1f} times",
            "the paper's cuts": f"{bowls(PAPER, steps) / bowls(cuts_of[steps], steps):.2f} times",
        }
        for steps in BUDGETS
    ]
)
worst_of_paper = max(bowls(PAPER, n) / bowls(cuts_of[n], n) for n in BUDGETS)
lesson.say(f"""
In the bowls, not to cut at all is bad for every budget, and the cuts of the paper are never far from the best ones, at
most by a factor of {worst_of_paper:.2f}: it matters *that* the rate falls within the budget, and much less where.
""")

# %% [markdown]
# The bowls are a theory. Now the test: the stack on its small, noisy batches, within a budget of a few epochs.

# %%
SHORT = 50 if lesson.fast else 100 if lesson.browser else 200


def on_budget(schedule, seed):
    """Train a stack for SHORT small batches; return its loss on the training digits."""
    net, sgd = new_run(seed, 0.1)
    if schedule == "linear":
        falling = LinearLR(sgd, 1.0, 0.0, SHORT)
    else:
        falling = MultiStepLR(sgd, [round(cut * SHORT) for cut in schedule])
    for _ in train(net, sgd, itertools.islice(moved_batches(seed, 15, 0), SHORT), schedule=falling):
        pass
    return measured(net)[0]


yours = best_cuts(SHORT, bowls)
schedules = {
    "constant rate": (),
    "the paper's cuts": PAPER,
    "your cuts": yours,
    "linear to zero": "linear",
}
short = {n: [on_budget(s, seed) for seed in range(P.seeds)] for n, s in schedules.items()}
ended = {name: float(np.mean(found)) for name, found in short.items()}
lesson.bars(
    "schedules",
    f"Within {SHORT} steps, {min(ended, key=ended.get)} ends lowest, at {min(ended.values()):.2f} nats",
    short,
    x="loss on the training digits (nats)",
    form="{:.3f}",
    highlight=[min(ended, key=ended.get)],
)
order = sorted(ended, key=ended.get)
first_wins = sum(min(short, key=lambda name: short[name][i]) == order[0] for i in range(P.seeds))
lesson.say(f"""
In nats, from the best to the worst: {", ".join(f"{name} {spread(short[name], '{:.2f}')}" for name in order)}. For
{first_wins} of {P.seeds} seeds {order[0]} is the best of the four. The cuts that are best for the bowls are
{"better" if ended["your cuts"] < ended["constant rate"] else "worse"} here than no cut at all. Look back at the figure
of the cliff to see why: after {SHORT} steps the loss at the old rate is still falling. The bowls stand on their noise
floor early, and then a cut is right. This net is still on its way, and a cut stops it where it is. A cut pays when the
progress at the old rate has come to its end, and a straight line is a compromise for those who do not know when that
will be. Li et al. 2020 (arXiv 1905.04753) compared schedules under budgets on large data sets, and found it robust and
among the best.
""")

# %% [markdown]
# ### Deeper is better, for whom?
#
# One more thing depends on the budget, and on the rate: which *net* is better. Here are the residual stacks with 6 and
# with 18 layers. Each trains within a budget of epochs, with a line to zero, at two rates.

# %%
DEPTHS, RATES = (6, 18), (0.1, 0.01)


def within(layers, rate, epochs, seed):
    """Return the training error in % of the last epoch."""
    net = stack(seed, layers)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    falling = LinearLR(sgd, 1.0, 0.0, epochs * EPOCH)
    return last_loss(net, sgd, epochs * EPOCH, seed, schedule=falling)[1]


depth = {
    (epochs, rate, layers): [within(layers, rate, epochs, seed) for seed in range(P.seeds)]
    for epochs in P.short
    for rate in RATES
    for layers in DEPTHS
}


def better(epochs, rate):
    """Return which depth has the lower error for every seed, or "neither"."""
    shallow, deep = (np.array(depth[epochs, rate, layers]) for layers in DEPTHS)
    return "6 layers" if all(shallow < deep) else "18 layers" if all(deep < shallow) else "neither"


verdicts = {(epochs, rate): better(epochs, rate) for epochs in P.short for rate in RATES}
lesson.table(
    [
        {
            "epochs": epochs,
            "rate": rate,
            **{
                f"{layers} layers %": spread(depth[epochs, rate, layers], "{:.1f}")
                for layers in DEPTHS
            },
            "better": verdict,
        }
        for (epochs, rate), verdict in verdicts.items()
    ]
)
counted = {v: list(verdicts.values()).count(v) for v in ("6 layers", "18 layers", "neither")}
lesson.say(f"""
The table shows training errors. Of the {len(verdicts)} comparisons, 6 layers win {counted["6 layers"]}, 18 layers win
{counted["18 layers"]}, and in {counted["neither"]} the seeds disagree. Whoever asks "is the deeper net better?" has not
said enough: better within which budget, and at which rate? The deeper net also takes about three times as long for each
step, and that is not even counted here.
""")

# %% [markdown]
# ## The real thing
#
# Now the whole recipe on real images. These trainings take about an hour and several hours, so they were run before,
# and lessons come with their records: training error as it ran and test error, epoch by epoch. `python -m
# benchmarks.stored FOLDER` made them from the folder of a run.
#
# One warning before any number. The CIFAR-10 these runs were trained on is a copy whose images had been saved as JPEG
# (quality 75, colours at half resolution), in training and test alike. The paper's test error of 8.75 % for ResNet-20
# (He et al. 2015, Table 6) was measured on the original images. It stands beside ours for orientation, and the two
# cannot be compared: what JPEG costs has not been measured.


# %%
def record(name):
    """Return a stored training, or None if it does not come with this version."""
    try:
        return stored.read(name)
    except ValueError:
        return None


def epochs_of(run):
    """Return {epoch: row} of a stored training, errors in %."""
    return {
        round(row["epoch"]): {
            k: 100 * v if "error" in k and v is not None else v for k, v in row.items()
        }
        for row in run.rows("epochs.csv")
    }


budget_run = record("resnet20-budget")
rows = epochs_of(budget_run)
LAST_EPOCH = max(rows)
SHOWN = [e for e in (1, 2, 5, 10, 20, 30, 36, 38, LAST_EPOCH) if e in rows]
lesson.table(
    [
        {
            "epoch": e,
            "rate": f"{rows[e]['lr']:.3f}",
            "running error %": f"{rows[e]['train_error']:.1f}",
            "test error %": f"{rows[e]['test_error']:.1f}",
        }
        for e in SHOWN
    ]
)
half, tenth = LAST_EPOCH // 2, LAST_EPOCH - LAST_EPOCH // 10
errors = {e: rows[e]["test_error"] for e in rows if rows[e]["test_error"] is not None}
whole_fall = errors[1] - errors[LAST_EPOCH]
late_fall = errors[tenth] - errors[LAST_EPOCH]
middle_fall = errors[LAST_EPOCH // 4] - errors[3 * LAST_EPOCH // 4]
at_epochs = sorted(errors)
lesson.curves(
    "budget",
    f"The last {LAST_EPOCH - tenth} of {LAST_EPOCH} epochs, as the rate goes to zero, take the test error from "
    f"{errors[tenth]:.1f} to {errors[LAST_EPOCH]:.1f} %",
    at_epochs,
    {
        "test error": np.array([[errors[e] for e in at_epochs]]),
        "running error": np.array([[rows[e]["train_error"] for e in at_epochs]]),
    },
    x="epochs",
    y="error (%)",
    highlight=["test error"],
    note="ResNet-20 by the recipe `budget`, CIFAR-10 saved as JPEG.",
)
jumps = [abs(errors[b] - errors[a]) for a, b in itertools.pairwise(at_epochs)]
early_jump, late_jump = (float(np.mean(found)) for found in (jumps[3 : half // 2], jumps[-4:]))
above = sum(errors[e] > rows[e]["train_error"] for e in at_epochs)
lesson.say(f"""
This is `{budget_run.command}`: {budget_run.run["iterations"]:,} steps in {LAST_EPOCH} epochs, one run. It ends at
{errors[LAST_EPOCH]:.2f} % of the test images. What do the epochs buy? From epoch {LAST_EPOCH // 4} to epoch
{3 * LAST_EPOCH // 4}, a half of the training, the test error falls by {middle_fall:.1f} points. In the last
{LAST_EPOCH - tenth} epochs it falls by {late_fall:.1f}. It would be wrong to conclude that the middle was useless. You
know from Experiment 2 what happens: the progress was being made, and the noise of the rate lay over it.

Look at the test error on the left, how it jumps from epoch to epoch: by {early_jump:.1f} points on average up to epoch
{half // 2}, and by {late_jump:.1f} in the last four. In {above} of {len(at_epochs)} epochs it lies above the running
error, although the latter was measured on moved and mirrored images. Part of that is overfitting, and part of the jumps
are running statistics that lag behind.
""")

# %% [markdown]
# ### The two cliffs
# The recipe of the paper takes 64,000 steps and cuts the rate twice (He et al. 2015, §4.2).

# %%
he_run = record("resnet20-he2015")
if he_run is None:
    lesson.say("""
The record of the recipe `he2015` does not come with this version of the lessons. `minires train --model resnet20
--data cifar10 --recipe he2015` makes one.
""")
else:
    theirs = epochs_of(he_run)
    done, planned = he_run.run["iteration"], he_run.run["iterations"]
    per_epoch = done / max(theirs)
    cliffs = {
        f"cut at {m * planned:,.0f} steps": m * planned / per_epoch for m in he2015.milestones
    }
    tested = [e for e in sorted(theirs) if theirs[e]["test_error"] is not None]
    falls = []
    for place in cliffs.values():
        earlier, later = ([e for e in tested if (e > place) is side] for side in (False, True))
        if earlier and later:
            falls.append((theirs[earlier[-1]]["test_error"], theirs[later[0]]["test_error"]))
    told = " and ".join(f"from {a:.1f} to {b:.1f} %" for a, b in falls)
    lesson.curves(
        "cliffs",
        f"At its cuts of the rate the test error falls {told}"
        if falls
        else f"After {done:,} of {planned:,} steps the rate has not been cut yet",
        tested,
        {
            "test error": np.array([[theirs[e]["test_error"] for e in tested]]),
            "running error": np.array([[theirs[e]["train_error"] for e in tested]]),
        },
        x="epochs",
        y="error (%)",
        log="y",
        highlight=["test error"],
        marks={text: place for text, place in cliffs.items() if place < max(theirs)},
        note="ResNet-20 by the recipe `he2015`, CIFAR-10 saved as JPEG.",
    )
    lesson.say(f"""
This is `{he_run.command}`, {done:,} of its {planned:,} steps
({"finished" if done >= planned else "the run is not finished: these are its errors so far"}), one run. Its last test
error is {theirs[tested[-1]]["test_error"]:.2f} %, that of the recipe `budget` with
{budget_run.run["iterations"] / planned:.2f} times the steps {errors[LAST_EPOCH]:.2f} %. The recipes differ in the rate,
the decay, the schedule and the mirror as well, so this is a comparison of recipes, not of lengths, with one run each.
""")

# %% [markdown]
# (`minires lessons run 11 data=cifar10` repeats Experiment 4 on a fifth of your own CIFAR-10, if it is found where
# `minires data` puts it; that takes a quarter of an hour or more. `--full` adds ablations of the warm-up, of Nesterov
# momentum and of the decay of batch norm's weights, more epochs and more seeds.)
#
# ## What people get wrong

# %%
lesson.say(f"""
*"The learning rate does not matter for the comparison, as long as it is the same for both."* At the same rate,
a net without momentum has from {same[0]:.2g} to {same[1]:.2g} times the loss of one with it, depending on the rate.
Sweep the rate for both sides, and report the best of each.

*"Deeper is always better."* Within these budgets the deeper net was clearly better in {counted["18 layers"]} of
{len(verdicts)} comparisons.

*"When the rate is cut, the net finds a better place."* The average of weights whose rate was never cut shows
{100 * part:.0f} % of the fall.

*"Weight decay keeps the net simple."* Behind batch norm the size of the weights changes nothing. It sets how fast they
turn, if it has the time: {half_life(0.1, 0.9, 0.0005):,.0f} steps for a half, with the usual numbers.

*"The loss has been flat for ten epochs, so stop."* From epoch {LAST_EPOCH // 4} to {3 * LAST_EPOCH // 4} the stored run
gained {middle_fall:.1f} points and in the last {LAST_EPOCH - tenth} epochs {late_fall:.1f}.
""")

# %% [markdown]
# ## What the paper found
#
# - He et al. 2015 (arXiv 1512.03385, §4.2): momentum 0.9, weight decay 1e-4, batches of 128, rate 0.1, cut at 32,000
#   and 48,000 of 64,000 steps, a schedule that they chose on 5,000 of the training images; pad by 4, crop, mirror. No
#   dropout. ResNet-20 8.75 %, ResNet-56 6.97 %, ResNet-110 6.43 % as the best of five runs (Table 6).
# - ResNet-110 (§4.2) starts at 0.01 until its training error is below 80 %, and a footnote says that with 0.1
#   from the start it reaches a similar accuracy in the end.
# - Smith et al. 2018 (arXiv 1711.00489): larger batches in place of a smaller rate usually give the same learning curve.
# - Van Laarhoven 2017 (arXiv 1706.05350): together with normalisation, weight decay has no regularising effect, but an
#   influence on the scale of the weights, and so on the effective learning rate.
# - Li et al. 2020 (arXiv 1905.04753): under a fixed budget, the simple linear schedule is robust and among the best.
#
# ## Remember
#
# - A cut of the rate makes the error fall because the noise of the steps leaves; an average of the weights, or a larger
#   batch, does the same at the old rate.
# - Momentum $m$ makes every step $1/(1 - m)$ times as long in the end, and weight decay beside batch norm sets how fast
#   weights turn, after some $(1 - m)/(\eta\lambda)$ steps.
# - A recipe belongs to its budget, and a comparison needs the best rate of each side, several seeds, and a difference
#   that is larger than what the test set can resolve.
#
# ## Read next
#
# - `minires train --help`: all that a recipe can say; `minires train --recipe budget --data digits` trains in a minute.
# - `minires/train/recipe.py`, which is where `he2015` and `budget` stand, number by number.
# - He et al. 2015, §4.2, once more. You now know what each half-sentence is there for.
