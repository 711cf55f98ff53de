# ---
# title: The degradation problem: why does a deeper net train worse?
# minutes: 50
# seconds: 45
# needs: lessons 2, 3 and 4
# ---
# %% [markdown]
# # Lesson 5: The degradation problem: why does a deeper net train worse?
#
# Add layers to a network and it can compute more. So it should fit its training data better, or at least as well. In
# 2015 He and others reported the opposite: a plain network of 56 layers had a *higher* error than one of 20, on the
# very images it was trained on. Residual networks were invented as the answer to this observation, so it is worth
# knowing exactly what was observed, and what was not. (You have seen something like it: in lesson 3 the error of plain
# nets without batch norm grew with depth. Theirs had batch norm, and so have ours here.)
#
# In this lesson you reproduce it on a small scale, and then you do what a good experimenter does with a surprising
# result: you try to explain it away. Was the learning rate wrong? Was the training too short, the optimiser too
# simple, the initialisation bad? Lesson 4 even offers a suspect with a motive, the exploding gradient. Each suspicion
# becomes an experiment, and each experiment is done where the claim is made: at 54 layers, over several seeds, and
# without granting the residual net anything that the plain net does not get.
#
# You should know what batch norm does to gradients (lesson 4). Reading and exercises take about 50 minutes, running
# takes less than a minute. Four experiments that take longer are only run by `minires lessons run 5 --full`; the text
# says so where they belong.

# %%
import itertools
import math

import numpy as np

from minires import degradation, gradflow, models, nn, optim
from minires.data import DataLoader, load_digits
from minires.degradation import Recipe
from minires.lessons import Lesson, spread
from minires.record import norm
from minires.train import train

lesson = Lesson(5)
P = lesson.params(
    depths=(6, 18, 54),
    seeds=3,
    epochs=6,
    rates=(0.003, 0.01, 0.03, 0.1),
    fast={"depths": (6, 54), "seeds": 1, "epochs": 2, "rates": (0.01, 0.03)},
    browser={"depths": (6, 54), "seeds": 2, "epochs": 2, "rates": (0.01, 0.03)},
    full={
        "depths": (6, 18, 54, 108),
        "seeds": 5,
        "epochs": 20,
        "rates": (0.001, 0.003, 0.01, 0.03, 0.1),
    },
)
P.depths = sorted(set(P.depths))
side_controls = lesson.full or lesson.fast  # not by default: they take a third of the time
claimed = max([depth for depth in P.depths if depth <= 54] or P.depths)  # where the claim is made
KINDS = {"plain": "none", "residual": "identity"}

# %% [markdown]
# ## A deeper net contains the shallower one
#
# Why is the observation surprising at all? Because of an argument by construction. Take a trained net whose last
# layer gives $h = \max(2x, 0)$. Put one more layer behind it, with weight 1: $\max(1 \cdot h, 0)$. As $h$ is never
# negative, this is $h$ again. The deeper net computes the same function, and has the same error. So a deeper net
# *can* be as good, and one expects training to make it at least as good.
#
# Batch norm does not spoil this. Say a unit gives $0, 0, 0.447, 1.342$ for four samples, as in lesson 4. Its mean is
# $0.447$ and its standard deviation $0.548$. Batch norm turns the values into $-0.816, -0.816, 0, 1.633$. But then
# it multiplies by a learnable weight and adds a learnable bias. With $0.548$ for the weight and $0.447$ for the bias
# the old values are back. There are weights with which an added layer does nothing, also with batch norm.
#
# Now the words. In **overfitting** a net has a low training error and a higher error on new data: it fits what it has
# seen and errs on the rest. **Degradation** means that a deeper net has a higher *training* error than a shallower one
# that it contains. These are different troubles with different cures, and the first exercise after the experiment is
# about telling them apart.

# %% [markdown]
# ## Predict
# We train plain nets of several depths with batch norm, and the residual twin of each. The one thing in which these
# twins differ is the $+x$.

# %%
lesson.predict(
    "plain",
    f"Training error in % of the plain net with {claimed} layers after {P.epochs} epochs? (Guessing gives 90.)",
)
lesson.predict("residual", "And that of its residual twin?")

