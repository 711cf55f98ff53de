# ---
# title: The full recipe: what makes the error fall?
# minutes: 60
# seconds: 35
# needs: lessons 4 and 5; lesson 9 is useful
# ---
# %% [markdown]
# # Lesson 11: The full recipe: what makes the error fall?
#
# So far a training had a rate, a momentum, a schedule of the rate and sometimes a weight decay, and you were asked to
# take them as given. They decide as much as the architecture does. A **recipe** is all that decides a training beside
# the net and the data: the optimiser and its numbers, the schedule of the rate, the length, and what is done to the
# images.
#
# Recipes are mostly handed on, with stories about why each ingredient is in. Here you write the ingredients yourself,
# ask by experiments that could say otherwise what each one does, and then take them out one by one. At the end stands
# the stored record of a ResNet-20 on 50,000 real images.
#
# You should know what batch norm does to the scale of weights (lesson 4) and what a sweep is (lesson 5).

# %%
import copy
import functools
import itertools
import math

import numpy as np

import minires as mr
from minires import data, models, optim
from minires import functional as F
from minires.lessons import Lesson, spread, stored
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
    fast={"seeds": 1, "rates": (0.1, 1.0), "before": 1, "after": 1, "decay_steps": 20, "epochs": 1},
    full={"seeds": 5, "before": 5, "decay_steps": 600, "epochs": 15},
    browser={"seeds": 1, "rates": (0.01, 0.1, 1.0), "before": 3, "decay_steps": 100, "epochs": 2},
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
# In lesson 4 momentum repeated a part of each step in the next one. The optimiser does this with a second array for
# each weight. The **velocity** of a weight is the sum of its gradients so far, each one multiplied by the momentum $m$
# once for every step that has passed since. In each step
#
# $$v \leftarrow m\,v + g, \qquad w \leftarrow w - \eta\,v,$$
#
# where $g$ is the gradient, $\eta$ the learning rate, and $v = 0$ at the start. With $m = 0.9$ and the gradients 1, 1,
# 1 the velocity is $1$, then $0.9 + 1 = 1.9$, then $0.9 \cdot 1.9 + 1 = 2.71$. It does not grow for ever: if the
# gradient stays 1, then $v = 1/(1 - m)$ reproduces itself, and with $m = 0.9$ that is ten. In the long run every
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
# while. Where gradients change sign from step to step, they cancel in the velocity.
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
        mine, v = sgd_step(mine, w.grad.copy(), v, 0.1, 0.9, 0.01, nesterov)
        sgd.step()
    return float(np.abs(mine - w.data).max())


apart = {nesterov: against_minires(nesterov) for nesterov in (False, True)}
lesson.say(f"""
Beside `optim.SGD` of minires, over ten steps on the digits, your weights differ by {apart[False]:.0e} at most, and with
Nesterov momentum by {apart[True]:.0e}.
""")

# %% [markdown]
# ## Predict
# Answer before you read on.

# %%
SHARES = ("hardly any of it", "about half of it", "most of it, or more")
lesson.predict(
    "momentum",
    "Without momentum, training at rate 0.1 ends at some training loss. At which rate does a training with momentum "
    "0.9 come nearest to that loss?",
)
lesson.predict(
    "cliff",
    "When the rate is cut to a tenth, the loss falls as from a cliff. Say a run keeps its rate, and only the *average* "
    "of the weights since that moment is evaluated. How much of the fall does this average show?",
    choices=SHARES,
)

# %% [markdown]
# ## Experiment 1: is momentum better?
#
# The net is the residual stack of lesson 5 with 6 layers; it gets five epochs of digits at one rate, and we look at the
# mean training loss of the last epoch, for several rates, *with and without* momentum. A run that is worse than
# guessing in its last epoch counts as diverged.

# %%
EPOCH = len(X) // 128
MOMENTA = {"no momentum": 0.0, "momentum 0.9": 0.9}
SWEEP_STEPS = (2 if lesson.fast else 5) * EPOCH


def swept(momentum, rate, seed):
    """Train a stack; return the mean loss of the last epoch as it ran, inf if it diverged."""
    net = stack(seed)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=momentum)
    steps = list(train(net, sgd, itertools.islice(batches(seed, 128), SWEEP_STEPS)))
    loss = float(np.mean([step.loss for step in steps[-EPOCH:]]))
    return loss if loss < math.log(10) and not steps[-1].diverged else math.inf


