# ---
# title: What does batch norm do to gradients?
# minutes: 50
# seconds: 30
# needs: lessons 1 and 2
# ---
# %% [markdown]
# # Lesson 4: What does batch norm do to gradients?
#
# Lesson 2 ended with a duty: choose the size of the initial weights well, or the signal and the gradient fade or blow
# up, layer by layer. Batch norm seems to lift that duty. Whatever a layer computes, batch norm shifts and scales each
# unit so that over the batch its mean is 0 and its variance is 1, and the next layer always receives well-sized
# numbers. It is tempting to conclude that the gradients are then well-sized too. Yet in lesson 3 the plain net of fifty
# layers with batch norm hardly learned anything.
#
# This lesson checks that conclusion. You will derive by which factor one layer with batch norm multiplies the
# gradient, measure it, and then follow a network of 110 layers through its first fifty training steps. Its lower
# layers will stop learning, in a way that looks like one thing and is another, and you will be the detective who
# finds out which. Knowing this story saves you from two wrong conclusions that are easy to draw from a plot of
# gradient norms.
#
# You should know how batch norm's backward pass looks (lesson 1), and what the factor of a layer is (lesson 2).
# Reading and exercises take about 50 minutes, running takes half a minute.

# %%
import math

import numpy as np

import minires as mr
import minires.functional as F
from minires import gradflow, models, optim
from minires.data import load_digits
from minires.experiments.gradflow import batches
from minires.lessons import Lesson, spread
from minires.optim.lr_scheduler import LinearWarmup
from minires.record import Recorder
from minires.train import train

lesson = Lesson(4)
P = lesson.params(
    depths=(20, 56, 110),
    seeds=3,
    fast={"depths": (20, 110), "seeds": 1},
    browser={"depths": (20, 110), "seeds": 1},
    full={"seeds": 5},
)
deepest = max(P.depths)


def power(x):
    """Return a number as a formula with one digit and a power of ten."""
    digit, exponent = f"{x:.0e}".split("e")
    return rf"${digit} \times 10^{{{int(exponent)}}}$"