# %% [markdown]
# ## Exercise 5.1: are the twins equally large?
# The residual net adds the input of every two layers to their output, and the addition has no parameters. Count those
# of the plain net: `depth` matrices 64 → 64 without bias, each followed by batch norm with a weight and a bias per
# unit, and at the end a linear layer 64 → 10 with a bias.


# %% tags=["exercise"]
@lesson.exercise("5.1")
def parameters(depth):
    """Return the number of parameters of the plain net with `depth` layers of 64 units."""
    # BEGIN SOLUTION
    return depth * (64 * 64 + 2 * 64) + 64 * 10 + 10
    # END SOLUTION


# %%
counted = {
    kind: sum(p.size for p in models.mlp_stack(18, 64, skip=skip, norm="bn").parameters())
    for kind, skip in KINDS.items()
}
lesson.say(f"""
With 18 layers your formula gives {parameters(18)} parameters. The plain net has {counted["plain"]} of them, and the
residual one has {counted["residual"]}. Whatever the difference between the two will be, it does not come from their
size.
""")

# %% [markdown]
# ## Experiment 1: degradation
# The data are the digits of the UCI repository, 8 × 8 pixels each, 1500 for training. The recipe: SGD with momentum
# 0.9, rate 0.01, weight decay 1e-4, batches of 128 digits, He init. After one half of the steps the rate is cut to a
# tenth, after three quarters once more. The error is that of the training batches as they ran, averaged over the last
# epoch. (In evaluation mode batch norm uses its running statistics, which lag behind in a training as short as ours.
# We want to see what the optimiser has reached, and not this lag.)


# %%
def trained(kind, depth, init="he", batch_norm=True, **recipe):
    """Train the net with every seed; return the curves. `recipe` changes what the recipe says."""
    how = Recipe(**{"epochs": P.epochs} | recipe)
    return degradation.run(
        "mlp", [depth], [KINDS[kind]], "bn" if batch_norm else "none", init, P.seeds, recipe=how
    )


def errors(curves):
    """Return the training errors in % over the last epoch, None where a net diverged."""
    return [None if c.final_error is None else 100 * c.final_error for c in curves]


def mean(values):
    """Return the mean of the seeds that did not diverge."""
    return float(np.mean([v for v in values if v is not None] or [math.nan]))


base = {(kind, depth): trained(kind, depth) for kind in KINDS for depth in P.depths}
asis = {kind: errors(base[kind, claimed]) for kind in KINDS}
lesson.reveal("plain", f"{spread(asis['plain'], '{:.1f}')} %", value=mean(asis["plain"]))
lesson.reveal("residual", f"{spread(asis['residual'], '{:.1f}')} %", value=mean(asis["residual"]))

# %%
lesson.table(
    [
        {"training error in %": kind}
        | {f"{d} layers": spread(errors(base[kind, d]), "{:.1f}") for d in P.depths}
        for kind in KINDS
    ]
)
ends = {kind: float(np.mean([c.losses[-1] for c in base[kind, claimed]])) for kind in KINDS}
lesson.curves(
    "training_curves",
    f"{claimed} plain layers end at a training loss of {ends['plain']:.2f}, their residual twins at {ends['residual']:.2f}",
    np.arange(1, P.epochs + 1),
    {
        kind: {
            f"{d} layers": np.array(
                [c.losses + [np.nan] * (P.epochs - len(c.losses)) for c in base[kind, d]]
            )
            for d in P.depths
        }
        for kind in KINDS
    },
    x="epoch",
    y="training loss (nats)",
    log="y",
    centre="geometric",
    marks={"rate / 10": P.epochs / 2 + 0.5, "rate / 100": 0.75 * P.epochs + 0.5},
)
lesson.say(f"""
Time runs to the right, in epochs; upwards is the training loss, on a logarithmic scale; guessing costs
{math.log(10):.2f}. The vertical lines are the cuts of the rate, after which every curve bends because the steps become
shorter: a plateau to the right of them is not convergence. Look at the order of the shades. Among the plain nets the
deepest is the worst from the second epoch to the last, and its curve is nearly level. The residual net of {claimed}
layers ends at an error of {mean(asis["residual"]):.1f} %, where its plain twin is left with {mean(asis["plain"]):.1f}
%.
""")

