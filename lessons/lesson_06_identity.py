# ---
# title: The solution exists; why does SGD not find it?
# minutes: 50
# seconds: 35
# needs: lessons 3 and 5
# ---
# %% [markdown]
# # Lesson 6: The solution exists; why does SGD not find it?
#
# Lesson 5 ended with a riddle. A plain net with 54 layers fits the *training* data worse than one with 6, at every
# learning rate that was tried, and three times as many steps do not repair it. There are two kinds of explanation, and
# they call for different cures. Either the deep net is *unable* to compute a good function, so that no choice of its
# weights would do. Or good weights exist, and gradient descent, started where we start it, does not arrive at them.
#
# This lesson decides between the two, and it does so in the most convincing way there is: we *build* the good weights
# by hand. Then we look at how far away from them training may begin and still succeed. The answer leads to
# the idea of the residual network, and no net of this lesson contains a `+x`.
#
# You should know what He initialisation is (lesson 2), and that it keeps norms level over fifty layers without making
# the net trainable (lesson 3). Plan fifty minutes; the computer needs less than one.

# %%
import numpy as np

from minires import Tensor, data, models, nn, no_grad, optim
from minires import functional as F
from minires.experiments.record import Recorder
from minires.lessons import Lesson, spread
from minires.train import train

lesson = Lesson(6)
P = lesson.params(
    extra=50,
    seeds=3,
    epochs=10,
    noise=(0.1, 0.2, 0.3, 0.5, 1.0),
    layers=(1, 2, 4, 8, 16),
    steps=300,
    fast={"seeds": 1, "epochs": 4, "noise": (0.1, 1.0), "layers": (1, 8)},
    browser={
        "seeds": 1,
        "epochs": 5,
        "noise": (0.1, 0.3, 1.0),
        "layers": (1, 4, 16),
        "steps": 200,
    },
    full={"seeds": 5, "epochs": 20, "layers": (1, 2, 4, 8, 16, 32), "steps": 1000},
)
SHALLOW, WIDTH = 4, 64
DEEP = SHALLOW + P.extra

# %% [markdown]
# ## A layer that does nothing
#
# A fully connected ReLU layer computes $y = \max(Wx + b, 0)$. Which $W$ and $b$ make it do nothing at all? Take two
# units, the identity matrix for $W$, and $b = 0$. For the input $x = (0.5, 2)$ the layer computes
#
# $$Wx + b = (1 \cdot 0.5 + 0 \cdot 2,\; 0 \cdot 0.5 + 1 \cdot 2) = (0.5, 2), \qquad y = (0.5, 2).$$
#
# An **identity layer** is a layer whose output equals its input, so that it can be put into a net without changing
# what the net computes. The one above is such a layer for *this* input. For $x = (-1, 2)$ it is not: $Wx + b$ is
# still $(-1, 2)$, but the ReLU cuts the first number off, and $y = (0, 2)$.
#
# So a ReLU layer with $W = I$ and $b = 0$ is an identity layer exactly for inputs that are nowhere negative. That
# sounds like a restriction, and inside a ReLU net it is none: there the input of a layer is the output of another ReLU,
# and those are never negative. A tanh layer, in contrast, is never exactly an identity layer, because the curve of tanh
# is nowhere straight. With $W = I$ it moves every number a little towards zero, and fifty layers do so fifty times.

# %%
bent = 0.5
for _ in range(P.extra):
    bent = float(np.tanh(bent))
lesson.say(f"""
A single tanh turns 0.5 into {np.tanh(0.5):.3f}, which looks harmless; {P.extra} of them
turn it into {bent:.3f}. A stack of ReLU layers with W = I turns it into 0.5.
""")

# %% [markdown]
# ### Exercise 6.1: fifty layers of nothing
# Fifty ReLU layers with $W = I$ and $b = 0$ stand in a row. What comes out if $(-1.5, 0, 0.25, 3)$ goes in?


# %% tags=["exercise"]
@lesson.exercise("6.1")
def after_fifty_layers():
    """Return the four numbers that come out."""
    # BEGIN SOLUTION
    return (0.0, 0.0, 0.25, 3.0)
    # END SOLUTION


# %% [markdown]
# ### Exercise 6.2: write the layer
# The rest of the lesson needs such layers in any width. Weights have the shape (outputs, inputs).