def times(x):
    """Return a factor in words."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if x >= size:
            return f"{x / size:,.1f} {word}"
    return f"{x:,.0f}" if x >= 10 else f"{x:.1f}" if x >= 0.95 else f"{x:.1g}"


# %% [markdown]
# ## Predict
#
# The nets of this lesson are plain stacks: layer after layer of 64 units, each a matrix, then batch norm, then ReLU.
# They are freshly initialised. The optimiser, the part of a program that changes the weights, is SGD. **SGD**, short
# for stochastic gradient descent, is gradient descent in which each step takes the gradient of one batch of examples
# instead of that of all. Write down what you expect before you read on.

# %%
lesson.predict(
    "course",
    "Before any training: what happens to the norm of the gradient on its way from the loss to the input?",
    choices=("it shrinks", "it stays level", "it grows"),
)
lesson.predict(
    "weights",
    f"The first matrix of the plain net with {deepest} layers has a norm near 11. What is it after one step of SGD "
    "at rate 0.1?",
)

# %% [markdown]
# ## One unit and four samples, by hand
#
# Take one unit and a batch of four samples, for which it computes $-3, -1, 1, 3$. The mean is 0 and the mean of the
# squares is $(9 + 1 + 1 + 9)/4 = 5$. So batch norm divides by $\sqrt{5} = 2.236$ and gives
# $-1.342, -0.447, 0.447, 1.342$. Its mean is 0, its variance is 1, and all is well.
#
# Then comes ReLU, which leaves $0, 0, 0.447, 1.342$. Two numbers now describe how large these values are, and the whole
# lesson lives in the difference between them. The **second moment** of some values is the mean of their squares, which
# lesson 2 called their mean square: here $(0 + 0 + 0.2 + 1.8)/4 = 0.5$. It counts everything that the values carry. The
# variance counts only how they *differ* from their mean, $0.447$: it is $0.5 - 0.447^2 = 0.3$. After ReLU no value is
# negative, so a good part of their size is a constant that every sample shares.
#
# Now look at what each pass sees of this.
#
# - *Forward*, the next matrix mixes such units, and the next batch norm subtracts the mean over the batch and
#   divides by the standard deviation. The constant part is thrown away. What is stretched back to variance 1 is the
#   variation, of variance 0.3, so the signal is divided by $\sqrt{0.3}$ (times a scale of the matrix, which cancels
#   below).
# - *Backward*, the same division by $\sqrt{0.3}$ hits the gradient. (Batch norm's backward also subtracts two means,
#   as in lesson 1. They take two directions out of as many as the batch has samples, which in a large batch is next
#   to nothing.) Then ReLU's backward lets the gradient of two samples of four through, which halves its squared norm:
#   a factor of $0.5$. That is the second moment again, because ReLU keeps just as large a share of the squares.
#
# Together the squared norm of the gradient is multiplied by $0.5 / 0.3 = 1.667$ and its norm by
# $\sqrt{1.667} = 1.291$. Three layers of this kind multiply it by $1.291^3 = 2.15$, and ten by $1.291^{10} = 12.9$.
#
# And the matrix? If its entries have variance $s^2/n$, for layers of $n$ units, the forward pass scales the variation
# by $s$, so batch norm divides by $s$ as well; the backward pass multiplies the gradient by $s$. The two cancel. With
# batch norm it does not matter how large the initial weights are, and it makes no difference to the factor of a layer
# whether one takes He init or Xavier init.

# %% [markdown]
# Four samples are a toy. In a wide layer a unit sums many small random terms, and before its ReLU its values over the
# batch are close to Gaussian, with mean 0 and variance 1. For those the two numbers are integrals that you can do.
#
# ## Exercise 4.1: the second moment
# Let $z$ be Gaussian with mean 0 and variance 1. What is the second moment of $\max(z, 0)$? The squares of $z$
# average to 1, and ReLU keeps one half of a symmetric distribution.


# %% tags=["exercise"]
@lesson.exercise("4.1")
def second_moment():
    """Return E[max(z, 0)²] for z ~ N(0, 1)."""
    # BEGIN SOLUTION
    return 0.5
    # END SOLUTION


# %% [markdown]
# ## Exercise 4.2: the variance
# The mean of $\max(z, 0)$ is $1/\sqrt{2\pi} \approx 0.399$ if $z$ has variance 1. Use it, and exercise 4.1, to write
# the variance of $\max(z, 0)$ for a $z$ of mean 0 and *any* standard deviation `sigma`.


# %% tags=["exercise"]
@lesson.exercise("4.2")
def relu_variance(sigma):
    """Return Var[max(z, 0)] for z ~ N(0, sigma²)."""
    # BEGIN SOLUTION
    return sigma**2 * (1 / 2 - 1 / (2 * math.pi))
    # END SOLUTION


# %% [markdown]
# ## Exercise 4.3: the factor of many layers
# Put the two together as in the toy: one layer multiplies the *squared* norm of the gradient by the second moment
# over the variance. Write the factor of the *norm* over a number of layers.


# %% tags=["exercise"]
@lesson.exercise("4.3")
def growth(second_moment, variance, layers):
    """Return the factor of the gradient's norm over `layers` layers with batch norm and ReLU."""
    # BEGIN SOLUTION
    return math.sqrt(second_moment / variance) ** layers
    # END SOLUTION


# %%
one_layer = growth(second_moment(), relu_variance(1.0), 1)
lesson.say(rf"""
With your functions the factor of one layer is $\sqrt{{\pi/(\pi - 1)}} = {one_layer:.4f}$. That looks harmless. Over
{deepest} layers it is {power(growth(second_moment(), relu_variance(1.0), deepest))}.
""")

# %% [markdown]
# ## Experiment 1: is the factor right?
# We build plain nets of 256 units a layer and several depths, send one batch of 128 digits through them and back,
# and fit one factor to the norms of $\partial L/\partial x$ over the middle 80 % of the layers. Theory speaks of
# infinitely wide layers and large batches, so we also look at small batches, at the other usual init, and at layers
# without ReLU ("linear" in the table). For those, Yang et al. 2019 (arXiv 1902.08129) give the factor
# $\sqrt{(B-2)/(B-3)}$ for a batch of $B$ samples.


# %%
def measured(depth, **options):
    """Return the factors of plain nets with batch norm, one per seed, and theory's factor."""
    runs = gradflow.run("mlp", [depth], ["none"], ["bn"], width=256, seeds=P.seeds, **options)
    return [run.dx_factor for run in runs], runs[0].theory()