# %% [markdown]
# ## Exercise 5.2: degradation or overfitting?
# You are given four errors between 0 and 1, of a shallow and of a deep net, on training and on test data. Errors
# scatter from run to run, so one counts as higher only if it is higher by more than `margin`. Return `"degradation"`
# if the deep net has the higher training error, `"overfitting"` if it has not, but has the higher test error, and
# `"neither"` otherwise.


# %% tags=["exercise"]
@lesson.exercise("5.2")
def diagnose(shallow_train, deep_train, shallow_test, deep_test, margin):
    """Return "degradation", "overfitting" or "neither" for the deeper of two nets."""
    # BEGIN SOLUTION
    if deep_train > shallow_train + margin:
        return "degradation"
    return "overfitting" if deep_test > shallow_test + margin else "neither"
    # END SOLUTION


# %%
shallow = P.depths[0]
found = {
    (kind, depth): (
        mean([c.final_error for c in base[kind, depth]]),
        mean([c.test_error for c in base[kind, depth]]),
    )
    for kind in KINDS
    for depth in (shallow, claimed)
}
diagnosis = {}
for kind in KINDS:
    (shallow_train, shallow_test), (deep_train, deep_test) = (
        found[kind, shallow],
        found[kind, claimed],
    )
    diagnosis[kind] = diagnose(shallow_train, deep_train, shallow_test, deep_test, 0.05)
lesson.table(
    [
        {"net": f"{kind}-{depth}", "training error": f"{a:.3f}", "test error": f"{b:.3f}"}
        for (kind, depth), (a, b) in found.items()
    ]
)
lesson.say(f"""
With a margin of 0.05 your function says "{diagnosis["plain"]}" of the plain nets and "{diagnosis["residual"]}" of the
residual ones. What the plain net of {claimed} layers gets wrong on new digits is not due to fitting the old ones too
well: it does not fit those either.
""")

# %% [markdown]
# ## What could explain it away? Five controls
# A **control** is an experiment that differs from another one in a single thing, so that what it changes can be
# blamed on that thing. There are five obvious things to blame. Each gets a control at this depth, on *both* arms
# of the comparison, the plain and the residual net: if we search for a better setting of one, we must grant the other
# the same search. Where only the plain net gets a change, the comparison leans to its side, and a gap that remains is
# all the more certain.
#
# 1. *Overfitting.* That was exercise 5.2.
# 2. *The learning rate.* Perhaps 0.01 happens to suit one arm. So we do a sweep. A **sweep** trains with several
#    values of one setting and takes the best of them. Each arm gets its own best. It should not be the smallest or the
#    largest value that was tried: beyond it there might be a better one.
# 3. *The number of steps.* Perhaps the deep net is only slower. So we train the plain net three times as long.
# 4. *The optimiser*, with `--full`. **Adam** is an optimiser that divides each entry of the gradient by a running
#    estimate of that entry's own size, so that all weights move about equally far, however large their gradients are.
# 5. *The initialisation*, with `--full`. With an **orthogonal init** every matrix starts as a rotation or a
#    reflection, which changes no lengths and no angles, where He init draws independent numbers.
#
# ## Exercise 5.3: the best of a sweep
# A sweep is a dictionary from rates to lists of errors, one for each seed. An error is `None` where the net diverged.
# Such a rate does not count, even if other seeds did well: nobody would rely on it.


# %% tags=["exercise"]
@lesson.exercise("5.3")
def best_of_sweep(sweep):
    """Return (rate, mean error) of the rate whose mean error over the seeds is lowest."""
    # BEGIN SOLUTION
    means = {rate: sum(e) / len(e) for rate, e in sweep.items() if None not in e}
    rate = min(means, key=means.get)
    return rate, means[rate]
    # END SOLUTION


# %%
sweep = {
    kind: {
        rate: asis[kind] if rate == 0.01 else errors(trained(kind, claimed, lr=rate))
        for rate in P.rates
    }
    for kind in KINDS
}
best = {kind: best_of_sweep(sweep[kind]) for kind in KINDS}
lesson.table(
    [
        {"training error in %": f"{kind}-{claimed}"}
        | {f"rate {rate}": spread(sweep[kind][rate], "{:.1f}") for rate in P.rates}
        for kind in KINDS
    ]
)

