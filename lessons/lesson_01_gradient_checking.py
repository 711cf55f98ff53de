# ---
# title: Can I trust my gradients?
# minutes: 20
# needs: -
# ---
# %% [markdown]
# # Lesson 1: Can I trust my gradients?
#
# A backward pass is a formula that somebody derived by hand. A wrong one rarely crashes: the network trains a
# little worse, and nobody knows why. So every gradient is compared with a second opinion that needs no derivation:
# move an input a little, and see how much the loss moves,
#
# $$\frac{\partial L}{\partial x_i} \approx \frac{L(x + h e_i) - L(x - h e_i)}{2h}.$$
#
# The question of this lesson is how far that second opinion can itself be trusted.

# %%
import numpy as np

import minires as mr
import minires.functional as F
from minires.gradcheck import check_backward
from minires.lessons import Lesson

lesson = Lesson(1)
P = lesson.params(seeds=5, fast={"seeds": 3})

# %% [markdown]
# ## Predict
#
# The error of the difference depends on $h$. Write down your guess before you run the experiment.

# %%
lesson.predict(
    "h", "in float64, which h gives the most accurate central difference? (e.g. 1e-8)", mine=None
)

# %% [markdown]
# ## Exercise 1.1: the central difference


# %% tags=["exercise"]
@lesson.exercise("1.1")
def central_difference(f, x, h):
    """Return the central difference of the function f at the number x, with step h."""
    # BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    # END SOLUTION


# %% [markdown]
# ## Experiment: the error over the step
#
# A small network, convolution – batch norm – activation, with the loss $J(x) = \sum v \cdot y(x)$ for a random
# upstream $v$. Its derivative along a random direction is known from backward; the difference is computed in
# float64 and in float32, for a smooth activation and for one with a kink, over several seeds.

# %%
STEPS = 10.0 ** -np.arange(1, 9)


def relative_errors(activation, dtype, seed):
    """Return |difference - analytic| / |analytic| for every step, along one random direction."""
    rng = np.random.default_rng(seed)
    x, u = rng.standard_normal((2, 4, 3, 8, 8))
    w, v = 0.3 * rng.standard_normal((5, 3, 3, 3)), rng.standard_normal((4, 5, 8, 8))

    def net(values, kind):
        y = F.conv2d(values, mr.tensor(w.astype(kind)), padding=1)
        return activation(F.batch_norm(y, None, None, training=True))

    leaf = mr.tensor(x, requires_grad=True)
    net(leaf, np.float64).backward(v)
    analytic = float((leaf.grad * u).sum())

    def loss(t):  # the loss at distance t along the direction u
        moved = mr.tensor((x + t * u).astype(dtype))
        return (net(moved, dtype).data * v.astype(dtype)).sum(dtype=dtype).astype(np.float64)

    return [abs(central_difference(loss, 0.0, h) - analytic) / abs(analytic) for h in STEPS]


curves = {  # (seeds, steps)
    f"{name}, {np.dtype(dtype).name}": np.array(
        [relative_errors(activation, dtype, seed) for seed in range(P.seeds)]
    )
    for dtype in (np.float64, np.float32)
    for name, activation in (("tanh", F.tanh), ("ReLU", F.relu))
}
median = {name: np.median(errors, axis=0) for name, errors in curves.items()}
best = {name: float(STEPS[errors.argmin()]) for name, errors in median.items()}
lowest = {name: float(errors.min()) for name, errors in median.items()}

# %%
lesson.curves(
    "u_curve",
    f"Smaller is not better: a difference is most accurate near h = {best['tanh, float64']:.0e}",
    STEPS,
    curves,
    x="step h (smaller to the right)",
    reverse=True,
    y="relative error of the difference",
    log="xy",
    centre="median",
    highlight=["tanh, float64"],
    note="Coloured: smooth activation, double precision.",
)

# %% [markdown]
# Read the curves from left to right. With a large step the difference is wrong because the function is
# curved: the error falls like a power of $h$. With a small step the two losses agree in most digits, and what is
# left of them is rounding: the error grows like a power of $1/h$. In float32 the two arms meet so early that no
# step is good. With ReLU a large step also crosses kinks, where there is no derivative to approximate.

# %%
for name in curves:
    print(f"{name}: best step {best[name]:.0e}, median error there {lowest[name]:.1e}")
lesson.reveal("h", f"{best['tanh, float64']:.0e} for tanh, {best['ReLU, float64']:.0e} for ReLU")

smooth = median["tanh, float64"]
left_arm = np.polyfit(np.log10(STEPS[:3]), np.log10(smooth[:3]), 1)[0]
right_arm = np.polyfit(np.log10(STEPS[-3:]), np.log10(smooth[-3:]), 1)[0]
print(
    f"slopes of log error over log h for tanh in float64: {left_arm:+.2f} (large h), {right_arm:+.2f} (small h)"
)

