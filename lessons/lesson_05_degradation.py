# ---
# title: The degradation problem
# minutes: 30
# needs: lesson 2
# ---
# %% [markdown]
# # Lesson 5: The degradation problem
#
# A deeper network contains the shallower one: let the extra layers do nothing. So its *training* error should not
# be higher. He et al. 2015 (arXiv 1512.03385, Figure 1) found that it is, for plain networks with healthy gradients,
# and called it degradation. This lesson reproduces it in seconds on small digits, and asks what it is not.

# %%
import numpy as np

from minires import degradation, gradflow, models
from minires.lessons import Lesson

lesson = Lesson(5)
P = lesson.params(
    depths=(6, 18, 54), seeds=2, epochs=12, fast={"depths": (6, 36), "seeds": 1, "epochs": 8}
)

# %% [markdown]
# ## Predict
# Plain nets of 6, 18 and 54 layers with batch norm are trained alike, and so are their residual twins.

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
# steps, He initialisation, 12 epochs (`minires degradation` takes 20, and goes to 108 layers). Twins have the same seeds, so the same weights and the same batches. The error is that of
# the training batches as they ran: in evaluation mode a half-trained deep net looks worse still, which would
# exaggerate the effect.

# %%
recipe = degradation.Recipe(epochs=P.epochs)
curves = degradation.run("mlp", P.depths, seeds=P.seeds, recipe=recipe)
print(degradation.table(curves))


def final_errors(skip, depth):
    """Return the training errors in % of one kind of net, a value per seed that did not diverge."""
    chosen = [c for c in curves if (c.setting.skip, c.setting.depth) == (skip, depth)]
    return [100 * c.final_error for c in chosen if c.final_error is not None]


deepest = P.depths[-1]
for key, skip in (("plain", "none"), ("residual", "identity")):
    lesson.reveal(key, f"{np.mean(final_errors(skip, deepest)):.1f} %")

# %%
figure, axis = lesson.figure(width=6.5, height=4.2)
for skip, name, colour, marker, line in (
    ("none", "plain", "#D55E00", "s", "--"),
    ("identity", "residual", "#0072B2", "o", "-"),
):
    errors = [final_errors(skip, d) for d in P.depths]
    mean = np.array([np.mean(e) for e in errors])
    bars = [mean - [min(e) for e in errors], [max(e) for e in errors] - mean]
    axis.errorbar(
        P.depths,
        mean,
        np.abs(bars),
        marker=marker,
        linestyle=line,
        color=colour,
        capsize=4,
        label=name,
    )
axis.axhline(90, color="0.5", linestyle=":", linewidth=0.8)
axis.text(0.01, 91, "guessing", color="0.4", transform=axis.get_yaxis_transform())
axis.set(xlabel="layers", ylabel="training error in the last epoch, %", ylim=(-3, 100))
axis.set_title("Deeper plain nets train worse; their residual twins do not", fontsize=10)
axis.grid(alpha=0.3)
axis.legend()
lesson.show(figure, "error_by_depth", degradation.rows(curves))

# %%
figure, axes = lesson.figure(1, 2, width=9, height=3.8)
LOOK = [("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D")]
for axis, (skip, name) in zip(axes[0], (("none", "plain"), ("identity", "residual")), strict=True):
    for depth, (colour, marker) in zip(P.depths, LOOK, strict=False):
        lines = np.array(
            [c.losses for c in curves if (c.setting.skip, c.setting.depth) == (skip, depth)]
        )
        epochs = np.arange(1, lines.shape[1] + 1)
        axis.semilogy(
            epochs,
            np.exp(np.log(lines).mean(axis=0)),
            color=colour,
            marker=marker,
            markevery=4,
            label=f"{depth} layers",
        )
        axis.fill_between(
            epochs, lines.min(axis=0), lines.max(axis=0), color=colour, alpha=0.15, linewidth=0
        )
    axis.set(title=name, xlabel="epoch", ylabel="training loss, nats")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
limits = [axis.get_ylim() for axis in axes[0]]
for axis in axes[0]:  # one scale, so that the panels can be compared
    axis.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
lesson.show(figure, "training_curves", degradation.rows(curves))

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
for c in curves:
    if c.setting.depth == deepest and c.seed == 0:
        kind = "plain" if c.setting.skip == "none" else "residual"
        print(
            f"{kind}-{deepest}: training {100 * c.final_error:.1f} %, test {100 * c.test_error:.1f} %, "
            f"overfitting: {is_overfitting(c.final_error, c.test_error)}"
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
SWEEP_DEPTH, RATES = P.depths[1] if not lesson.fast else 12, (0.1, 0.03)
best = {}
for skip in ("none", "identity"):
    errors = {
        0.01: [
            c.final_error
            for c in curves
            if (c.setting.skip, c.setting.depth) == (skip, SWEEP_DEPTH)
        ]
    }
    errors = {lr: found for lr, found in errors.items() if found}
    for lr in RATES:
        recipe = degradation.Recipe(epochs=P.epochs, lr=lr)
        swept = degradation.run("mlp", [SWEEP_DEPTH], [skip], seeds=1, recipe=recipe)
        errors[lr] = [c.final_error for c in swept]
    best[skip] = best_of_sweep(errors)
    name = "plain" if skip == "none" else "residual"
    text = ", ".join(
        f"{lr}: " + "/".join("diverged" if e is None else f"{100 * e:.1f} %" for e in errors[lr])
        for lr in errors
    )
    print(f"{name}-{SWEEP_DEPTH}: {text}; best {100 * best[skip][1]:.1f} % at {best[skip][0]}")

# %% [markdown]
# ## Is it the number of steps?
# He et al. (footnote 3) trained three times as long. Here the same.

# %%
longer = degradation.Recipe(epochs=3 * P.epochs)
(plain_longer,) = degradation.run("mlp", [SWEEP_DEPTH], ["none"], seeds=1, recipe=longer)
(residual_once,) = degradation.run(
    "mlp", [SWEEP_DEPTH], ["identity"], seeds=1, recipe=degradation.Recipe(epochs=P.epochs)
)
print(
    f"plain-{SWEEP_DEPTH}, {3 * P.epochs} epochs: loss {plain_longer.losses[-1]:.4f}, error {100 * plain_longer.final_error:.1f} %; "
    f"residual-{SWEEP_DEPTH}, {P.epochs} epochs: loss {residual_once.losses[-1]:.4f}, error {100 * residual_once.final_error:.1f} %"
)

# %% [markdown]
# ## Is it vanishing gradients?
# Count the decades between the last and the first layer at initialisation; positive means vanishing.

# %%
flow = gradflow.run("mlp", [deepest], ["none", "identity"], ["bn"], width=64, seeds=P.seeds)
for r in flow:
    if r.seed == 0:
        name = "plain" if r.setting.skip == "none" else "residual"
        print(
            f"{name}-{deepest}, batch norm, step 0: ‖∂L/∂x‖ loses {r.decades_lost():+.1f} decades towards the input"
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
# - It is an optimisation problem: not overfitting, not one unlucky learning rate, not simply too few steps.
# - Compare arms with the same seeds, data order and parameters, and with the best rate of each.
#
# ## Misconceptions
# - *"Deep plain nets fail because gradients vanish, and `+x` repairs that."* With batch norm they explode at
#   initialisation, as printed above; He et al. 2015, §4.1, checked theirs and found healthy norms.
# - *"Degradation is overfitting."* The error above is on the training data.
# - *"Deeper residual nets are always better."* At a high learning rate deep residual nets of this kind train worse
#   too: run `minires degradation --depths 54,108 --lr 0.1` and see. They want a warm-up, or a smaller rate.