# %%
tripled = {depth: errors(trained("plain", depth, epochs=3 * P.epochs)) for depth in (18, claimed)}
residual_18 = mean(errors(base["residual", 18] if 18 in P.depths else trained("residual", 18)))
plain_18 = mean(errors(base["plain", 18] if 18 in P.depths else trained("plain", 18)))
lesson.say(f"""
*Rate.* The best rate leaves the plain net {best["plain"][1]:.1f} % (rate {best["plain"][0]}) and the residual net
{best["residual"][1]:.1f} % (rate {best["residual"][0]}).

*Steps.* Three times the steps bring plain-{claimed} from {mean(asis["plain"]):.1f} to {mean(tripled[claimed]):.1f} %.
It keeps improving, so it is slow and not stuck, but it is nowhere near its twin, which needed a third of them. Now the
honest half of this control: at 18 layers it is different. There three times the steps bring the plain net from
{plain_18:.1f} to {mean(tripled[18]):.1f} %, and its twin has {residual_18:.1f} % after the short training. At 18 layers
the trouble *is* mostly a lack of steps. Whoever had done this control at 18 layers only would have explained the effect
away, wrongly.
""")

# %%
adam, orthogonal = {}, {}  # arm -> the errors of the seeds
if side_controls:
    adam_sweep = {
        kind: {
            rate: errors(trained(kind, claimed, optimizer="adam", lr=rate, weight_decay=0.0))
            for rate in ((0.001, 0.003, 0.01) if lesson.full else (0.003,))
        }
        for kind in KINDS
    }
    adam = {kind: rates[best_of_sweep(rates)[0]] for kind, rates in adam_sweep.items()}
    orthogonal = {kind: errors(trained(kind, claimed, init="orthogonal")) for kind in KINDS}
    lesson.say(f"""
*Optimiser.* Adam, at the best of {len(adam_sweep["plain"])} rates for each arm, leaves {mean(adam["plain"]):.1f} % and
{mean(adam["residual"]):.1f} %.

*Initialisation.* An orthogonal init leaves {mean(orthogonal["plain"]):.1f} % and {mean(orthogonal["residual"]):.1f} %.
That is one other init and not all of them. Lesson 6 tries one that starts at the identity, and the story changes.
""")
else:
    lesson.say("""
*Optimiser* and *initialisation* are still open: these two controls are run by `minires lessons run 5 --full`. One
other init, which starts at the identity, is tried in lesson 6, and there the story changes.
""")

# %% [markdown]
# ## Exercise 5.4: find the bug
# A colleague reports a huge advantage of residual nets. He has two sweeps like those of exercise 5.3. This is how he
# computes the advantage:
#
# ```python
# def advantage(plain, residual):
#     usual = plain[0.01]
#     lucky = [e for errors in residual.values() for e in errors if e is not None]
#     return sum(usual) / len(usual) - min(lucky)
# ```
#
# He treats the two arms differently in two ways. Write the function so that both are treated alike: the mean over
# seeds at the best rate of each. You may use your `best_of_sweep`, or write all of it here.


# %% tags=["exercise"]
@lesson.exercise("5.4")
def advantage(plain, residual):
    """Return by how many points the best mean error of `residual` is below that of `plain`."""

    # BEGIN SOLUTION
    def best(sweep):
        return min(sum(e) / len(e) for e in sweep.values() if None not in e)

    return best(plain) - best(residual)
    # END SOLUTION


# %%
gap = advantage(sweep["plain"], sweep["residual"])
lesson.say(f"Treated alike, the residual net of {claimed} layers is {gap:.1f} points better.")

# %% [markdown]
# ## The suspect: the explosion
# The controls leave the effect where it was. Lesson 4 offers a cause: with batch norm the gradient of a fresh
# plain net grows by a factor of 1.21 in each layer on its way back, the lower matrices take huge steps, and become
# so long that they hardly turn any more. Is *that* why plain nets of this depth do not train?
#
# Before you look: what do you think?

# %%
lesson.predict(
    "cause",
    "If nothing else is changed, but the explosion is taken away, will the plain net train?",
    choices=("yes, nearly like its twin", "no, it stays far behind"),
)

