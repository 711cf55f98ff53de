# ---
# title: The degradation problem
# minutes: 30
# needs: lesson 2
# ---
# %% [markdown]
# # Lesson 5: The degradation problem
#
# A deeper network contains the shallower one: let the extra layers do nothing. So its *training* error should not
# be higher. He et al. 2015 (arXiv 1512.03385, Figure 1) found that it is, for plain networks with batch norm, and
# called it degradation. This lesson shows the same in seconds on small digits, and asks what it is not.

# %%
import numpy as np

from minires import degradation, gradflow, models
from minires.lessons import Lesson

lesson = Lesson(5)
P = lesson.params(
    depths=(6, 18, 54), seeds=2, epochs=12, fast={"depths": (6, 24), "seeds": 1, "epochs": 4}
)
P.depths = sorted(set(P.depths))

# %% [markdown]
# ## Predict
# Plain nets of several depths (6, 18 and 54 layers) with batch norm are trained alike, and so are their residual twins.

# %%
lesson.predict(
    "plain",
    f"training error in % of the plain net with {P.depths[-1]} layers after {P.epochs} epochs?",
    mine=None,
)
lesson.predict("residual", "and of its residual twin?", mine=None)

# %% [markdown]
# ## Exercise 5.1: twins
# The residual net adds $x$ after every second layer, which costs no parameter. Count those of the plain net:
# `depth` layers 64 → 64 without bias, each with batch norm (a weight and a bias per unit), and a head 64 → 10.


# %% tags=["exercise"]
@lesson.exercise("5.1")
def parameters(depth):
    """Return the number of parameters of the plain net with `depth` body layers of width 64."""
    # BEGIN SOLUTION
    return depth * (64 * 64 + 2 * 64) + 64 * 10 + 10
    # END SOLUTION


# %%
for skip in ("none", "identity"):
    net = models.mlp_stack(18, 64, skip=skip, norm="bn", seed=0)
    print(
        f"skip={skip:<9} {sum(p.size for p in net.parameters())} parameters; by hand {parameters(18)}"
    )

# %% [markdown]
# ## Experiment
# SGD with momentum 0.9, weight decay 1e-4, batches of 128, learning rate 0.01 divided by 10 at 50 % and 75 % of the
# steps, He initialisation, 12 epochs (`minires degradation` takes 20, and goes to 108 layers). Twins have the same
# seeds, so the same weights and the same batches. The error is that of the training batches as they ran: in
# evaluation mode a half-trained deep net looks worse still, which would exaggerate the effect.

# %%
KINDS = {"plain": "none", "residual": "identity"}
curves = degradation.run("mlp", P.depths, seeds=P.seeds, recipe=degradation.Recipe(epochs=P.epochs))
print(degradation.table(curves))


def nets(kind, depth):
    """Return the training curves of one kind of net, one per seed."""
    chosen = (KINDS[kind], depth)
    return [c for c in curves if (c.setting.skip, c.setting.depth) == chosen]


def final_errors(runs):
    """Return the training errors in % over the last epoch, None where a net diverged."""
    return [None if c.final_error is None else 100 * c.final_error for c in runs]


deepest = P.depths[-1]
errors = {k: np.array([final_errors(nets(k, d)) for d in P.depths], float).T for k in KINDS}
last = {kind: f"{errors[kind][:, -1].mean():.1f} %" for kind in KINDS}
for kind in KINDS:
    lesson.reveal(kind, last[kind])

# %%
lesson.curves(
    "error_by_depth",
    f"{deepest} plain layers leave {last['plain']} training error, their residual twins {last['residual']}",
    P.depths,
    errors,  # (seeds, depths) of each kind
    x="layers",
    y="training error in the last epoch (%)",
    levels={"guessing": 90},
)


# %%
def losses(runs):
    """Return (seeds, epochs), NaN after a net diverged."""
    return np.array([c.losses + [np.nan] * (P.epochs - len(c.losses)) for c in runs])


end = {kind: f"{losses(nets(kind, deepest))[:, -1].mean():.2f}" for kind in KINDS}
lesson.curves(
    "training_curves",
    f"{deepest} plain layers end at a training loss of {end['plain']} nats, their residual twins at {end['residual']}",
    np.arange(1, P.epochs + 1),
    {kind: {f"{d} layers": losses(nets(kind, d)) for d in P.depths} for kind in KINDS},
    x="epoch",
    y="training loss (nats)",
    log="y",
    centre="geometric",
    marks={"rate / 10": P.epochs / 2 + 0.5, "rate / 100": 0.75 * P.epochs + 0.5},
)

# %% [markdown]
# ## Is it overfitting?


# %% tags=["exercise"]
@lesson.exercise("5.2")
def is_overfitting(train_error, test_error):
    """Return whether a net with these errors (0 to 1) overfits: it fits its data, and errs on new."""
    # BEGIN SOLUTION
    return train_error < 0.01 < test_error
    # END SOLUTION