# %% [markdown]
# ## Exercise 1.4: the two slopes
# Which powers of $h$ should the two arms of the smooth curve have in theory?


# %% tags=["exercise"]
@lesson.exercise("1.4")
def slopes():
    """Return (slope for large h, slope for small h) of log error over log h, two whole numbers."""
    # BEGIN SOLUTION
    return 2.0, -1.0
    # END SOLUTION


# %% [markdown]
# ## Exercises 1.2 and 1.3: write backward passes
# From now on the checker does the differences for you. It runs in float64, with a random upstream, and names the
# worst entry.


# %% tags=["exercise"]
@lesson.exercise("1.2")
def relu_backward(dy, x):
    """Return dL/dx of y = max(x, 0); dy and x have one shape. At x = 0 let the gradient be 0."""
    # BEGIN SOLUTION
    return dy * (x > 0)
    # END SOLUTION


# %% tags=["exercise"]
@lesson.exercise("1.3")
def batch_norm_backward(dy, x):
    """Return dL/dx of y = (x - mean) / sqrt(var + 1e-5), over the rows of x (N, C)."""
    # BEGIN SOLUTION
    sigma = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) / sigma
    return (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)) / sigma
    # END SOLUTION


# %% [markdown]
# ## A check that cannot fail
#
# A checker that reduces the output with `.sum()` uses an upstream of ones. Batch norm makes that blind: here is a
# backward pass that returns zeros, checked both ways.


# %%
def batch_norm(x):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)


def broken_backward(dy, x):
    return np.zeros_like(dy)  # "batch norm has no gradient"


rng = np.random.default_rng(0)
x = rng.standard_normal((8, 3))


def relative_difference(dy):
    """Return ‖broken - right‖ / ‖dy‖ for one upstream."""
    return float(
        np.linalg.norm(broken_backward(dy, x) - batch_norm_backward(dy, x)) / np.linalg.norm(dy)
    )


ones_error = relative_difference(np.ones_like(x))
random_errors = [
    relative_difference(np.random.default_rng(s).standard_normal(x.shape))
    for s in range(1, 1 + P.seeds)
]
print(f"upstream of ones:  the broken pass is off by {ones_error:.1e}")
print(f"random upstreams:  it is off by {min(random_errors):.2f} to {max(random_errors):.2f}")

report = check_backward(batch_norm, broken_backward, x)
print(report)

# %% [markdown]
# ## Exercise 1.5: why ones are blind
# With $\gamma = 1$ and $\beta = 0$, what is $\sum_n y_{nc}$ over the batch, for any $x$? (Its gradient follows.)


# %% tags=["exercise"]
@lesson.exercise("1.5")
def sum_of_normalised():
    """Return the sum over the batch of one normalised channel, for any x."""
    # BEGIN SOLUTION
    return 0.0
    # END SOLUTION


# %% tags=["exercise"]
@lesson.exercise("1.6")
def upstream_to_use():
    """Return "ones" or "random": the upstream with which a gradient check can reject a wrong pass."""
    # BEGIN SOLUTION
    return "random"
    # END SOLUTION


# %% [markdown]
# ## A plausible bug, and what the checker says
# The mean of the batch depends on every sample. Forgetting that is the most common mistake in this formula.


# %%
def missing_mean_term(dy, x):
    sigma = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) / sigma
    return (dy - x_hat * (dy * x_hat).mean(axis=0)) / sigma


bug_report = check_backward(batch_norm, missing_mean_term, x)
print(bug_report)

# %% [markdown]
# ## Remember
# - Check in float64, with a central difference and a step of $10^{-5}$ to $10^{-6}$ for values near 1, as measured
#   above; smaller is not better.
# - Draw the upstream at random. A check whose true gradient is zero has checked nothing: minires calls it VACUOUS.
# - Judge the worst entry, not the mean of the errors. Count kinks, do not pass over them.
#
# ## Misconceptions
# - *"The smaller the step, the better."* Look at the right ends of your curves, and at the numbers printed below: at
#   $h = 10^{-8}$ the float64 error is far above its minimum, and the float32 error exceeds the derivative itself.
# - *"If the loss goes down, the gradient is right."* The broken pass above is wrong in every entry and still gives
#   zero, the right answer, for the loss $\sum y$.

# %%
ratio = smooth[-1] / smooth.min()
print(f"float64, tanh: the error at h = 1e-8 is {ratio:.0f} times the smallest")
print(
    f"float32, tanh: the error at h = 1e-8 is {median['tanh, float32'][-1]:.2g} times the derivative"
)