# %% [markdown]
# ## Experiment 2: the explosion, and how long it lasts
# He et al. 2015 (§4.1) found "healthy norms" in their plain nets. Here is the ratio of the gradient's norm at the
# first layer to that at the last, before the first step and after ten.

# %%
flow = gradflow.run(
    "mlp", [claimed], list(KINDS.values()), ["bn"], width=64, steps=(0, 1, 10), seeds=P.seeds
)
ratios = {
    (kind, step): [
        np.divide(*run.dx_ends()) for run in flow if (run.setting.skip, run.step) == (skip, step)
    ]
    for kind, skip in KINDS.items()
    for step in (0, 1, 10)
}
lesson.table(
    [
        {"first / last gradient": f"{kind}-{claimed}"}
        | {
            f"step {s}": f"{min(ratios[kind, s]):.0f} to {max(ratios[kind, s]):.0f}"
            for s in (0, 1, 10)
        }
        for kind in KINDS
    ]
)
settled = float(np.median(ratios["plain", 10]))
lesson.say(f"""
The explosion of the plain net is real: a factor of {np.median(ratios["plain", 0]):.0f} before the first step. It also
fades quickly: after ten steps a factor of {settled:.0f} is left. The residual net, which trains, begins with a factor
of {np.median(ratios["residual", 0]):.0f}, so some explosion can be borne. That is a first doubt about the suspect, but
not an acquittal: the ten steps may have done damage that lasts, as in lesson 4.
""")

# %% [markdown]
# ## Experiment 3: take the explosion away
# So we prevent the damage, in every way we know. Two are usual remedies, two are surgery.
#
# - *A warm-up* (lesson 4) over the first two epochs, with `--full`: the first steps are small.
# - *Clipping.* **Gradient clipping** scales all gradients by one factor whenever their common norm is above a limit.
#   The limit here is not tuned: it is the norm that the gradient of the residual twin has at its first step. As most
#   of the gradient is then cut off, we grant the plain net a rate of 0.1, which the sweep has tried without clipping.
#   (`--full` tries 0.01 as well.)
# - *Equal steps.* Before each update, the gradient of every parameter is rescaled to a fixed norm, the *same* in all
#   layers of the stack. No layer can take a huge step; what is left of the gradient is its direction alone.
# - *No batch norm.* Lesson 2: a plain net with He init and no batch norm has the factor 1, so it has no explosion at
#   all.
#
# The surgery needs an optimiser of our own, which changes each gradient just before the step.


# %%
class Rescaled(optim.SGD):
    """SGD that multiplies the gradient of each parameter by `factor(layer, parameter)`."""

    def __init__(self, net, factor, lr):
        super().__init__(net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
        self.factor, self.layers, layer = factor, [], -1
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.BatchNorm1d):
                layer += isinstance(module, nn.Linear)  # batch norm belongs to the layer before
                self.layers += [(layer, p) for p in module.parameters()]

    def step(self):
        for layer, p in self.layers:
            p.grad *= np.float32(self.factor(layer, p))
        super().step()


digits = load_digits()
inputs, labels = digits.x_train.reshape(len(digits.x_train), -1), digits.y_train


def trained_rescaled(kind, factor, lr):
    """Train as above with rescaled gradients; return the training errors in % of the last epoch."""
    found = []
    for seed in range(P.seeds):
        net = models.mlp_stack(claimed, 64, skip=KINDS[kind], norm="bn", seed=seed)
        loader = DataLoader(inputs, labels, batch_size=128, shuffle=True, seed=seed, drop_last=True)
        sgd = Rescaled(net, factor, lr)
        cuts = Recipe().cuts(P.epochs * len(loader))
        schedule = optim.lr_scheduler.MultiStepLR(sgd, cuts)
        epochs = itertools.chain.from_iterable(itertools.repeat(loader, P.epochs))
        wrong = [step.errors / len(step.y) for step in train(net, sgd, epochs, schedule=schedule)]
        found.append(100 * float(np.mean(wrong[-len(loader) :])))
    return found


def equal(layer, p):
    """Every gradient gets the norm √rows: 8 in the stack, near the norm of a fresh matrix."""
    return math.sqrt(len(p.data)) / max(norm(p.grad), 1e-30)