# %%
for kind in KINDS:
    net = nets(kind, deepest)[0]
    if net.diverged_at is not None:
        continue
    print(
        f"{kind}-{deepest}: training {100 * net.final_error:.1f} %, test {100 * net.test_error:.1f} %, "
        f"overfitting: {is_overfitting(net.final_error, net.test_error)}"
    )

# %% [markdown]
# ## Is it the learning rate?
# One rate for all might favour one arm. So sweep it for both, and compare best with best.


# %% tags=["exercise"]
@lesson.exercise("5.3")
def best_of_sweep(errors):
    """Return (rate, mean error) of the best rate; `errors` maps a rate to its errors over seeds.

    An error is None where the net diverged; leave such rates out.
    """
    # BEGIN SOLUTION
    known = {lr: float(np.mean(found)) for lr, found in errors.items() if None not in found}
    rate = min(known, key=known.get)
    return rate, known[rate]
    # END SOLUTION


# %%
def trained(kind, depth, **recipe):
    """Return the training errors in %, one per seed, under another recipe."""
    recipe = degradation.Recipe(**{"epochs": P.epochs} | recipe)
    return final_errors(
        degradation.run("mlp", [depth], [KINDS[kind]], seeds=P.seeds, recipe=recipe)
    )


RATES = (0.03,) if lesson.fast else (0.1, 0.03)
sweep, best = {}, {}
for kind in KINDS:
    sweep[kind] = {0.01: final_errors(nets(kind, deepest))}
    sweep[kind] |= {lr: trained(kind, deepest, lr=lr) for lr in RATES}
    best[kind] = best_of_sweep(sweep[kind])
    print(f"{kind}-{deepest}: best rate {best[kind][0]}, error {best[kind][1]:.1f} %")

# %% [markdown]
# ## Is it the number of steps?
# He et al. (footnote 3) trained three times as long, and the deeper plain net stayed behind. Here the same, for the
# deepest plain net and for a shallower one.

# %%
shallower = P.depths[-2] if len(P.depths) > 1 else 6
longer = {d: trained("plain", d, epochs=3 * P.epochs) for d in (shallower, deepest)}
lesson.bars(
    "controls",
    f"{deepest} plain layers keep {best['plain'][1]:.1f} % error at the best rate, {np.array(longer[deepest], float).mean():.1f} % in three times the steps; residual ones {best['residual'][1]:.1f} % at their best rate",
    {
        **{f"plain-{deepest}, rate {lr}": found for lr, found in sweep["plain"].items()},
        f"plain-{deepest}, {3 * P.epochs} epochs": longer[deepest],
        f"plain-{shallower}, {3 * P.epochs} epochs": longer[shallower],
        f"residual-{deepest}, rate {best['residual'][0]}": sweep["residual"][best["residual"][0]],
    },
    x="training error in the last epoch (%)",
    form="{:.1f} %",
    note=f"Rate 0.01 and {P.epochs} epochs where no other is named.",
)

# %% [markdown]
# Compare the two plain nets that were trained longer. At 18 layers it *was* a lack of steps: three times as many
# bring the plain net close to its twin. At 54 layers three times as many hardly change anything.

# %% [markdown]
# ## Is it vanishing gradients?
# Count the decades between the last and the first layer at initialisation; positive means vanishing.

# %%
flow = gradflow.run("mlp", [deepest], ["none", "identity"], ["bn"], width=64, seeds=P.seeds)
for kind, skip in KINDS.items():
    decades = [r.decades_lost() for r in flow if r.setting.skip == skip]
    print(
        f"{kind}-{deepest}, batch norm, step 0: ‖∂L/∂x‖ loses {np.median(decades):+.1f} decades towards the input"
    )

# %% [markdown]
# The gradient of the plain net does not vanish. It *explodes*, by a factor near $\sqrt{\pi / (\pi - 1)} = 1.21$ per
# layer: the output of a ReLU has mean square 1/2 but variance $(\pi - 1) / 2\pi$; batch norm divides by the root of
# the variance, and backward passes half of the squared gradient (Yang et al. 2019, arXiv 1902.08129, Theorem 8).


# %% tags=["exercise"]
@lesson.exercise("5.4")
def what_is_it():
    """Return "overfitting", "capacity" or "optimisation": what the experiments leave as the cause."""
    # BEGIN SOLUTION
    return "optimisation"
    # END SOLUTION


# %% [markdown]
# ## Remember
# - Degradation is a rise of the *training* error with depth, in nets whose twins with skips fit the same data.
# - At 54 layers it is an optimisation problem: not overfitting, not one unlucky learning rate, not simply three times
#   too few steps. Whether the explosion above is its cause is a question that this lesson does not answer.
# - Compare arms with the same seeds, data order and parameters, and with the best rate of each.
#
# ## Misconceptions
# - *"Deep plain nets fail because gradients vanish, and `+x` repairs that."* With batch norm they explode at
#   initialisation, as printed above; He et al. 2015, §4.1, checked theirs and found healthy norms.
# - *"Degradation is overfitting."* The error above is on the training data.
# - *"Deeper residual nets are always better."* At a high learning rate deep residual nets of this kind train worse
#   too: run `minires degradation --depths 54,108 --lr 0.1` and see. They want a warm-up, or a smaller rate.