middle_depth = P.depths[len(P.depths) // 2] if not lesson.fast else min(P.depths)
factors = {(f"ReLU, {depth} layers, He", 128): measured(depth) for depth in P.depths}
factors["ReLU, Xavier", 128] = measured(middle_depth, inits=["xavier"])
for size in (16, 8):
    factors["ReLU, He", size] = measured(middle_depth, batch_size=size)
for size in (128, 16, 8):
    factors["linear, He", size] = measured(middle_depth, batch_size=size, activation="identity")

plain_factor = float(np.mean(factors[f"ReLU, {middle_depth} layers, He", 128][0]))
lesson.reveal("course", f"× {plain_factor:.4f} in each layer: it grows", value="it grows")
lesson.table(
    [
        {
            "layers": name,
            "batch": size,
            "measured factor": spread(found, "{:.4f}"),
            "theory": f"{theory:.4f}",
        }
        for (name, size), (found, theory) in factors.items()
    ]
)

# %%
off = max(
    abs(np.mean(found) / theory - 1) for (_, b), (found, theory) in factors.items() if b == 128
)
small = {size: float(np.mean(factors["ReLU, He", size][0])) for size in (16, 8)}
xavier = float(np.mean(factors["ReLU, Xavier", 128][0]))
linear, linear_theory = (float(np.mean(v)) for v in factors["linear, He", 128])
lesson.say(f"""
The first rows stand close to theory: {one_layer:.4f} expected, {plain_factor:.4f} measured with {middle_depth} layers.
(Of all rows with batches of 128 none is further off than {100 * off:.1f} %.) Xavier
init gives {xavier:.4f}, so the size of the weights really has cancelled. With batches of 16 and 8 samples the factor
rises to {small[16]:.3f} and {small[8]:.3f}: the explosion is *worse* for small batches. Theory's {one_layer:.4f} is for
large batches and does not know that. Without ReLU there is almost no explosion as long as the batch is large: for a
Gaussian of mean 0 the second moment and the variance are the same. (Almost: with batches of 128 the linear net grows by
{100 * (linear - 1):.1f} % a layer where its formula says {100 * (linear_theory - 1):.1f} %. The formula knows nothing
of what goes in. Digits resemble each other, and linear layers keep that: put random numbers in their place and see.)
""")

# %% [markdown]
# ## What the plot of a fresh net shows
# Here is the same for one depth as a picture: the norm of the gradient in front of each layer. Beside the plain net
# with batch norm stand its residual twin, in which the input $x$ of every two layers is added to what they compute,
# and the plain net without batch norm and with He init, which lesson 2 found to be level.

# %%
SHOWN = {"plain with batch norm": ("none", "bn"), "residual with batch norm": ("identity", "bn")}
SHOWN["without batch norm"] = ("none", "none")
profiles = {}
for name, (skip, norm) in SHOWN.items():
    runs = gradflow.run("mlp", [deepest], [skip], [norm], width=64, seeds=P.seeds)
    on_path = [[layer.dx_norm for layer in run.layers if layer.stream] for run in runs]
    norms = np.array(on_path)[:, ::-1]  # (seeds, layers), from the loss to the input
    places = np.arange(norms.shape[1]) * (2 if skip == "identity" else 1)
    profiles[name] = np.array([np.interp(np.arange(deepest + 1), places, row) for row in norms])
grown = {name: float(np.median(rows[:, -1] / rows[:, 0])) for name, rows in profiles.items()}
level = profiles["without batch norm"]
wander = float((level.max(axis=1) / level.min(axis=1)).max())
lesson.curves(
    "fresh_net",
    f"Batch norm makes the gradient of {deepest} plain layers explode by {math.log10(grown['plain with batch norm']):.1f} powers of ten",
    np.arange(deepest + 1),
    profiles,
    x="layers back from the loss",
    y="norm of ∂L/∂x",
    log="y",
    centre="geometric",
    note="Before training, 64 units a layer, batch of 128 digits.",
)
lesson.say(f"""
Read the figure from left to right, as the gradient travels: from the loss back to the input. The vertical axis is
logarithmic, so a straight line is a constant factor per layer. The plain net with batch norm rises straight, by
{math.log10(grown["plain with batch norm"]):.1f} powers of ten. Its residual twin grows by a factor of
{grown["residual with batch norm"]:.0f}, most of it near the input. Without batch norm the gradient of the plain net
drifts within a factor of {wander:.0f}. So of the three, the net *with* batch norm and without a skip is the one whose
gradient explodes.
""")

# %% [markdown]
# ## Scale invariance
# Before we train such a net we need one more fact, and it is the key to the case. Multiply the matrix $W$ in front
# of a batch norm by 10. Each unit's values become ten times larger, and so does their standard deviation, by which
# batch norm divides. The output is what it was. A function has **scale invariance** in some weights if multiplying
# them by any positive number $c$ changes nothing: $L(cW) = L(W)$.
#
# Two consequences follow from that one line, by differentiating it.
#
# - Differentiate both sides by $W$. On the left the chain rule brings out a factor $c$:
#   $c \, \nabla L(cW) = \nabla L(W)$. The gradient at weights that are ten times larger is *ten times smaller*.
#   Nothing is wrong with the layer; its loss has become ten times flatter around it, because the same turn now needs
#   a ten times longer step.
# - Differentiate both sides by $c$ at $c = 1$. The right side does not depend on $c$. So
#   $\langle \nabla L(W), W \rangle = 0$: the gradient is *orthogonal* to the weights, and a step of plain gradient
#   descent can only make the weights longer.
#
# A small example: let $W = (3, 4)$, of norm 5. The gradient must be orthogonal to it, for example $(0.8, -0.6)$, of
# norm 1. Take a step with rate 10: $W$ becomes $(3 - 8, 4 + 6) = (-5, 10)$. By Pythagoras its norm is
# $\sqrt{5^2 + 10^2} = 11.18$. If the loss is as steep in the new direction as in the old one, the gradient now has
# the norm $1 \cdot 5/11.18 = 0.447$.
#
# ## Exercise 4.4: after one step
# Write that for any norms. The step is that of plain gradient descent with the rate `lr`. Assume that the direction of
# $W$ has no influence on how steep the loss is, so that only the length of $W$ changes the gradient.


# %% tags=["exercise"]
@lesson.exercise("4.4")
def after_step(w_norm, g_norm, lr):
    """Return (norm of W, norm of the gradient) after one step of gradient descent."""
    # BEGIN SOLUTION
    longer = math.sqrt(w_norm**2 + (lr * g_norm) ** 2)
    return longer, g_norm * w_norm / longer
    # END SOLUTION


# %% [markdown]
# Let us not take scale invariance and its two consequences on trust. In float64, a random matrix, batch norm, ReLU and
# a random upstream: the output, the gradient and the angle, for $W$ and for $10 W$.


# %%
def layer_and_gradient(w, seed):
    """Return the output of a layer with batch norm, and ∂L/∂w, for fixed inputs and upstream."""
    rng = np.random.default_rng(seed)
    x, upstream = rng.standard_normal((2, 128, 64))
    w = mr.tensor(w, requires_grad=True)
    y = F.relu(F.batch_norm(F.linear(mr.tensor(x), w), None, None, training=True))
    y.backward(upstream)
    return y.data, w.grad


invariance = []
for seed in range(P.seeds):
    w = np.random.default_rng(100 + seed).standard_normal((64, 64)) / 8
    (y, g), (y10, g10) = layer_and_gradient(w, seed), layer_and_gradient(10 * w, seed)
    angle = abs((g * w).sum(axis=1)) / np.linalg.norm(g, axis=1) / np.linalg.norm(w, axis=1)
    invariance.append(
        (abs(y10 - y).max(), np.linalg.norm(g) / np.linalg.norm(g10), float(angle.max()))
    )
moved, ratio, cosine = np.max(invariance, axis=0)
lesson.say(f"""
Over {P.seeds} seeds: the output moves by at most {moved:.0e} (batch norm adds a small constant to the variance, else it
would be rounding), the gradient becomes {ratio:.4f} times smaller, and the cosine of the angle between a unit's weights
and their gradient is at most {cosine:.0e}.
""")

# %% [markdown]
# ## Experiment 2: the first fifty steps
# Now we train, as He et al. 2015 did: SGD with momentum 0.9 and rate 0.1, on batches of 128 digits. **Momentum** means
# that an optimiser adds to each of its steps a fixed part, here nine tenths, of the step before. **Weight decay** is a
# term of the optimiser that pulls every weight a little towards zero in each step. (They used it too, and images; the
# small nets here do without.) We watch the first and the last matrix of the stack. Three numbers tell how a matrix is
# doing: the norm of its gradient, its own norm $\lVert W \rVert$, and its relative update. The **relative update** of
# some weights is the length of the step that the optimiser takes divided by the length of the weights,
# $\lVert \Delta W \rVert / \lVert W \rVert$. Where only the direction of the weights counts, it tells how far they
# turn.
#
# In the helper, `train` is the training loop of minires and `Recorder` looks on at the chosen steps.

# %%
digits = load_digits()
inputs, labels = digits.x_train.reshape(len(digits.x_train), -1), digits.y_train
STEPS = (0, 1, 10, 50) if not lesson.fast else (0, 1, 10, 20)
LAST = STEPS[-1]


def watched(skip, depth, seed, rate=0.1, warm_up=0):
    """Train for a few steps; return the layers' records at STEPS, and what became of matrix 1.

    The last value is the cosine between the first matrix at the end and minus its first gradient.
    """
    net = models.mlp_stack(depth, 64, skip=skip, norm="bn", seed=seed)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    schedule = LinearWarmup(sgd, warm_up, 1 / warm_up) if warm_up else None
    recorders = {step: Recorder(net) for step in STEPS}
    w = net.body[0].linear1.weight
    losses = []
    for step in train(
        net, sgd, batches(inputs, labels, 128, seed), schedule=schedule, watch=recorders.get
    ):
        losses.append(step.loss)
        if step.index == 0:
            first = w.grad.copy()
        if step.index == LAST:
            break
    turned = -float((w.data * first).sum()) / np.linalg.norm(w.data) / np.linalg.norm(first)
    return {step: r.layers[:-1] for step, r in recorders.items()}, losses, turned


KINDS = {"plain": "none", "residual": "identity"}
story = {
    (kind, depth): [watched(skip, depth, seed) for seed in range(P.seeds)]
    for kind, skip in KINDS.items()
    for depth in P.depths
}


def median(kind, depth, what, step, layer=0):
    """Return the median over seeds of one quantity of one matrix (0: the first, -1: the last)."""
    return float(np.median([getattr(run[0][step][layer], what) for run in story[kind, depth]]))


grew = median("plain", deepest, "w_norm", 1)
lesson.reveal("weights", times(grew), value=grew)


# %%
def first_over_last(kind, depth, step):
    """Return the gradient norm of the first matrix over that of the last one."""
    return median(kind, depth, "dw_norm", step) / median(kind, depth, "dw_norm", step, -1)


lengthened = {net: median(*net, "w_norm", LAST) / median(*net, "w_norm", 0) for net in story}
lesson.table(
    [
        {
            "net": f"{kind}-{depth}",
            **{f"ratio, step {step}": times(first_over_last(kind, depth, step)) for step in STEPS},
            "first ‖W‖ grew": f"× {times(lengthened[kind, depth])}",
            "relative update": times(median(kind, depth, "update_ratio", LAST)),
        }
        for kind, depth in story
    ]
)
exploded = median("plain", deepest, "dw_norm", 0)
faded = median("plain", deepest, "dw_norm", LAST)
at_first, at_last = (first_over_last("plain", deepest, step) for step in (0, LAST))
lesson.say(f"""
A row is a net, and its numbers are medians over {P.seeds} seeds: the ratio of two norms, that of the first matrix's
gradient over that of the last one's, after so many steps; then by how much the first matrix itself has become longer by step {LAST}, and its
relative update there. Look at plain-{deepest}, the plain net of {deepest} layers. Before the first step the gradient of
its first matrix has norm {power(exploded)}, which is {power(at_first)} times that of the last one. After {LAST} steps
it is {power(faded)}, and the ratio is {power(at_last)}. Whoever looks at this net for the first time at step {LAST}
will say that its gradient vanishes.
""")

# %% [markdown]
# ## The case, step by step
# What happened in between? Follow the first matrix.

# %%
predicted = [
    after_step(run[0][0][0].w_norm, run[0][0][0].dw_norm, 0.1)[0] for run in story["plain", deepest]
]
found = [run[0][1][0].w_norm for run in story["plain", deepest]]
one_step_error = max(abs(a / b - 1) for a, b in zip(found, predicted, strict=True))
turned = min(run[2] for run in story["plain", deepest])
momentum_limit = median("plain", deepest, "w_norm", LAST) / (0.1 * exploded)
left_over = 0.1 * exploded * 0.9**LAST / median("plain", deepest, "w_norm", LAST)
update = median("plain", deepest, "update_ratio", LAST)
lesson.say(f"""
1. *It explodes.* At step 0 the gradient of the first matrix has norm {power(exploded)}.
2. *One huge step.* The rate is 0.1, so the matrix, whose norm is {median("plain", deepest, "w_norm", 0):.0f}, is moved
   by a tenth of the gradient. Afterwards it has norm {power(grew)}. Your formula of exercise 4.4 says the same (the two
   differ by {power(one_step_error)} of it). Nothing of the initial weights is left to see: the matrix *is* now the
   first gradient, times -0.1.
3. *Momentum repeats it.* SGD with momentum 0.9 repeats nine tenths of each step in the next one, in all
   $1/(1 - 0.9) = 10$ times. After {LAST} steps the norm is {momentum_limit:.1f} times the first step, and the cosine
   between the matrix and minus its first gradient is {turned:.4f}.
4. *The weights are long, so the gradient is small.* By scale invariance the norm of the gradient falls as the
   weights grow. That makes a good part of the "vanishing" of the table; how much, you will compute in exercise 4.5.
5. *The layer is frozen.* At step {LAST} the relative update of the first matrix is {update:.5f}. The momentum that is
   left of the very first step would alone give {left_over:.5f}. So nearly all that still moves the matrix is the echo
   of that step; what the net has seen since then hardly reaches it.
""")

# %% [markdown]
# This deserves a name. If the gradient is $1/\lVert W \rVert$ times something that depends on the direction alone,
# then a step of rate $\eta$ turns the weights by an angle of about $\eta / \lVert W \rVert^2$ times that something.
# The **effective learning rate** of weights with scale invariance is the rate divided by the square of their norm,
# $\eta / \lVert W \rVert^2$. In a net whose first matrix has become ten million times longer, the effective rate of
# this matrix has fallen by fourteen powers of ten. The optimiser is told 0.1 for all layers, and hears something
# else in each.

# %%
chosen = {f"step {step}": step for step in STEPS}
names = {"dw_norm": "plain net: gradient of the weights", "w_norm": "plain net: the weights"}


def by_layer(what, step):
    """Return (seeds, layers) of a quantity of the deepest plain net, from the loss to the input."""
    runs = story["plain", deepest]
    return np.array([[getattr(r, what) for r in reversed(run[0][step])] for run in runs])


lesson.curves(
    "by_layer",
    f"One step makes the first weights of {deepest} plain layers {times(grew / 11)} times longer, and their gradient fades",
    np.arange(deepest),
    {title: {n: by_layer(what, s) for n, s in chosen.items()} for what, title in names.items()},
    x="layers back from the loss",
    y="norm",
    log="y",
    centre="geometric",
    note="Rate 0.1, momentum 0.9. Both panels have the same scales.",
)
lesson.say(f"""
The first panel is the norm of each matrix's gradient, the second the norm of the matrix itself, again from the loss
back to the input, from light (step 0) to dark (step {LAST}). Both panels have the same scales, so that you can lay one
over the other. At step 0 the gradients are the straight line of the explosion, and all matrices have norm 11. At step 1
the two have changed places: the second panel now holds a copy of the straight line, at a tenth of its values, wherever
that is more than the old weights. That is the one huge step. From then on momentum lifts the weights, by no more than
another power of ten, while in the first panel all layers sink, those near the input the furthest: at step {LAST} they
lie below those near the loss.
""")

# %% [markdown]
# ## Exercise 4.5: vanished, or inflated?
# You are given a function `train(rate)`. It trains some net anew with that rate, watches one layer, and returns a
# dictionary with two lists, one number for each step: `"g"`, the norms of the gradient, and `"w"`, the norms of the
# weights. In every case `"g"` ends far below where it began. Find out why, and return `"vanishing"` if the gradient
# itself has become small, or `"inflated"` if mostly the weights have grown, so that
# $\lVert g \rVert \lVert W \rVert$ has fallen by fewer powers of ten than $\lVert W \rVert$ has risen. You may train
# at any rate you like; try the rate 0.1.


# %% tags=["exercise"]
@lesson.exercise("4.5")
def why_small(train):
    """Return "vanishing" or "inflated" for the layer that `train(rate)` watches."""
    # BEGIN SOLUTION
    seen = train(0.1)
    g, w = seen["g"], seen["w"]
    risen = math.log10(w[-1] / w[0])
    fallen = math.log10(g[0] * w[0] / (g[-1] * w[-1]))
    return "inflated" if risen > fallen else "vanishing"
    # END SOLUTION


# %%
def first_matrix(rate):
    """Train the deepest plain net at a rate, and return what its first matrix did."""
    records = watched("none", deepest, 0, rate)[0]
    return {
        "g": [records[step][0].dw_norm for step in STEPS],
        "w": [records[step][0].w_norm for step in STEPS],
    }


verdict = why_small(first_matrix)
seen = {step: record[0] for step, record in story["plain", deepest][0][0].items()}
risen = math.log10(seen[LAST].w_norm / seen[0].w_norm)
fallen = math.log10(seen[0].dw_norm * seen[0].w_norm / (seen[LAST].dw_norm * seen[LAST].w_norm))
lesson.say(f"""
Your function says of plain-{deepest}: "{verdict}". In numbers: the gradient of its first matrix has fallen by
{risen + fallen:.1f} powers of ten, of which the longer weights account for {risen:.1f}. The product of the two norms,
which does not depend on the length of the weights, has fallen by the other {fallen:.1f}. For this part there is another
reason: the matrices have not only become longer, most of them point elsewhere, and what we derived for random matrices
need not hold for those that the huge step left behind.
""")

# %% [markdown]
# ## Would a smaller rate help? Or a warm-up?
# If one huge step did the damage, make the first steps small. A **warm-up** is a phase at the start of training in
# which the learning rate rises from a small value to its full one. We try one of 50 steps, whose first step is fifty
# times smaller than before, and then a rate so small that the first matrix moves by no more than a tenth of its
# length in the first step. That rate is computed, not tuned: a tenth of $\lVert W \rVert$ over $\lVert g \rVert$.

# %%
gentle = 0.1 * median("plain", deepest, "w_norm", 0) / exploded
ways = {
    "rate 0.1": story["plain", deepest],
    "rate 0.1 after a warm-up": [watched("none", deepest, s, warm_up=50) for s in range(P.seeds)],
    f"rate {gentle:.0e}": [watched("none", deepest, s, gentle) for s in range(P.seeds)],
}


def last_loss(runs):
    """Return the median over seeds of the mean loss of the last five steps."""
    return float(np.median([np.mean(losses[-5:]) for _, losses, _ in runs]))


longer, bottom, top, final = {}, {}, {}, {}
for way, runs in ways.items():
    longer[way] = float(np.median([r[0][LAST][0].w_norm / r[0][0][0].w_norm for r in runs]))
    bottom[way] = float(np.median([r[0][1][0].update_ratio for r in runs]))
    top[way] = float(np.median([r[0][1][-1].update_ratio for r in runs]))
    final[way] = last_loss(runs)
lesson.table(
    [
        {
            "plain net": way,
            "first ‖W‖ grew": f"× {times(longer[way])}",
            "step 1: update of the first": times(bottom[way]),
            "update of the last": times(top[way]),
            "loss, last 5 steps": f"{final[way]:.2f}",
        }
        for way in ways
    ]
)
lesson.say(f"""
The updates are relative ones, and all numbers medians over {P.seeds} seeds. With the warm-up the first matrix still becomes {times(longer["rate 0.1 after a warm-up"])} times longer: fifty times
smaller than an enormous step is an enormous step. At the rate that suits the first matrix it becomes
{longer[f"rate {gentle:.0e}"]:.1f} times longer, but the last one moves by {power(top[f"rate {gentle:.0e}"])} of its
length: now the *upper* layers are frozen. The gradients of this net lie
{math.log10(exploded / median("plain", deepest, "dw_norm", 0, -1)):.0f} powers of ten apart, and no single rate serves
both ends. In its residual twin, at the rate of 0.1, the first matrix becomes only
{times(lengthened["residual", deepest])} times longer. (The losses say little yet: guessing among ten digits costs
$\\ln 10 = {math.log(10):.2f}$, and the twin is at {last_loss(story["residual", deepest]):.2f}. For nets of this depth
{LAST} steps are few.)
""")

# %% [markdown]
# ## Exercise 4.6: find the bug
# A colleague warms up over `n` steps and finds that after the first of them his matrices are as long as they were
# without a warm-up. This is his schedule. He added the last two words because a rate of 0 seemed pointless to him.
#
# ```python
# def rate(step, lr, n):
#     return lr * min(step / n, 1) or lr
# ```
#
# Write a schedule that rises linearly, `lr / n` at step 0, `2 * lr / n` at step 1 and so on, up to `lr`, and stays
# there. Before you do: what does his function return at step 0, and which step of this lesson did all the damage?


# %% tags=["exercise"]
@lesson.exercise("4.6")
def rate(step, lr, n):
    """Return the learning rate at a step (counted from 0) of a linear warm-up over n steps."""
    # BEGIN SOLUTION
    return lr * min((step + 1) / n, 1)
    # END SOLUTION


# %% [markdown]
# ## What people get wrong

# %%
middling = P.depths[-2] if len(P.depths) > 1 else deepest
settled = first_over_last("plain", middling, 10)
lesson.say(f"""
- *"Batch norm keeps every layer's values in range, so it keeps the gradients in range."* It keeps the values in range.
  The gradient of {deepest} fresh plain layers grew by a factor of {power(grown["plain with batch norm"])}.
- *"With a better init this would not happen."* He and Xavier init gave the factors {plain_factor:.3f} and {xavier:.3f}.
- *"The gradient of the first layers is tiny, so it vanishes."* In plain-{deepest} it was tiny mostly because the
  weights had become {times(longer["rate 0.1"])} times longer. Before you say "vanishing", look at $\\lVert W \\rVert$
  and at the relative update.
- *"The norms are healthy, so the layers learn."* After 10 steps the first and the last matrix of plain-{middling} have
  gradients that differ by a factor of {max(settled, 1 / settled):.1f} only. But the first matrix is
  {times(median("plain", middling, "w_norm", 10) / median("plain", middling, "w_norm", 0))} times longer than it was. A
  ratio of raw norms can look healthy *because* the weights were inflated.
""")

# %% [markdown]
# ## What the paper found
# - He et al. 2015 (arXiv 1512.03385, §4.1) write of their plain nets, which have batch norm, that the "backward
#   propagated gradients exhibit healthy norms", and conclude that vanishing gradients are unlikely to be the cause
#   of their trouble. Their plain nets had 18 and 34 layers there, and up to 56 in their Figure 6. In our nets this
#   is a fair description of the raw norms of 20 layers after some ten steps. It is not true of a fresh net with 56
#   layers. With 110 layers the ratio of first to last is healthy only for a moment, on its way from far above 1 to
#   far below. They note themselves (Figure 6) that the error of plain-110 stays above 60 %.
# - He et al. 2015 (§4.2) also warm their residual net of 110 layers up, with a rate of 0.01 until its training error
#   is below 80 %, after about 400 steps.
# - Yang et al. 2019 (arXiv 1902.08129, Theorem 8) prove the factor: with ReLU and batch norm the squared norm of the
#   gradient is multiplied by $\pi/(\pi - 1) \approx 1.467$ in each layer, however one initialises. They also observe
#   (abstract) that after a single step of optimisation the gradients have a "dramatically smaller dynamic range". You
#   have seen the step that does it, and what it does to the weights.
# - Ioffe and Szegedy 2015 (arXiv 1502.03167), who invented batch norm, conjectured that it brings the singular
#   values of the layers' Jacobians, the factors by which these stretch a vector, near 1. For fresh plain nets with
#   ReLU, Yang et al. 2019 show that it does not.

# %% [markdown]
# ## Remember
# - Batch norm counts the variance and ReLU's backward pass counts the second moment; their ratio makes the gradient of
#   a wide plain ReLU net of fully connected layers grow by $\sqrt{\pi/(\pi - 1)} \approx 1.21$ in each layer, whatever
#   the init.
# - Weights in front of a batch norm have no length that matters: make them ten times longer and the gradient is ten
#   times smaller, so what counts is the effective learning rate, the rate over the square of their norm.
# - In a very deep plain net with batch norm one huge step can inflate the lower weights and freeze them, which
#   afterwards looks like a vanishing gradient and began as an exploding one.

# %% [markdown]
# ## Read next
# - [Lesson 5](lesson_05_degradation.py): nets of 54 layers fail as well. Is the explosion the reason?
# - Yang et al. 2019, *A mean field theory of batch normalization* (arXiv 1902.08129): the proof, and much more.
# - He et al. 2015 (arXiv 1512.03385), §4.1: two paragraphs that this lesson lets you read critically.