# %%
first_norms = [
    math.sqrt(sum(layer.dw_norm**2 for layer in run.layers))
    for run in flow
    if (run.setting.skip, run.step) == ("identity", 0)
]
limit = float(np.mean(first_norms))
warm = errors(trained("plain", claimed, warmup=22)) if side_controls else None
clip_rates = (0.01, 0.1) if lesson.full else (0.1,)
clipped = {lr: errors(trained("plain", claimed, clip=limit, lr=lr)) for lr in clip_rates}
clip_rate, clip_error = best_of_sweep(clipped)
equally = {kind: trained_rescaled(kind, equal, 0.01) for kind in KINDS}
without = errors(trained("plain", claimed, batch_norm=False))
remedies = {
    "clipping": clip_error,
    "equal steps": mean(equally["plain"]),
    "no batch norm": mean(without),
} | ({"warm-up": mean(warm)} if warm else {})
lowest = min(remedies, key=remedies.get)
lesson.reveal(
    "cause",
    f"{remedies[lowest]:.1f} % at best ({lowest}), where the residual twin has {mean(asis['residual']):.1f} %",
    value="no, it stays far behind",
)
lesson.say(f"""
Clipping to {limit:.0f} (at the rate {clip_rate}) leaves {clip_error:.1f} %, equal steps leave
{mean(equally["plain"]):.1f} %, and without batch norm {mean(without):.1f} %
remain{f", with the warm-up {mean(warm):.1f} %" if warm else ""}. Equal steps do the residual net no harm: it comes to
{mean(equally["residual"]):.1f} %. So the plain net fails without the explosion as well: the explosion is not *needed*
for the failure.
""")

# %% [markdown]
# ## Experiment 4: give the explosion to the residual net
# A cause can be tested from the other side too. Take the residual net, which trains, and multiply the gradient of
# each layer by $1.2112$ to the power of the number of layers above it: the explosion of a plain net, put into its
# twin by force. Everything else stays. If the explosion is *enough* to ruin a net, this one must fail. Larger
# gradients may need a smaller rate, so we do a small sweep, of the usual rate and a tenth of it.


# %%
def exploding(layer, p):
    """The factor of lesson 4 for each layer between this one and the head."""
    return math.sqrt(math.pi / (math.pi - 1)) ** (claimed - layer)


exploded = {lr: trained_rescaled("residual", exploding, lr) for lr in (0.01, 0.001)}
exploded_rate, exploded_error = best_of_sweep(exploded)
lesson.table(
    [
        {
            "training error in %": "plain",
            "with the explosion": f"{best['plain'][1]:.1f}",
            "without (equal steps)": f"{mean(equally['plain']):.1f}",
        },
        {
            "training error in %": "residual",
            "with the explosion": f"{exploded_error:.1f}",
            "without (equal steps)": f"{mean(equally['residual']):.1f}",
        },
    ]
)
lesson.say(f"""
Read the four numbers as a square. Going from one column to the other, from exploding gradients to equal ones, changes
little. Going from one row to the other, from plain to residual, changes nearly everything. The explosion is not
harmless: at the rate 0.01 it leaves the residual net {mean(exploded[0.01]):.1f} %. But at the rate {exploded_rate} the
same explosion leaves {exploded_error:.1f} %, so it is not *enough* for the failure either.
""")

# %%
bars = {
    "plain, as it is": asis["plain"],
    "residual, as it is": asis["residual"],
    f"plain, best rate ({best['plain'][0]})": sweep["plain"][best["plain"][0]],
    f"residual, best rate ({best['residual'][0]})": sweep["residual"][best["residual"][0]],
    "plain, three times the steps": tripled[claimed],
    f"plain, clipping (rate {clip_rate})": clipped[clip_rate],
    "plain, no batch norm": without,
    "plain, equal steps": equally["plain"],
    "residual, equal steps": equally["residual"],
    f"residual, explosion by force (rate {exploded_rate})": exploded[exploded_rate],
}
for name, arms in {"Adam": adam, "orthogonal init": orthogonal}.items():
    bars |= {f"{kind}, {name}": values for kind, values in arms.items()}
if warm:
    bars["plain, warm-up"] = warm