# %% tags=["exercise"]
@lesson.exercise("6.2")
def identity_layer(width):
    """Return (W, b): arrays with which a ReLU layer leaves inputs that are not negative as they are."""
    # BEGIN SOLUTION
    return np.eye(width), np.zeros(width)
    # END SOLUTION


# %% [markdown]
# ## A deep net from a shallow one
#
# Now take a shallow net that has learned its task, and put identity layers behind its last ReLU, in front of the linear
# layer that produces the class scores. The result is deep, and it computes the same function. This is the argument of
# He et al. 2015 (arXiv 1512.03385, §1), which lesson 5 made with one unit. A **constructed solution** is a setting of a
# net's weights that somebody writes down by hand, to show that good weights exist, instead of finding it by training.
#
# ### Exercise 6.3: build the deep net's weights
# A net is given as two lists: `weights[i]` has the shape (outputs, inputs), `biases[i]` the shape (outputs,). After
# every layer but the last comes a ReLU. The last layer produces the scores, which may be negative. Return the lists of
# a net that is `extra` layers deeper and computes the same. You may use `identity_layer` when it passes its check.


# %% tags=["exercise"]
@lesson.exercise("6.3")
def deepen(weights, biases, extra):
    """Return (weights, biases) of a net with `extra` more layers that computes the same function."""
    # BEGIN SOLUTION
    width = len(biases[-2])  # outputs of the last layer that has a ReLU
    new = [identity_layer(width) for _ in range(extra)]
    more_weights = [*weights[:-1], *(w for w, _ in new), weights[-1]]
    more_biases = [*biases[:-1], *(b for _, b in new), biases[-1]]
    return more_weights, more_biases
    # END SOLUTION


# %% [markdown]
# ## Predict
# A net with four ReLU layers is trained on the digits until it makes no error on them. Fifty identity layers make it
# a net of 54 ReLU layers. Beside it we train nets of the same architecture, with the same number of weights, from He
# initialisation, at four learning rates, of which the one that is best for the first seed counts.

# %%
lesson.predict(
    "difference",
    "On paper the two nets are one function. In float32, which rounds, how far are their scores apart at most?",
)
lesson.predict(
    "sgd",
    f"Training error in % of {DEEP} layers, trained from He initialisation at the best rate?",
)

# %% [markdown]
# ## Experiment 1: build it, and let SGD look for it
#
# SGD with momentum 0.9 takes batches of 128 digits; the rate is divided by ten after half and after three quarters of
# the steps. The shallow net takes 20 epochs at the rate 0.05. There is no batch norm and no weight decay here, so that
# a net is its weights and nothing else. (Lesson 5's control without batch norm failed as those with it did.)

# %%
digits = data.load_digits()
x_train, y_train = digits.x_train.reshape(len(digits.x_train), -1), digits.y_train
RATES = (0.01, 0.003) if lesson.fast else (0.03, 0.01, 0.003, 0.001)


def linear_layers(net):
    """Return the linear layers of a net, in the order in which they act."""
    return [module for module in net.modules() if isinstance(module, nn.Linear)]


def with_weights(weights, biases):
    """Return a plain net with the given weights and biases."""
    net = models.mlp_stack(len(weights) - 1, WIDTH, seed=0)
    for layer, w, b in zip(linear_layers(net), weights, biases, strict=True):
        layer.weight.update_(np.asarray(w, np.float32))
        layer.bias.update_(np.asarray(b, np.float32))
    return net