sweep = {
    name: np.array([[swept(m, rate, seed) for rate in P.rates] for seed in range(P.seeds)])
    for name, m in MOMENTA.items()
}
middle = {name: np.exp(np.log(found).mean(axis=0)) for name, found in sweep.items()}
without, with_it = (middle[name] for name in MOMENTA)
best = {name: float(found.min()) for name, found in middle.items()}
best_rate = {name: P.rates[int(found.argmin())] for name, found in middle.items()}
at_best = {name: found[:, P.rates.index(best_rate[name])] for name, found in sweep.items()}
at = P.rates.index(0.1) if 0.1 in P.rates else len(P.rates) // 2
nearest = P.rates[int(np.abs(np.log(with_it) - np.log(without[at])).argmin())]
lesson.reveal("momentum", f"{nearest:g}, among the rates that were tried", value=nearest)


def gains(part):
    """Return (least, greatest) loss without momentum over that with it, at `part` of the rate."""
    found = [
        without[i] / with_it[j]
        for (i, rate), (j, other) in itertools.product(enumerate(P.rates), repeat=2)
        if math.isclose(other, part * rate) and np.isfinite(without[i] + with_it[j])
    ]
    return (min(found), max(found)) if found else (math.nan, math.nan)


same, tenth = gains(1), gains(0.1)
lesson.curves(
    "momentum",
    f"At rate {P.rates[0]:g} momentum divides the loss by {without[0] / with_it[0]:.1f}; "
    f"each at its best rate, by {best['no momentum'] / best['momentum 0.9']:.1f}",
    P.rates,
    sweep,
    x="learning rate",
    y="training loss in the last epoch (nats)",
    log="xy",
    centre="geometric",
    highlight=["momentum 0.9"],
)
lesson.say(f"""
The curve with momentum stands about ten times further left, for the reason you have just computed:
$1/(1 - 0.9) = 10$. At the *same* rate, the loss without momentum is from {same[0]:.2g} to {same[1]:.2g} times that with
momentum, depending on the rate you happen to take. At a tenth of the rate, it is from {tenth[0]:.2g} to {tenth[1]:.2g}
times. Each at its own best rate ({best_rate["no momentum"]:g} without, {best_rate["momentum 0.9"]:g} with momentum),
the losses are {spread(at_best["no momentum"], "{:.3f}")} and {spread(at_best["momentum 0.9"], "{:.3f}")}
nats.
""")

# %% [markdown]
# ## Experiment 2: why does the error fall when the rate is cut?
#
# He et al. 2015 divide the rate by ten after a half and after three quarters of the training, and at both places the
# error drops at once. Does the net find a better place when its steps are smaller, or does it only stop jumping about?
# Start with something that can be computed.
#
# ### A noisy bowl
#
# Let the loss be $L = \frac{1}{2} a w^2$, and let each gradient come with an error, as the gradient of a batch does:
# $g = a w + \xi$, where $\xi$ has mean 0 and variance $s$. A step of SGD gives $w - \eta (a w + \xi)$. If the old $w^2$
# was $q$ on average, then the new one is $(1 - \eta a)^2 q + \eta^2 s$ on average. Where does this stand still? Set
# both equal to $q$ and solve:
#
# $$q = \frac{\eta\, s}{2 a - \eta a^2}, \qquad L = \frac{a q}{2} = \frac{\eta\, s}{2\,(2 - \eta a)}.$$
#
# The **noise floor** of SGD is the loss at which the noise of the gradients pushes the weights outwards as much as the
# steps pull them inwards. It is nearly proportional to the rate. More steps do not lower it; a smaller rate does, and
# so does less noise.


# %%
def bowl(rate, a=1.0, s=1.0, steps=200, walkers=4000):
    """Return the mean loss of many walkers in the noisy bowl after some steps."""
    rng, w = np.random.default_rng(11), np.zeros(walkers)
    for _ in range(steps):
        w -= rate * (a * w + s**0.5 * rng.standard_normal(walkers))
    return float(a * (w**2).mean() / 2)