bars = {label.replace(",", " net,"): values for label, values in bars.items()}
plain_low = min(mean(v) for label, v in bars.items() if label.startswith("plain"))
residual_high = max(mean(v) for label, v in bars.items() if label.startswith("residual"))
lesson.bars(
    "controls",
    f"In every control {claimed} plain layers keep over {math.floor(plain_low)} % training error, residual ones under {math.floor(residual_high) + 1} %",
    bars,
    x="training error in the last epoch (%)",
    form="{:.1f} %",
    note=f"{P.epochs} epochs, rate 0.01, He init, batch norm where nothing else is said; of several rates the best; guessing: 90 %.",
)
lesson.say(f"""
Each bar is a control, its length the training error. Orange bars are plain nets, blue ones residual nets. You need not
read the labels to see the point: no orange bar is short, the shortest has {plain_low:.1f} %, and no blue bar is long,
the longest has {residual_high:.1f} %. The labels say what was tried;
where it was tried at several rates, the bar shows the best of them.
""")

# %% [markdown]
# ## Exercise 5.5: design the experiment
# Now you are the experimenter, in worlds that are not ours. You are given
# `train(depth, rate=0.01, steps=1, clip=None)`, which returns the training error (0 to 1) of a plain net in that
# world: `steps` is how many times longer than usual it is trained, `clip` is the limit of the gradient's norm. In
# every world the net of 54 layers does much worse than the net of 6 if nothing is changed. Find out which *single*
# change repairs the net of 54 layers, that is, brings its error within 0.05 of that of the net of 6 layers as it is.
# Return `"rate"`, `"steps"`, `"clip"` or `"none"`. Rates between 0.0001 and 1, up to ten times the steps and a limit
# of 1 are worth trying. Do your controls where the claim is made.


# %% tags=["exercise"]
@lesson.exercise("5.5")
def what_repairs(train):
    """Return "rate", "steps", "clip" or "none": the one change that repairs the net of 54 layers."""
    # BEGIN SOLUTION
    goal = train(6) + 0.05
    if min(train(54, rate=rate) for rate in (1e-4, 1e-3, 3e-3, 0.03, 0.1, 0.3, 1.0)) <= goal:
        return "rate"
    if train(54, steps=10) <= goal:
        return "steps"
    if train(54, clip=1.0) <= goal:
        return "clip"
    return "none"
    # END SOLUTION


# %% [markdown]
# ## So what is it?
# Let us be careful about what has been shown, and what has not.
#
# *What the experiments leave.* The training error of the deep plain nets is high. It is not overfitting. It is not one
# unlucky rate, not three times too few steps, and not the size of the gradients alone, before or after the first ten
# steps. (That it is not SGD as such and not He init as such is tested by `--full`.) The same parameters and the same
# data train well once $+x$ is there. So it is a trouble of *optimisation*: good weights exist, and the optimiser does
# not find them in this time. As the size of the gradient alone is not the reason, what is left is its *direction*:
# either it is of little use in a deep plain net, or it does not stay useful for the length of a step.
#
# *What they do not decide.* They do not say why that is so. Lesson 3 showed one candidate, that the gradients of
# different samples become unrelated, and also nets in which they are unrelated and which train. He et al. 2015
# conjecture that deep plain nets have "exponentially low convergence rates", which describes the effect more than it
# explains it. We have tried small nets, one data set, a few inits, and not every combination of remedies. Nor have we
# looked at 110 layers, where lesson 4 saw the lower layers freeze. And one more experiment shows that depth and batch
# norm alone are not it either.