def fit(net, rate, epochs, seed):
    """Train a net; return the training error of each epoch in %, NaN from where it diverged."""
    loader = data.DataLoader(
        x_train, y_train, batch_size=128, shuffle=True, seed=seed, drop_last=True
    )
    batches = (batch for _ in range(epochs) for batch in loader)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    total = epochs * len(loader)
    schedule = optim.lr_scheduler.MultiStepLR(sgd, [total // 2, total * 3 // 4])
    wrong = np.full(total, np.nan)
    for step in train(net, sgd, batches, schedule=schedule):
        if not step.diverged:
            wrong[step.index] = 100 * step.errors / len(step.y)
    return wrong.reshape(epochs, len(loader)).mean(axis=1)


def outcome(net):
    """Return (loss in nats, error in %) on all training digits, and the scores."""
    with no_grad():
        scores = net(Tensor(x_train))
    error = 100 * float((scores.data.argmax(axis=1) != y_train).mean())
    return float(F.cross_entropy(scores, y_train).item()), error, scores.data


shallow, built, differences, rows = [], [], [], []
for seed in range(P.seeds):
    net = models.mlp_stack(SHALLOW, WIDTH, init="he", seed=seed)
    fit(net, 0.05, 20, seed)
    ours = [layer.weight.data for layer in linear_layers(net)]
    biases = [layer.bias.data for layer in linear_layers(net)]
    shallow.append((ours, biases))
    built.append(with_weights(*deepen(ours, biases, P.extra)))
    before, after = outcome(net), outcome(built[-1])
    differences.append(float(np.abs(after[2] - before[2]).max()))
    for name, (loss, error, _) in ((f"{SHALLOW} layers", before), (f"{DEEP} layers", after)):
        rows.append(
            {"net": name, "seed": seed, "loss (nats)": f"{loss:.6f}", "error (%)": f"{error:.2f}"}
        )

lesson.reveal("difference", f"{max(differences):g}, in float32", value=max(differences))
lesson.table(rows)

# %% [markdown]
# The two rows of a seed agree in every digit, and that is no luck of rounding. A product with 1 and sums with 0 are
# exact in floating point, so the deepened net returns the same bits.
#
# So a net of this depth *can* fit the digits. It also stays there: the next cell lets SGD go on from the constructed
# weights, as if they were an initialisation. And it trains the same architecture from He initialisation.

# %%
kept = [fit(net, 0.003, P.epochs, seed) for seed, net in enumerate(built)]


def search(rate, seed):
    """Train the deep net from He initialisation; return the training error of each epoch in %."""
    return fit(models.mlp_stack(DEEP, WIDTH, init="he", seed=seed), rate, P.epochs, seed)


def last(runs):
    """Return each run's error in the last epoch; a run that diverged guesses, which is 90 %."""
    return [90.0 if np.isnan(run[-1]) else float(run[-1]) for run in runs]


first = {rate: search(rate, 0) for rate in RATES}
best_rate = min(RATES, key=lambda rate: last([first[rate]])[0])
searched = [first[best_rate], *(search(best_rate, seed) for seed in range(1, P.seeds))]
found, stayed = last(searched), last(kept)
lesson.reveal(
    "sgd", f"{spread(found, '{:.1f}')} %, at rate {best_rate}", value=float(np.mean(found))
)
lesson.curves(
    "existence",
    f"{DEEP} layers that make {np.mean(stayed):.1f} % errors exist; from He init SGD ends at {np.mean(found):.0f} %",
    np.arange(1, P.epochs + 1),
    {
        "SGD from the constructed weights": np.array(kept),
        "SGD from He init": np.array(searched),
    },
    x="epoch",
    y="training error (%)",
    highlight=["SGD from the constructed weights"],
    levels={"guessing": 90},
    note=f"From He init at the rate {best_rate}, the best of {len(RATES)}.",
)
by_rate = ", ".join(f"{last([run])[0]:.0f} % at {rate}" for rate, run in first.items())
lesson.say(f"""
The figure shows the training error, upwards, over the epochs, to the right. Both lines belong to one architecture;
they differ in where its weights began. Look at the right edge: the line at the bottom began at the constructed weights
and makes {np.mean(stayed):.2f} % errors to the end. The other line makes {np.mean(found):.0f} %. Its rate was chosen
with the first seed, which ended at {by_rate}. There is a way to be at the
bottom; SGD starts elsewhere and, in these {P.epochs} epochs, does not come near it.
""")

# %% [markdown]
# Be careful with the word "find". That SGD does not arrive within this budget does not say that it never would. He
# et al. 2015 (§1) are careful too: solvers are "unable to find solutions" as good as the constructed one, "or unable
# to do so in feasible time".
#
# ### Exercise 6.4: find the bug
# A colleague puts the identity layers in *front*, between the pixels and the first layer. Pixels and layers are both
# 64 wide, so nothing crashes, and yet the deep net no longer does what the shallow one did. What goes wrong?
#
# ```python
# def deepen_in_front(weights, biases, extra):
#     new = [identity_layer(weights[0].shape[1]) for _ in range(extra)]
#     return [w for w, _ in new] + weights, [b for _, b in new] + biases
# ```


# %%
def deepen_in_front(weights, biases, extra):
    new = [identity_layer(weights[0].shape[1]) for _ in range(extra)]
    return [w for w, _ in new] + weights, [b for _, b in new] + biases


broken = [outcome(with_weights(*deepen_in_front(*net, P.extra)))[1] for net in shallow]
lesson.say(f"""
The shallow nets make no error on the training digits. With the layers in front they make
{np.mean(broken):.0f} % errors. The pixels have been centred and run from {x_train.min():.2f} to {x_train.max():.2f}.
""")

# %% [markdown]
# The place in front can be saved, with a trick that shows what the bug is. Shift the input before the first ReLU so
# far that nothing is negative any more, let it pass, and take the shift back where the next real layer begins. The
# first inserted layer gets the bias `shift` in every unit, $y = \max(x + \text{shift}, 0)$, and the old first layer,
# which now receives $x + \text{shift}$ instead of $x$, gets a new bias that undoes it.


# %% tags=["exercise"]
@lesson.exercise("6.4")
def mend(w, b, lowest):
    """Return (shift, new_b): the smallest shift for inputs >= lowest, and the bias that undoes it.

    The layer w (outputs, inputs), b (outputs,) computed w @ x + b; x >= lowest everywhere, lowest < 0.
    """
    # BEGIN SOLUTION
    shift = -lowest
    return shift, b - w @ np.full(w.shape[1], shift)
    # END SOLUTION


# %%
mended = []
for weights, biases in shallow:
    shift, first_bias = mend(weights[0], biases[0], float(x_train.min()))
    new_weights, new_biases = deepen_in_front(weights, [first_bias, *biases[1:]], P.extra)
    mended.append(outcome(with_weights(new_weights, [new_biases[0] + shift, *new_biases[1:]]))[1])
lesson.say(f"""
Mended, the net with {P.extra} layers in front makes {np.mean(mended):.1f} % errors. The bug was not the identity
matrix: it was the ReLU, which had nothing to do behind other ReLUs and cut off all that was negative in the pixels.
""")

# %% [markdown]
# ### Exercise 6.5: what may be concluded?
# Write the argument of this lesson down as a rule, for any net. You are given the error of constructed weights
# (None if nobody has constructed any), the error that SGD reaches from its usual start, and the error that counts
# as good.


# %% tags=["exercise"]
@lesson.exercise("6.5")
def verdict(constructed_error, sgd_error, good):
    """Return "optimisation", "undecided" or "no problem": what the errors allow to conclude."""
    # BEGIN SOLUTION
    if sgd_error <= good:
        return "no problem"
    if constructed_error is not None and constructed_error <= good:
        return "optimisation"
    return "undecided"
    # END SOLUTION


# %%
lesson.say(f"""
For the {DEEP} layers above: {verdict(float(np.mean(stayed)), float(np.mean(found)), 5)}. For a net whose constructed
weights are bad too, the rule says: {verdict(60, 60, 5)}, because bad weights prove nothing about better ones.
""")

# %% [markdown]
# ## How hard is it to do nothing?
#
# In the constructed net the upper fifty layers have a job that sounds trivial: return the input. Is it trivial for
# *training*? Ask a small net for just that. It gets vectors of 32 numbers, each the absolute value of a Gaussian, and
# is to return them: the target is $y = x$. Its layers are 32 wide and start from He initialisation, with ReLU between
# them and none behind the last. Adam (lesson 5) takes a few hundred steps at three rates, and the one that is best for
# the first seed counts.
#
# The **normalised error** of a regression is its mean squared error divided by the variance of the target: 0 is
# perfect, and 1 is what a net reaches that has learned nothing but the mean.

# %%
FEATURES = 32


def do_nothing(depth, rate, seed):
    """Return the normalised error, over the last steps, of `depth` plain layers that learn y = x."""
    rng = np.random.default_rng(seed)
    stack = [nn.Linear(FEATURES, FEATURES) for _ in range(depth)]
    for layer in stack:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", rng=rng)
        nn.init.zeros_(layer.bias)
    adam = optim.Adam([p for layer in stack for p in layer.parameters()], lr=rate)
    errors = []
    for _ in range(P.steps):
        x = Tensor(np.abs(rng.standard_normal((128, FEATURES), dtype=np.float32)))
        y = stack[0](x)
        for layer in stack[1:]:
            y = layer(F.relu(y))
        adam.zero_grad()
        loss = ((y - x) ** 2).mean()
        loss.backward()
        adam.step()
        errors.append(float(loss.item()) / float(x.data.var()))
    return float(np.mean(errors[-20:]))


nothing = {}
for depth in P.layers:
    tried = {rate: do_nothing(depth, rate, 0) for rate in (0.01, 0.003, 0.001)}
    best = min(tried, key=tried.get)
    nothing[depth] = [tried[best], *(do_nothing(depth, best, s) for s in range(1, P.seeds))]
lesson.table(
    [
        {"plain layers": d, "normalised error of y = x": spread(e, "{:.3f}")}
        for d, e in nothing.items()
    ]
)
easiest, hardest = (float(np.mean(nothing[depth])) for depth in (P.layers[0], P.layers[-1]))
lesson.say(f"""
One layer learns to do nothing: its normalised error is {easiest:.3f}. It has no ReLU to fight with. With {P.layers[-1]}
layers the error is {hardest:.2f}. In {P.steps} steps the deeper stack learns *less* of doing nothing, although identity
layers would do it at every depth. He et al. 2015 (§3.1) suspected just this: "solvers might have difficulties in
approximating identity mappings by multiple nonlinear layers".
""")

# %% [markdown]
# ## Experiment 2: how far from the identity may training begin?
#
# One start succeeds, the identity; another fails, He initialisation. (In the last table of lesson 3 it was so with
# fifty layers, without anything trained before.) What lies between them? We perturb the fifty identity layers of the
# constructed net, $W = I + \sigma G$, where $G$ is a matrix of the kind that He initialisation draws and $\sigma$ says
# how much of it there is. With $\sigma = 0$ this is the constructed net. As $\sigma$ grows, the identity in the sum
# matters less and less, and the layers come closer to He layers.
#
# One trap must be avoided. A layer $I + \sigma G$ also makes its input *larger*, and fifty such layers make it larger
# fifty times, so a failure might be an explosion and say nothing about identities. So each perturbed layer is rescaled
# by one number, such that the root mean square of its output on the training digits is that of its input. The
# signal neither grows nor shrinks on the way up, whatever $\sigma$ is.

# %%
entries, norm = WIDTH * WIDTH, WIDTH**0.5
noise_norm = (entries * 2 / WIDTH) ** 0.5
lesson.say(f"""
How near is near? The squares of the {WIDTH} ones in I add up to {WIDTH}, so the norm of I is {norm:g}. The {entries}
entries of G have the variance 2/{WIDTH}, so the norm of G is about {noise_norm:.1f}. With σ = 0.2 the noise has
{0.2 * noise_norm / norm:.2f} of the norm of the identity. With σ = 1 it has {noise_norm / norm:.2f} of it, more than
the identity itself.
""")


# %%
def start_near_identity(sigma, seed, below):
    """Return the net `below` deepened by layers W = I + sigma G, rescaled to level signals."""
    weights, biases = deepen(*below, P.extra)
    rng, x = np.random.default_rng(1000 + seed), x_train
    for i, (w, b) in enumerate(zip(weights[:-1], biases[:-1], strict=True)):
        if i >= SHALLOW:
            w = w + sigma * rng.standard_normal(w.shape) * np.sqrt(2 / WIDTH)
            w = w * np.sqrt((x**2).mean() / (np.maximum(x @ w.T + b, 0) ** 2).mean())
            weights[i] = w
        x = np.maximum(x @ w.T + b, 0)
    return with_weights(weights, biases)


# %% [markdown]
# Before anything is trained, see what the perturbation does to the solution and to the gradients, and then predict.
# The last column compares the gradient by the input of the first perturbed layer with that of the last; 1 is level.


# %%
def gradient_ratio(net):
    """Return ‖∂L/∂x‖ at the first layer that was added, over that at the last."""
    with Recorder(net) as recorder:
        F.cross_entropy(net(Tensor(x_train)), y_train).backward()
    norms = [layer.dx_norm for layer in recorder.layers]
    return norms[SHALLOW] / norms[-2]


untrained, ratios = {}, {}
for sigma in P.noise:
    starts = [start_near_identity(sigma, seed, shallow[seed]) for seed in range(P.seeds)]
    untrained[sigma] = [outcome(net)[1] for net in starts]
    ratios[sigma] = [gradient_ratio(net) for net in starts]
lesson.table(
    [
        {
            "noise": sigma,
            "error before training (%)": spread(untrained[sigma], "{:.1f}"),
            "gradient, first / last": spread(ratios[sigma], "{:.2f}"),
        }
        for sigma in P.noise
    ]
)
lesson.predict(
    "near",
    "With the noise 0.2 the net errs nearly as often as a guess. Trained on from there, is the error",
    choices=("below 5 %", "between 5 % and 40 %", "above 40 %"),
)

# %%
NEAR_RATES = (0.003,) if lesson.fast else (0.003, 0.001)


def train_from(sigma, nets):
    """Return each seed's error after training from `nets`, deepened near the identity."""

    def error(rate, seed):
        return last([fit(start_near_identity(sigma, seed, nets[seed]), rate, P.epochs, seed)])[0]

    tried = {rate: error(rate, 0) for rate in NEAR_RATES}
    best = min(tried, key=tried.get)
    return [tried[best], *(error(best, seed) for seed in range(1, P.seeds))]


trained = {sigma: train_from(sigma, shallow) for sigma in P.noise}
NEAR = 0.2 if 0.2 in trained else P.noise[0]
near = float(np.mean(trained[NEAR]))
lesson.reveal(
    "near",
    f"{spread(trained[NEAR], '{:.1f}')} %, from {np.mean(untrained[NEAR]):.0f} % before training",
    value="below 5 %" if near < 5 else "between 5 % and 40 %" if near < 40 else "above 40 %",
)
after, farthest = "after training", float(np.mean(trained[P.noise[-1]]))
before = float(np.mean(untrained[NEAR]))
lesson.curves(
    "distance",
    f"Near the identity {DEEP} layers go from {before:.0f} % to {near:.1f} %; far from it they stop at {farthest:.0f} %",
    np.array(P.noise),
    {
        "before training": np.array([untrained[sigma] for sigma in P.noise]).T,
        after: np.array([trained[sigma] for sigma in P.noise]).T,
    },
    x="noise σ added to the identity (1: as much as He init)",
    y="training error (%)",
    highlight=[after],
    levels={"guessing": 90},
    note="Signals are level at every σ.",
)
lesson.say(f"""
The horizontal axis is the noise in the fifty added layers, the vertical one the training error. The grey curve is the
net before training, the coloured one the same net afterwards; of {len(NEAR_RATES)} rates, the one that is best for the
first seed counts. Look at the noise {NEAR}: the grey curve stands at {before:.0f} %, where guessing
has 90, and yet training brings the error to {near:.1f} %. At the right end the same training, with signals exactly as
level, stops at {farthest:.0f} %.
""")

# %% [markdown]
# Take a moment for this result. The net with the noise 0.2 did *not* start at a solution: its start was hardly better
# than a guess. What it had was added layers that are each *nearly* the identity. And what the net on the right lacks is
# not a level signal, for it has that, nor a level gradient, for the last column of the table is about the same for
# both, nor the ability to fit the data, for we have built the weights that do. (Level *sizes* do not rule out that the
# gradients are shattered, as lesson 3 has shown.)
#
# A sceptic objects: the start did know something. Its four lowest layers and its head, the linear layer that produces
# the scores, are those of the trained shallow net. That cannot explain why the two ends of the figure differ, for they
# have these layers in common. But it may be the reason why the near end is so good. So we repeat both ends with the
# four layers and the head untrained, as He initialisation left them.

# %%
fresh = []
for seed in range(P.seeds):
    layers = linear_layers(models.mlp_stack(SHALLOW, WIDTH, init="he", seed=seed))
    fresh.append(([layer.weight.data for layer in layers], [layer.bias.data for layer in layers]))
unlearned = {sigma: train_from(sigma, fresh) for sigma in (NEAR, P.noise[-1])}
near_fresh, far_fresh = (float(np.mean(unlearned[sigma])) for sigma in (NEAR, P.noise[-1]))
lesson.say(f"""
With nothing learned before, the noise {NEAR} ends at {spread(unlearned[NEAR], "{:.0f}")} % and the noise
{P.noise[-1]:g} at {spread(unlearned[P.noise[-1]], "{:.0f}")} %. So the sceptic is right about a part: the trained
layers took {near_fresh - near:.0f} points off the error near the identity. But the {far_fresh - near_fresh:.0f} points
between the two ends remain, and they are due to the start of the added layers.
""")

# %% [markdown]
# ### Exercise 6.6: design the experiment
# "How far may one start from the identity?" is a question with an answer only when you say what counts. Write the
# procedure: `error(sigma, seed)` runs one training and returns its error in %. Trainings are expensive, so call it
# at most once for each pair. A noise counts as trainable when *every* one of the seeds 0, 1 and 2 ends below 5 %.
# Return the largest noise in `sigmas`, which are sorted upwards, up to which all noises are trainable; 0 if none is.


# %% tags=["exercise"]
@lesson.exercise("6.6")
def farthest_start(error, sigmas):
    """Return the largest noise up to which all are trainable with the seeds 0, 1 and 2; else 0."""
    # BEGIN SOLUTION
    largest = 0
    for sigma in sigmas:
        if any(error(sigma, seed) >= 5 for seed in (0, 1, 2)):
            break
        largest = sigma
    return largest
    # END SOLUTION


# %%
limit = farthest_start(lambda sigma, seed: trained[sigma][seed % P.seeds], P.noise)
lesson.say(f"""
With the trainings of the figure, your procedure answers {limit}. It is an answer about {DEEP} layers, these rates and
{P.epochs} epochs. Another budget may move it; `--full` trains twice as long.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
- *"Very deep plain nets cannot represent what shallow ones can."* The {DEEP}-layer plain net above represents exactly
  what the {SHALLOW}-layer net does: the largest difference of its scores was {max(differences):g}.
- *"Very deep plain nets cannot be trained."* The one that began near the identity, without a skip and without batch
  norm, went from {np.mean(untrained[NEAR]):.0f} % to {near:.1f} %, and to {near_fresh:.0f} % when nothing in it had
  been trained before.
- *"The deep net fails because its signals vanish or explode."* In Experiment 2 the signal was level by construction, at
  every noise. The gradient at the first of the added layers had {np.mean(ratios[NEAR]):.2f} of its size at the last one
  for the noise {NEAR}, and {np.mean(ratios[P.noise[-1]]):.2f} for the noise {P.noise[-1]:g}. The errors after training
  were {near:.1f} % and {farthest:.0f} %.
- *"Learning to copy the input is easy, the net only has to set W = I."* With {P.layers[-1]} layers the normalised error
  of the copy was {hardest:.2f}, with one layer {easiest:.3f}.
""")

# %% [markdown]
# ## What the paper found
#
# He et al. 2015 (arXiv 1512.03385, §1) give the construction of this lesson and conclude that a deeper model "should
# produce no higher training error than its shallower counterpart". Then they show that it does, when SGD has to find
# it: Figure 1 for CIFAR-10 with 20 and 56 layers, Figure 4 for ImageNet with 18 and 34. The error on the validation
# images of ImageNet is higher too, 28.54 % with 34 layers and 27.94 % with 18 (Table 2).
#
# That a start near the identity can be enough without any skip has been used since. Le, Jaitly and Hinton 2015 (arXiv
# 1504.00941) start recurrent nets of ReLUs with the identity matrix. Xiao et al. 2018 (arXiv 1806.05393) train a plain
# convolutional net of 10,000 layers "simply by using an appropriate initialization". It is orthogonal: like the
# identity it keeps all lengths, but it is not near the identity. So other good starts exist besides the one of this
# lesson. Lesson 5 had another exception: with sigmoid in the place of ReLU its plain net trained from He init.
#
# ## Remember
# - A 54-layer plain net contains every shallower net of its width, exactly, because a ReLU layer with $W = I$ and
#   $b = 0$ passes on what is not negative; that SGD from He initialisation ends far above it is a failure of
#   optimisation.
# - Doing nothing is hard to learn for a stack of plain layers, and the deeper the stack, the less of it is learned in
#   the same number of steps.
# - A deep plain ReLU net trains if its layers start *near* the identity, even where that start errs like a guess; with
#   as much noise as He init on top it does not, although signals and gradients are as level.
#
# ## Read next
# Lesson 7 turns the last sentence around. If layers should start near "do nothing", why not build the net so that
# every small weight means "do nothing"? That is `y = F(x) + x`.