floors = [(rate, bowl(rate), rate / (2 * (2 - rate))) for rate in (1.0, 0.1)]
lesson.table(
    [{"rate": r, "loss": f"{found:.4f}", "by the formula": f"{q:.4f}"} for r, found, q in floors]
)

# %% [markdown]
# If a cut works as it does in the bowl, then *noise* is what leaves at the cliff. This can be tested, because there are
# other ways to be rid of noise:
#
# - keep the rate, and let ten times as many images make each gradient, which divides $s$ by ten;
# - keep the rate *and* the batch, but evaluate the *average* of the weights since the moment of the cut. The noise
#   cancels in it, and nothing about the training has changed.
#
# If the net had to move to some other, finer place to become better, the average would not get there. We train the
# stack on small batches of 15 digits, moved by up to one pixel, at rate 0.1 with momentum 0.9: numbers chosen to make
# plenty of noise. Then the run goes on in four ways from the same weights. The loss is measured on all training digits,
# with the statistics of batches of 125.

# %%
WAYS = KEEP, CUT, LARGER, AVERAGE = (
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
    """Return the loss on all training digits, with the statistics of batches of 125."""
    with mr.no_grad():
        logits = np.concatenate([net(mr.Tensor(X[i : i + 125])).data for i in range(0, 1500, 125)])
        return float(F.cross_entropy(mr.Tensor(logits), Y).item())


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
    """Return {way: losses over the whole training}."""
    net, sgd = new_run(seed, 0.1)
    trunk, _ = phase(net, sgd, seed, 15, 0, P.before)
    state = copy.deepcopy(net.state_dict()), sgd.state_dict()
    ends = {}
    ends[KEEP], ends[AVERAGE] = phase(*new_run(seed, 0.1, state), seed, 15, P.before, P.after)
    ends[CUT], _ = phase(*new_run(seed, 0.01, state), seed, 15, P.before, P.after)
    ends[LARGER], _ = phase(*new_run(seed, 0.1, state), seed, 150, P.before, P.after)
    return {way: np.array(trunk + end) for way, end in ends.items()}


ways = [four_ways(seed) for seed in range(P.seeds)]
losses = {way: np.array([found[way] for found in ways]) for way in WAYS}
final = {way: float(np.exp(np.log(found[:, -1]).mean())) for way, found in losses.items()}
logs = {way: np.log(found[:, -1]) for way, found in losses.items()}
part = float(np.mean(logs[KEEP] - logs[AVERAGE]) / np.mean(logs[KEEP] - logs[CUT]))
nearer = int(np.sum(abs(logs[AVERAGE] - logs[CUT]) < abs(logs[AVERAGE] - logs[KEEP])))
lesson.reveal(
    "cliff",
    f"in the logarithm of the loss, the average shows {100 * part:.0f} % of the fall",
    value=SHARES[int((part >= 0.25) + (part >= 0.75))],
)
lesson.curves(
    "cliff",
    f"A cut rate ends at {final[CUT]:.3f} nats, the average of uncut weights at "
    f"{final[AVERAGE]:.3f}: what leaves is noise",
    np.arange(1, 2 * (P.before + P.after) + 1) / 2,
    losses,
    x="epochs",
    y="loss on the training digits (nats)",
    log="y",
    centre="geometric",
    highlight=[CUT, AVERAGE],
    marks={"cut": P.before},
)
fallen = {way: 100 * (1 - final[way] / final[KEEP]) for way in WAYS}
lesson.say(f"""
Follow the coloured lines from the mark on. Compared with the run that kept its rate, the loss is lower by
{fallen[CUT]:.0f} % with the rate cut, by {fallen[LARGER]:.0f} % with larger batches, and by {fallen[AVERAGE]:.0f} % for
the average of weights that were trained at the old rate with the old batches. For {nearer} of {P.seeds} seeds the
average ends nearer to the cut run than to its own. Three ways to take the noise out, and three falls: the weights
had been jumping about a good place already.
""")

# %% [markdown]
# Smith et al. 2018 (arXiv 1711.00489) trained whole recipes with growing batches in place of a falling rate, and report
# that one can usually obtain the same learning curve.
#
# So why not start with a small rate? Because a floor is where a run *ends*. In a direction of curvature $a$, each step
# takes away only the share $\eta a$ of the way: a large rate gets through the flat directions, a small one then quiets
# the steep ones. A **schedule** of the rate says how it changes over a training, as a factor of the first rate that
# depends on the fraction of the training that is done. *Steps* divides the rate by ten at each cut; *linear* goes to
# zero in a straight line. Either can begin with a warm-up (lesson 4), over which the factor rises from 0 to 1.
#
# ### Exercise 11.3: schedules
# `done` is the fraction of the training that is over, from 0 to 1. While it is below `warmup`, the factor is
# $\text{done}/\text{warmup}$. After that the schedule has the rest of the training for itself: let $u$ be the fraction
# of that *rest* which is over. If `cuts` is None, the factor is $1 - u$; else it is a tenth for each cut that $u$ has
# reached.


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


# %% [markdown]
# ## Experiment 3: what does weight decay do beside batch norm?
#
# The story is that weight decay keeps the weights small, so that the net stays simple and does not overfit. But behind
# a layer with batch norm the size of its weights makes no difference (lesson 4). How can making them smaller do
# anything?
#
# You have met the answer as well. The gradient of such weights is at right angles to them, so by Pythagoras each step
# makes them *longer*; and the longer they are, the less a step of the same rate turns them. Decay shortens them again,
# and there must be a length at which the two are in balance. Without momentum, a step adds
# $\eta^2 \lVert g \rVert^2$ to $\lVert W \rVert^2$ and the decay takes away $2 \eta \lambda \lVert W \rVert^2$. In
# balance, the angle of a step is
#
# $$\frac{\eta \lVert g \rVert}{\lVert W \rVert} = \sqrt{2 \eta \lambda},$$
#
# whatever the gradient is. With momentum $m$ the same balance, if the gradients of successive steps are unrelated,
# gives $\sqrt{2 \eta \lambda / (1 + m)}$ (Kosson et al. 2023, arXiv 2305.17212). So beside batch norm, decay sets the
# *speed* of the weights, not their size.
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
budget, he2015 = RECIPES["budget"], RECIPES["he2015"]
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
turns = {decay: [t for _, t in found] for decay, found in kept.items()}
turn = {decay: float(np.mean(found)) for decay, found in turns.items()}
grown = {decay: float(np.mean([n[-1] / n[0] for n, _ in found])) for decay, found in kept.items()}
lesson.table(
    [
        {
            "weight decay": f"{decay:g}",
            "half-life (steps)": f"{half_life(0.1, 0.9, decay):.0f}" if decay else "-",
            "length, end / start": f"{grown[decay]:.2f}",
            "turn per step": spread(turns[decay], "{:.4f}"),
            "turn in balance": f"{in_theory[decay]:.4f}",
        }
        for decay in DECAYS
    ]
)
changed = {d: 100 * abs(grown[d] / grown[0.0] - 1) for d in DECAYS}
lesson.curves(
    "decay",
    f"In {P.decay_steps} steps a weight decay of 0.0005 changes the length of the weights by "
    f"{changed[0.0005]:.0f} %, one of 0.05 by {changed[0.05]:.0f} %",
    10 * np.arange(P.decay_steps // 10 + 1),
    {f"decay {decay:g}": np.array([n for n, _ in found]) for decay, found in kept.items()},
    x="steps",
    y="length of the weight matrices",
    highlight=["decay 0.05", "decay 0.0005"],
)
budget_run = stored.read("resnet20-budget")
lesson.say(f"""
The usual decay of 0.0005 has a half-life of {half_life(0.1, 0.9, 0.0005):.0f} steps, {P.decay_steps} were done: the
weights end at {grown[0.0005]:.2f} times their first length, without decay at {grown[0.0]:.2f} times. For the decay of
0.05, with a half-life of {half_life(0.1, 0.9, 0.05):.0f} steps, the turn per step is {turn[0.05]:.4f}, and
{in_theory[0.05]:.4f} in theory. Where the half-life does not fit into the run, turn and theory do not agree: such
weights are not in balance yet.

In real trainings it has the time to act: `he2015` has a half-life of
{half_life(he2015.lr, he2015.momentum, he2015.weight_decay):,.0f} of {he2015.iterations:,} steps, and `budget` one of
{half_life(budget.lr, budget.momentum, budget.weight_decay):,.0f} of the {budget_run.run["iterations"]:,} of a run that
you will see below. Whoever takes weight decay out of a training of a hundred steps and sees no difference has learned
nothing about weight decay.
""")

# %% [markdown]
# ## Images that were never taken
#
# **Augmentation** trains on changed copies of the images, new ones in every epoch, whose labels are still right. The
# nets of 2015 saw each image with four empty pixels around it, of which a window of the old size was cut at random, and
# mirrored every second time (He et al. 2015, §4.2).
#
# ### Exercise 11.5: pad and crop
# Put `pad` rows and columns of zeros on each side of an image, and return the window of the image's own size whose
# first row is `top` and whose first column is `left` of the padded image. With `top = left = pad` nothing happens.


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


# %% [markdown]
# A mirrored 8 is an 8, a mirrored 2 is nothing that anybody writes. A recipe that comes from photographs brings its
# mirror along. How much harm does that do? Predict it, together with the rest of the ingredients.
#
# ## Experiment 4: the recipe without one ingredient
#
# An **ablation** takes one ingredient out of something that works, and leaves all else as it is, to see what the
# ingredient was worth. The whole recipe here: SGD at rate 0.1 with Nesterov momentum 0.9 and weight decay 0.0005, a
# warm-up, then a straight line to zero, batches of 64, and crops by one pixel. It trains a ResNet-8 with 8 filters in
# its first stage, and the test images are the last digits of the file, as in lesson 5.

# %%
CIFAR = P.data == "cifar10"
OWN = {} if CIFAR else {"pad": 1, "flip": "none", "warmup": 0.1}
IMAGES = data.load("cifar10").subset(10_000) if CIFAR else DIGITS
TEST = data.load("cifar10", "test").subset(2_000) if CIFAR else data.load("digits", "test")
BASE = RECIPES["budget"].changed(lr=0.1, batch_size=64, epochs=P.epochs, **OWN)
WHOLE, MIRROR = "the whole recipe", "without mirror images" if CIFAR else "with mirror images"
ABLATIONS = {
    WHOLE: {},
    "without momentum": {"momentum": 0.0, "nesterov": False},
    "no momentum, rate 1": {"momentum": 0.0, "nesterov": False, "lr": 1.0},
    "without weight decay": {"weight_decay": 0.0},
    "with a constant rate": {"schedule": "constant"},
    "without crops": {"crop": "none"},
    MIRROR: {"flip": "none" if CIFAR else "random"},
}
if lesson.full:
    ABLATIONS |= {"without a warm-up": {"warmup": 0.0}, "without Nesterov": {"nesterov": False}}
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
test = {  # in %; guessing for a run that diverged
    name: np.array([90.0 if r.test_error is None else 100 * r.test_error for r in found])
    for name, found in runs.items()
}
rise = {name: test[name] - test[WHOLE] for name in ABLATIONS if name != WHOLE}  # the same seeds
share = test[WHOLE].mean() / 100
one_error = 100 * math.sqrt(share * (1 - share) / len(TEST))
clear = [
    name
    for name, found in rise.items()
    if abs(found.mean()) > 2 * one_error and (all(found > 0) or all(found < 0))
]
most = max(rise, key=lambda name: rise[name].mean())
lesson.reveal("ablation", f"{most}, by {rise[most].mean():.1f} points", value=most)
lesson.bars(
    "ablation",
    f"Of {len(rise)} changes, {len(clear)} can be told from chance after "
    f"{runs[WHOLE][0].iteration} steps",
    test,
    x="test error (%)",
    form="{:.1f} %",
    highlight=clear,
)
lesson.table(
    [
        {
            "change": name,
            "test error %": spread(test[name], "{:.1f}"),
            "rise": f"{rise[name].mean():+.1f}" + (" clear" if name in clear else ""),
        }
        for name in rise
    ]
)
lesson.say(f"""
How large must a difference be? An error rate of {100 * share:.1f} %, counted on {len(TEST)} images, is itself uncertain
by $\\sqrt{{p(1-p)/n}}$ = {one_error:.1f} points. I call a change *clear* here if it is more than twice that and has the
same sign for every seed. {len(clear)} of {len(rise)} are{": " + ", ".join(clear) if clear else ""}. About the others
this experiment says only that they do less than it can see.
""")
if "without momentum" in rise:
    lesson.say(f"""
You know from Experiment 1 what to object to the first row: without momentum, the same rate is ten times too small. At
rate 1 the rise is {rise["no momentum, rate 1"].mean():+.1f} points, not {rise["without momentum"].mean():+.1f}.
""")

# %% [markdown]
# That weight decay does not show in so few steps was to be expected: you computed its half-life. An ingredient that can
# be left out *here* is not useless in a longer training.
#
# A change of the images is useful if it makes images that could have been taken, with the same label. One can ask a
# trained net: it saw no mirrored digit, so it will not recognise what looks like none.
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
def classes(run, images):
    """Return the classes that a trained net takes images (N, H, W, C) for."""
    with mr.no_grad():
        run.net.eval()
        return run.net(mr.Tensor(run.normalise(np.ascontiguousarray(images)))).data.argmax(axis=1)


RIGHT = ((0, 0), (0, 0), (1, 0), (0, 0))  # a column of zeros on the left
CHANGES = {
    "as it is": lambda images: images,
    "one pixel to the right": lambda images: np.pad(images, RIGHT)[:, :, :-1],
    "mirrored": lambda images: images[:, :, ::-1],
    "upside down": lambda images: images[:, ::-1, ::-1],
}
SOME = TEST.subset(min(len(TEST), 500))
asked = [functools.partial(classes, run) for run in runs[MIRROR if CIFAR else WHOLE]]
kept_share = {
    name: 100 * np.mean([survivors(f, SOME.x, SOME.y, change) for f in asked], axis=0)
    for name, change in CHANGES.items()
}
mirrored = np.stack([f(CHANGES["mirrored"](SOME.x)) for f in asked], axis=1)
lesson.table(
    [
        {"class": name}
        | {f"{change} %": f"{found[k]:.0f}" for change, found in kept_share.items()}
        | {"mirrored, taken for": TEST.classes[np.bincount(mirrored[SOME.y == k].ravel()).argmax()]}
        for k, name in enumerate(TEST.classes)
    ]
)
kinds = {change: float(found.mean()) for change, found in kept_share.items()}
found = zip(TEST.classes, kept_share["as it is"], kept_share["mirrored"], strict=True)
lost = [name for name, before, after in found if after < before / 2]
lesson.say(f"""
Moved by one pixel, {kinds["one pixel to the right"]:.0f} % of the images are still recognised
({kinds["as it is"]:.0f} % as they are); mirrored it is {kinds["mirrored"]:.0f} %, and upside down
{kinds["upside down"]:.0f} %. The mirror costs more than half of {", ".join(lost) or "no class"}; the last column says
what most mirror images are taken for. To *train* with mirror images moved the test error in Experiment 4 by
{-rise[MIRROR].mean() if CIFAR else rise[MIRROR].mean():+.1f} points: {"clear" if MIRROR in clear else "not clear"}.
""")

# %% [markdown]
# ## Two errors of one net
#
# The **running error** is the error on the training batches as they ran: with their augmentation, with the statistics
# of the batch in batch norm, and by weights that were still moving. The *test* error comes from evaluation, where there
# is no batch to speak of. The **running statistics** of batch norm are averages of mean and variance over the last
# batches, of which each new batch makes up a tenth; in evaluation mode they take the place of the batch's own. They
# describe *past* weights: where weights move fast, a net that no longer exists.
#
# ### Exercise 11.7: find the bug
# This is how somebody trains. The last four arguments are functions; `evaluate` returns the test error. Everything
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
UNSEEN = data.load("digits", "test")


def by_loop(loop, seed):
    """Train a stack by a loop of epochs; return the test errors in % after each of them."""
    net, sgd = new_run(seed, 0.1)
    stream, x = batches(seed, 128), mr.Tensor(NORMALISE(UNSEEN.x).reshape(-1, 64))

    def step(epoch, batch):
        for _ in train(net, sgd, [next(stream)]):
            pass

    def evaluate():
        with mr.no_grad():
            return 100 * float((net(x).data.argmax(axis=1) != UNSEEN.y).mean())

    return loop(EPOCHS, EPOCH, net.train, net.eval, step, evaluate)


LOOPS = {"with the bug": run_with_a_bug, "without it": run_epochs}
looped = {n: np.array([by_loop(f, s) for s in range(P.seeds)]) for n, f in LOOPS.items()}
first, last = ({n: spread(f[:, e], "{:.1f}") for n, f in looped.items()} for e in (0, -1))
lesson.say(f"""
On a stack, the test error after the first epoch is {first["with the bug"]} % with the bug and {first["without it"]} %
without, after {EPOCHS} epochs {last["with the bug"]} % and {last["without it"]} %. From the second epoch on, batch norm
divides by statistics of the first one, in training too. There is no exception, only an error that somebody takes for a
bad recipe.
""")

# %% [markdown]
# ## The real thing
#
# The **budget** of a training is what it may cost: a number of steps, epochs or minutes that is fixed in advance. A
# straight line to zero fits any budget, and the recipe `budget` has its name from it. With a ResNet-20 on real images
# it takes an hour or more, so the run comes with the lesson as a record.
#
# One warning. The CIFAR-10 of this run is a copy whose images had been saved as JPEG (quality 75, colours at half
# resolution), in training and test alike. What that costs has not been measured, so the paper's 8.75 % (He et al. 2015,
# Table 6), on the original images, cannot be compared with it.


# %%
def epochs_of(run):
    """Return {epoch: (test error, running error)} of a stored training, in %."""
    rows = [row for row in run.rows("epochs.csv") if row["test_error"] is not None]
    return {round(r["epoch"]): (100 * r["test_error"], 100 * r["train_error"]) for r in rows}


def draw(name, statement, rows, recipe, **options):
    """Draw the two errors of a stored training over its epochs."""
    lines = np.array(list(rows.values())).T
    lesson.curves(
        name,
        statement,
        list(rows),
        {"test error": lines[:1], "running error": lines[1:]},
        x="epochs",
        y="error (%)",
        highlight=["test error"],
        note=f"ResNet-20 by the recipe `{recipe}`, CIFAR-10 saved as JPEG.",
        **options,
    )


rows = epochs_of(budget_run)
LAST_EPOCH = max(rows)
errors = {epoch: error for epoch, (error, _) in rows.items()}
late = LAST_EPOCH - LAST_EPOCH // 10
late_fall = errors[late] - errors[LAST_EPOCH]
middle_fall = errors[LAST_EPOCH // 4] - errors[3 * LAST_EPOCH // 4]
draw(
    "budget",
    f"The last {LAST_EPOCH - late} of {LAST_EPOCH} epochs, as the rate goes to zero, take the test "
    f"error from {errors[late]:.1f} to {errors[LAST_EPOCH]:.1f} %",
    rows,
    "budget",
)
jumps = np.abs(np.diff(list(errors.values())))
early_jump, late_jump = jumps[3 : LAST_EPOCH // 4 - 1].mean(), jumps[-4:].mean()
lesson.say(f"""
This is `{budget_run.command}`: {budget_run.run["iterations"]:,} steps in {LAST_EPOCH} epochs, one run. It ends at
{errors[LAST_EPOCH]:.2f} % of the test images. From epoch {LAST_EPOCH // 4} to epoch {3 * LAST_EPOCH // 4}, a half of
the training, the test error falls by {middle_fall:.1f} points, and in the last {LAST_EPOCH - late} epochs by
{late_fall:.1f}. It would be wrong to conclude that the middle was nearly useless: Experiment 2 suggests that progress
was being made there, and that the noise of the rate lay over it.

From epoch 4 to {LAST_EPOCH // 4} the test error jumps by {early_jump:.1f} points on average from one epoch to the next,
and by {late_jump:.1f} in the last four, when weights and running statistics come to rest.
""")

# %% [markdown]
# ### The two cliffs
# The recipe of the paper takes 64,000 steps and cuts the rate twice (He et al. 2015, §4.2).


# %%
def show_cliffs(run):
    """Show a stored training by the recipe he2015; return, per cut, the test errors around it and their jitter."""
    found = epochs_of(run)
    done, planned = run.run["iteration"], run.run["iterations"]
    cuts = [m * planned / done * max(found) for m in he2015.milestones]  # in epochs
    falls, running = [], []
    for begin, cut in zip([0, *cuts], cuts):
        if cut < max(found):
            before, after = max(e for e in found if e <= cut), min(e for e in found if e > cut)
            calm = [
                test for e, (test, _) in found.items() if (begin + cut) / 2 < e <= cut
            ]  # the stretch before it
            jitter = max(abs(np.diff(calm)), default=0.0)  # of an evaluation from the one before
            falls.append((found[before][0], found[after][0], jitter))
            running.append(f"from {found[before][1]:.1f} to {found[after][1]:.1f} %")
    told = ", and ".join(
        f"from {a:.1f} to {b:.1f} % at cut {i + 1}"
        + (", within its jitter" if a - b <= jitter else "")
        for i, (a, b, jitter) in enumerate(falls)
    )
    statement = f"The test error goes {told}"
    draw(
        "cliffs",
        statement if falls else f"After {done:,} of {planned:,} steps no cut has come yet",
        found,
        "he2015",
        log="y",
        marks={f"cut {i + 1}": cuts[i] for i in range(len(falls))},
    )
    lesson.say(f"""
This is `{run.command}`, {done:,} of its {planned:,} steps{"" if done >= planned else " (not finished)"}, one run. Its
last test error is {found[max(found)][0]:.2f} %, that of `budget`, with
{budget_run.run["iterations"] / planned:.2f} times the steps, {errors[LAST_EPOCH]:.2f} %. The recipes differ in rate,
decay and mirror, too: this compares recipes, not lengths.
""")
    if falls:
        jitters = " and ".join(f"{jitter:.1f}" for _, _, jitter in falls)
        lesson.say(f"""
In the stretch before each cut the test error jumped by up to {jitters} points from one evaluation to the next: a
change at a cut that is not larger may have nothing to do with it. The running error, over all the training images of
an epoch, goes {" and ".join(running)}.
""")
    return falls


try:
    falls = show_cliffs(stored.read("resnet20-he2015"))
except ValueError:  # not with this version
    falls = []
    lesson.say("The record of the recipe `he2015` does not come with this version of the lessons.")

# %% [markdown]
# (`minires lessons run 11 data=cifar10` repeats Experiment 4 on a fifth of your own CIFAR-10, in a quarter of an hour
# or more. `--full` takes more ingredients out, and more epochs and seeds.)
#
# ## What people get wrong

# %%
lesson.say(f"""
*"The learning rate does not matter for the comparison, as long as it is the same for both."* At the same rate,
a net without momentum has from {same[0]:.2g} to {same[1]:.2g} times the loss of one with it. A fair
comparison sweeps the rate for both, and reports the best of each.

*"When the rate is cut, the net finds a better place."* The average of weights whose rate was never cut shows
{100 * part:.0f} % of the fall.

*"Weight decay keeps the net simple."* Behind batch norm the size of the weights changes nothing. Decay sets how fast
they turn, if it has the time: {half_life(0.1, 0.9, 0.0005):,.0f} steps for a half, with the usual numbers.
""")

# %% [markdown]
# ## What the paper found
#
# - He et al. 2015 (arXiv 1512.03385, §4.2): momentum 0.9, weight decay 1e-4, batches of 128, rate 0.1, cut at 32,000
#   and 48,000 of 64,000 steps, a schedule chosen on 5,000 of the training images; pad by 4, crop, mirror. ResNet-20
#   8.75 %, ResNet-110 6.43 % as the best of five runs (Table 6).
# - Van Laarhoven 2017 (arXiv 1706.05350): together with normalisation, weight decay has no regularising effect, but an
#   influence on the scale of the weights, and so on the effective learning rate.
#
# ## Remember
#
# - A cut of the rate makes the error fall because the noise of the steps leaves; an average of the weights, or a larger
#   batch, does the same at the old rate.
# - Momentum $m$ makes every step $1/(1 - m)$ times as long in the end; weight decay beside batch norm sets how fast
#   weights turn, after some $(1 - m)/(\eta\lambda)$ steps.
# - A comparison of recipes needs the best rate of each side, several seeds, a length in which the ingredient can act,
#   and a difference larger than what the test set can resolve.
#
# ## Read next
#
# - `minires train --help`, and `minires/train/recipe.py`, where `he2015` and `budget` stand number by number.
# - He et al. 2015, §4.2, once more: you now know what each half-sentence is there for.