# %%
sigmoid_runs = [
    degradation.train(
        degradation.Setting("mlp", claimed, "none", "bn", "he", "sigmoid", 64),
        seed,
        digits,
        Recipe(epochs=P.epochs, lr=0.03),
    )
    for seed in range(P.seeds)
]
sigmoid = errors(sigmoid_runs)
relu = sweep["plain"].get(0.03) or errors(trained("plain", claimed, lr=0.03))
sigmoid_flow = gradflow.run(
    "mlp", [claimed], ["none"], ["bn"], activation="sigmoid", width=64, seeds=P.seeds
)
sigmoid_grows = float(np.median([np.divide(*run.dx_ends()) for run in sigmoid_flow]))
lesson.say(f"""
Here is a plain net of {claimed} layers, with batch norm and without any skip, whose training error is
{mean(sigmoid):.1f} %. The only change is that sigmoid stands in the place of ReLU, which leaves {mean(relu):.1f} % at
the same rate of 0.03. Behind batch norm most inputs of a sigmoid are between -2 and 2, where it is close to a straight
line. So each of these layers is close to a linear one, and the stack of them bends little. Its gradient also explodes
less: before the first step the norm at the first layer is {sigmoid_grows:.1f} times that at the last. So this run alone
does not tell which of the two matters. Here is a guess: what matters is how much each layer *changes* what passes
through it. Keep it in mind when, in lessons 6 and 7, you meet layers that start out by changing nothing.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
- *"Degradation is overfitting."* Plain-{claimed} has {mean(asis["plain"]):.1f} % error on the data that it was trained
  on.
- *"Deep plain nets fail because gradients vanish, and $+x$ repairs that."* With batch norm they explode: by a factor of
  {np.median(ratios["plain", 0]):.0f} before the first step. Taking that away left {mean(equally["plain"]):.1f} %.
- *"It was the learning rate"*, or *"they did not train long enough."* The best of {len(P.rates)} rates left
  {best["plain"][1]:.1f} %, three times the steps {mean(tripled[claimed]):.1f} %. At 18 layers the second objection
  would have been right.
- *"A comparison at one rate is good enough."* The residual net's error was between
  {min(map(mean, sweep["residual"].values())):.1f} and {max(map(mean, sweep["residual"].values())):.1f} % depending on
  the rate. Sweep both arms, and compare best with best.
- *"Deeper residual nets are always better."* Here the residual nets of {shallow} and {claimed} layers have
  {100 * found["residual", shallow][0]:.1f} and {100 * found["residual", claimed][0]:.1f} %. All that this lesson shows
  is that depth does not hurt them much.
""")

# %% [markdown]
# ## What the paper found
# - He et al. 2015 (arXiv 1512.03385, Figure 1): on CIFAR-10 the plain net of 56 layers has a higher training error,
#   and a higher test error, than that of 20 layers. Figure 6 has more depths: training error rises with depth for
#   plain nets, and falls with depth for residual ones.
# - He et al. 2015, Table 2, validation error on ImageNet in %: plain-18 27.94, plain-34 28.54, ResNet-18 27.88,
#   ResNet-34 25.03. The deeper plain net is 0.6 points worse, the deeper residual net 2.85 points better. These are
#   errors on new images; that the *training* error of plain-34 is higher throughout is in their Figure 4. And Table 6,
#   test error on CIFAR-10 in %: ResNet-110 6.43, ResNet-1202 7.93. Deeper residual nets are not always better, and
#   there they suspect overfitting.
# - He et al. 2015, footnote 3, on the number of steps: "We have experimented with more training iterations (3×) and
#   still observed the degradation problem, suggesting that this problem cannot be feasibly addressed by simply using
#   more iterations."
# - He et al. 2015, §4.1: they argue that the trouble is unlikely to be caused by vanishing gradients, and say that
#   its reason "will be studied in the future".
# - Yang et al. 2019 (arXiv 1902.08129, abstract) name the explosion as the reason why deep plain nets with batch
#   norm are "not trainable at large depths". Our experiments 3 and 4, with small nets of 54 layers, do not fit that
#   as the whole reason. What they say next fits: closer to the linear regime such nets become trainable, as our net
#   with sigmoid did.

# %% [markdown]
# ## Remember
# - Degradation is a rise of the *training* error with depth, in nets that could copy a shallower one.
# - A control belongs where the claim is made and on both arms: at 18 layers more steps nearly repair the plain net,
#   at 54 layers they do not.
# - The exploding gradient is real and does harm, but at 54 layers it is neither needed nor enough: with equal steps the
#   plain net still fails, and with the explosion in it the residual net still trains.

# %% [markdown]
# ## Read next
# - [Lesson 6](lesson_06_identity.py): a deep plain net that is good can be written down by hand. Does training keep
#   it, and does training find it?
# - He et al. 2015 (arXiv 1512.03385), §1 and §4.1.
# - `minires degradation --help`: the experiment as a command, with other depths, rates, warm-ups and inits.
