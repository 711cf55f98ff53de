# title: Can I trust my gradients?
# minutes: 80
# seconds: 15
# needs: lesson 0
# %% [markdown]
# # Lesson 1: Can I trust my gradients?
#
# In lesson 0 you wrote rules of one line each, and believed them because they were short. The rule for batch norm, a
# layer that you will meet again and again in this course, is longer. Somebody derived it by hand, and may have made a
# mistake. The program does not crash then, and no message appears. What becomes of the network? At the end of this
# lesson you will watch it.
#
# So gradients are checked, against a second opinion that needs no derivation. The question of this lesson is how far
# that second opinion can be trusted itself. You will learn which step to take, how to derive the hardest backward
# pass of this course in four easy steps, and, above all, what a check that passes has shown and what it has not.
#
# You should have done lesson 0. There are twelve exercises, most of them of one line; with them the lesson takes
# about eighty minutes. A good place for a break is after exercise 1.6.
#
# ## One number
#
# Take a function of one number, $f(x) = x^3$, at $x = 2$. Its derivative there is $3 x^2 = 12$. Suppose that you did
# not know this. You could move $x$ up by a little, $h = 0.1$, and divide the change by $h$:
# $(2.1^3 - 2^3) / 0.1 = 12.61$. That is a rough answer, because the function bends upward. If you move down as well,
# the bend cancels:
#
# $$\frac{2.1^3 - 1.9^3}{2 \cdot 0.1} = \frac{9.261 - 6.859}{0.2} = 12.01 .$$
#
# A **central difference** is the estimate $(f(x + h) - f(x - h)) / 2h$ of a derivative. It needs two evaluations of
# $f$ and no knowledge of what $f$ does inside. Here it is off by $0.01$, which is $h^2$. That is no accident, as you
# will see.
#
# ### Exercise 1.1: the central difference
# Write it for any function `f` of one number.

# %%
import numpy as np

import minires as mr
import minires.functional as F
from minires.data import load_digits
from minires.gradcheck import check_backward, gradcheck
from minires.lessons import Lesson, spread

lesson = Lesson(1)
P = lesson.params(seeds=10, steps=120, hidden=4, fast={"seeds": 3, "steps": 60}, full={"seeds": 30})


# %% tags=["exercise"]
@lesson.exercise("1.1")
def central_difference(f, x, h):
    """Return the central difference of the function f at the number x, with step h."""
    # BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    # END SOLUTION


# %% [markdown]
# ## Two errors that pull in opposite directions
#
# How small should $h$ be? Mathematics says: as small as possible, a derivative is the limit $h \to 0$. Two errors are
# at work, and they disagree.
#
# The **truncation error** is what a difference gets wrong because the function is curved within the step. Taylor's
# formula says $f(x \pm h) = f(x) \pm h f' + \frac{h^2}{2} f'' \pm \frac{h^3}{6} f''' + \ldots$ In the central
# difference the terms with $f$ and $f''$ cancel, and what is left over besides $f'$ is $\frac{h^2}{6} f'''$, plus
# terms with higher powers of $h$. For $x^3$ there are none of these, and the third derivative is $6$, so the error is
# exactly $h^2$: $0.01$ above.
#
# The **rounding error** is what a computed number gets wrong because a computer keeps only so many digits: about 16
# in float64, about 7 in float32. A loss of $123.4567$ in float32 is known to about $0.00001$. Now move $x$ by so
# little that the loss changes to $123.4568$. The difference, $0.0001$, has just one good digit left; six have
# cancelled. That uncertainty of $0.00001$ is then divided by $2h$, and the smaller $h$ is, the more it is blown up.
#
# ### Exercise 1.2: two powers
# On double logarithmic paper $h^p$ is a straight line with slope $p$. Which slope does the truncation error of a
# central difference have over $h$, and which one the rounding error?


# %% tags=["exercise"]
@lesson.exercise("1.2")
def slopes():
    """Return (slope of the truncation error, slope of the rounding error): two whole numbers."""
    # BEGIN SOLUTION
    return 2, -1
    # END SOLUTION


# %% [markdown]
# ## Predict
#
# Three predictions. The first is about the step. The other two are about the checks of batch norm and about training;
# you have not read that part yet, so guess.

# %%
lesson.predict(
    "h",
    "In float64 (16 digits): which step h makes a central difference most accurate? (Write it as "
    "1e-3, say, or 1e-14.)",
)
lesson.predict(
    "ones",
    "Batch norm divides by a standard deviation, which depends on the inputs. Somebody forgets the "
    "term for that in the backward pass, and checks the pass with the loss Σ y, the sum of all "
    "outputs. What does the check do?",
    choices=("it rejects the pass", "it accepts the pass"),
)
lesson.predict(
    "training",
    "A network is trained with that wrong pass. What does its training loss do?",
    choices=("it rises", "it stays where it was", "it falls"),
)

# %% [markdown]
# ## Experiment: the error over the step
#
# The test piece is a small network: a convolution, batch norm, and an activation function. A **convolution** is a
# linear layer for images, which applies the same few weights at every place. An **activation function** is what a
# network applies to each number between two linear layers, such as ReLU. Batch norm is explained below. The loss is
# a weighted sum of its outputs. minires computes its derivative along a random direction, in which every entry of the
# input moves by about $h$; you compute the same with your central difference. We do so in float64 and in float32,
# with a smooth activation function (tanh) and with ReLU. A **relative error** is the size of an error divided by the
# size of what is right; $10^{-3}$ means that three digits are right. (Here the size is the norm of the gradient,
# which is how large a derivative along such a direction typically is.)

# %%
STEPS = 10.0 ** -np.arange(1, 8.1, 0.5)


def relative_errors(activation, dtype, seed):
    """Return |difference - analytic| / ‖gradient‖ for every step, along one random direction."""
    rng = np.random.default_rng(seed)
    x, u = rng.standard_normal((2, 4, 3, 8, 8))
    w, v = 0.3 * rng.standard_normal((5, 3, 3, 3)), rng.standard_normal((4, 5, 8, 8))

    def net(values, kind):
        y = F.conv2d(values, mr.tensor(w.astype(kind)), padding=1)
        return activation(F.batch_norm(y, None, None, training=True))

    leaf = mr.tensor(x, requires_grad=True)
    net(leaf, np.float64).backward(v)
    analytic, size = float((leaf.grad * u).sum()), float(np.linalg.norm(leaf.grad))

    def loss(t):  # the loss at distance t along the direction u
        moved = mr.tensor((x + t * u).astype(dtype))
        return (net(moved, dtype).data * v.astype(dtype)).sum(dtype=dtype).astype(np.float64)

    return [abs(central_difference(loss, 0.0, h) - analytic) / size for h in STEPS]


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
lowest_single = min(lowest["tanh, float32"], lowest["ReLU, float32"])
smooth = median["tanh, float64"]
left_arm, left_at_1 = np.polyfit(np.log10(STEPS[:5]), np.log10(smooth[:5]), 1)
right_arm, right_at_1 = np.polyfit(np.log10(STEPS[-5:]), np.log10(smooth[-5:]), 1)
arms_cross = 10 ** float((right_at_1 - left_at_1) / (left_arm - right_arm))
crossing = float(np.finfo(np.float64).eps) ** (1 / 3)  # where h² = rounding / h
lesson.reveal(
    "h", f"{best['tanh, float64']:.0e}; in theory about {crossing:.0e}", value=best["tanh, float64"]
)

# %%
lesson.curves(
    "u_curve",
    f"Smaller is not better: in float64 the best step is near h = {best['tanh, float64']:.0e}",
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
lesson.say(f"""
Read the coloured curve from left to right. The horizontal axis is the step, which shrinks to the right; the vertical
axis is the relative error, and lower is better. First the error falls as $h$ shrinks, with slope {left_arm:+.2f} over
$h$: that is truncation, and the theory of exercise 1.2 says {slopes()[0]:+d}. Then it turns, and rises with slope
{right_arm:+.2f} (theory {slopes()[1]:+d}): that is rounding. The best step is in between, where both errors are about
equally large. If the function and its derivatives are all about as large as 1, the truncation error is about $h^2$
and the rounding error about $\\epsilon / h$, with $\\epsilon$ for one unit of rounding. They are equal at $h =
\\epsilon^{{1/3}}$, which is {crossing:.0e} in float64. The two arms of the measured curve cross at {arms_cross:.0e},
and the smallest error, {lowest["tanh, float64"]:.0e}, was found at h = {best["tanh, float64"]:.0e}.

The two curves in float32 never get below {lowest_single:.0e}. There the two arms meet so early (with tanh at h =
{best["tanh, float32"]:.0e}) that no step is good. Networks are trained in float32, but *they are checked in
float64*.
""")

# %% [markdown]
# ## Corners
#
# The two curves with ReLU are much worse at large steps. A **kink** is a point at which a function has no derivative
# because its slope jumps, such as $0$ for $\max(x, 0)$. A step that reaches across a kink measures neither of the two
# slopes. Take $x = 0.03$ and $h = 0.1$. The slope at $x$ is $1$, but the central difference gives
# $(0.13 - 0) / 0.2 = 0.65$.
#
# ### Exercise 1.3: across a kink
# What does the central difference give for $\max(x, 0)$ at $x = 0.02$ with $h = 0.05$?


# %% tags=["exercise"]
@lesson.exercise("1.3")
def across_the_kink():
    """Return the central difference of max(x, 0) at x = 0.02 with h = 0.05."""
    # BEGIN SOLUTION
    return 0.7
    # END SOLUTION


# %%
at_large_step = {name: float(median[f"{name}, float64"][2]) for name in ("tanh", "ReLU")}
lesson.say(f"""
In the experiment, with h = {STEPS[2]:.0e}, the error with ReLU is {at_large_step["ReLU"]:.0e} and with tanh
{at_large_step["tanh"]:.0e}: some of the inputs of ReLU lie closer to their kink than one step. Nothing is wrong
with the gradient there; the *difference* is wrong. A checker that does not know this either raises a false alarm or
is given so much tolerance that it sees nothing. The one in minires compares on which side of each kink the two
evaluations were, leaves out the entries where the side changed, and counts them.
""")

# %% [markdown]
# ## From one number to a vector
#
# Layers do not turn a number into a number. They turn many numbers into many. Let two inputs go into a layer and two
# outputs come out: $y_1 = x_1 + 2 x_2$ and $y_2 = 3 x_1 + 4 x_2$. There are now four derivatives. A **Jacobian** is
# the table of all derivatives of the outputs with respect to the inputs, with one row for each output. Here its rows
# are $(1, 2)$ and $(3, 4)$.
#
# What should `backward` return, this table? It would be far too large, as you will see in a moment, and nobody needs
# it. In the end only one number is differentiated, the loss. What the layer is told is by how much the loss changes
# with each of *its outputs*: the upstream gradient `dy`, one number for each output. If `dy` is $(1, 10)$, then one
# unit of $y_1$ is worth $1$ to the loss and one unit of $y_2$ is worth $10$. Raising $x_1$ by a unit raises $y_1$ by
# $1$ and $y_2$ by $3$, and so the loss by $1 \cdot 1 + 10 \cdot 3 = 31$. For $x_2$ it is $1 \cdot 2 + 10 \cdot 4 =
# 42$. The gradient is $(31, 42)$. It is lesson 0 again: each input collects a part from every output that reads it.
#
# A **vector-Jacobian product** is the sum of the rows of a Jacobian, each multiplied by its entry of the upstream
# gradient. The backward pass of a layer computes it without ever writing down the Jacobian. This matters because
# layers work on many examples at once. A **batch** is a set of examples that goes through the network together; an
# array of a batch has one row for each example.
#
# ### Exercise 1.4: one by hand
# A layer has three outputs and two inputs; the rows of its Jacobian are $(1, 0)$, $(2, -1)$ and $(0, 3)$. The
# upstream gradient is $(1, -1, 2)$. What does the backward pass return?


# %% tags=["exercise"]
@lesson.exercise("1.4")
def by_hand():
    """Return the gradient with respect to the two inputs: two numbers."""
    # BEGIN SOLUTION
    return -1.0, 7.0
    # END SOLUTION


# %%
outputs = 128 * 16 * 32 * 32  # images · numbers at a pixel · height · width
lesson.say(f"""
How large would the table be? Take a layer for a batch of 128 images of 32 × 32 pixels, with 16 numbers at each
pixel, that turns them into as many numbers again: {outputs:,}. Its Jacobian has {float(outputs) ** 2:.1e} entries,
{4 * outputs**2 / 1e12:.0f} terabytes in float32. The vector-Jacobian product has {outputs:,} entries, like the input.
""")

# %% [markdown]
# This also says how to *check* a layer that has many outputs. Choose some vector $v$ with one number for each output,
# and define a loss, $J(x) = \sum v \cdot y(x)$. That is one number, so differences apply. Its derivative with respect
# to the outputs is $v$ itself; so the backward pass, when it is given `dy` $= v$, has to return the gradient of $J$.
# Compare it with the central differences of $J$, entry by entry. Which $v$? Keep the question in mind.
#
# ### Exercise 1.5: ReLU's backward pass
# ReLU works on each number alone. Its Jacobian is therefore zero except where input and output have the same place,
# and there it is 0 or 1. If `x` is $(-1, 2)$ and `dy` is $(5, 7)$, the result is $(0, 7)$.


# %% tags=["exercise"]
@lesson.exercise("1.5")
def relu_backward(dy, x):
    """Return dL/dx of y = max(x, 0); dy and x are arrays of one shape. At x = 0 let it be 0."""
    # BEGIN SOLUTION
    return dy * (x > 0)
    # END SOLUTION


# %% [markdown]
# ### Exercise 1.6: the linear layer's backward pass
# A linear layer computes $y = x W^\top + b$. Each of the N rows of `x` holds the I inputs of one example, and each of
# the O rows of `w` the weights of one output. A **bias** is the number, one per output, that a layer adds for every
# example; here it is `b`. Take two examples $(1, 2)$ and $(3, 4)$, one output with the weights $(1, -1)$, and the
# upstream gradients $10$ and $1$ of the two examples:
#
# * `dx`: $y$ grows with $x_1$ by $1$ and with $x_2$ by $-1$, so the rows are $10 \cdot (1, -1)$ and
#   $1 \cdot (1, -1)$.
# * `dw`: the weights are *used twice*, once by each example, so two parts are added:
#   $10 \cdot (1, 2) + 1 \cdot (3, 4) = (13, 24)$.
# * `db`: the bias is used twice as well, with local derivative $1$: $10 + 1 = 11$.
#
# Write the three as products of matrices and a sum.


# %% tags=["exercise"]
@lesson.exercise("1.6")
def linear_backward(dy, x, w):
    """Return (dx, dw, db) of y = x @ w.T + b; dy (N, O), x (N, I), w (O, I), and db (O,)."""
    # BEGIN SOLUTION
    return dy @ w, dy.T @ x, dy.sum(axis=0)
    # END SOLUTION


# %% [markdown]
# ## Let minires check it
#
# `check_backward(forward, backward, *arrays)` does for arrays what you did for one number: it draws a random `dy`,
# moves every entry of every input up and down, and compares.

# %%
rng = np.random.default_rng(0)
x, w, b = rng.standard_normal((4, 3)), rng.standard_normal((2, 3)), rng.standard_normal(2)


def linear(x, w, b):
    return x @ w.T + b


def backward_of_linear(dy, x, w, b):
    return linear_backward(dy, x, w)


linear_report = check_backward(linear, backward_of_linear, x, w, b)
print(linear_report)

# %% [markdown]
# The report has a row for each input. From left to right, and without the columns that would say nothing here:
#
# * `checked` says how many of the entries were moved one by one. In large arrays only some of them are, and all
#   together are moved along a few random `directions` besides; `kinks` counts the entries left out because of a kink.
# * `max rel err` is the relative error of the worst entry, and `where` its index. `analytic` is what the backward
#   pass says there, `numeric` what the difference says. The worst entry decides, not the mean: a wrong border pixel
#   must not drown among a thousand right ones. (`all ones` in place of an index is the sum over all entries, a last
#   test.)
# * `bound` is the error that the difference itself may have there, found by moving with several steps. A pass that is
#   off by more is wrong; what no step can show is called UNDECIDED.
# * `a / n` is the typical quotient analytic / numeric, over all entries. If it is $0.25$ and there are four examples,
#   suspect a mean in place of a sum.
# * `rule` gives the tolerance. A **tolerance** is the largest difference at which two numbers still count as equal.
# * `hygiene` collects faults that no difference would show, such as a backward pass that changes its inputs.
#
# ## Batch norm in four steps
#
# Now for the hard one. A **channel** is one of the quantities that a layer computes for every example, a column of
# the array of a batch. **Batch norm** is the layer that subtracts from each channel its mean over the batch and
# divides by its standard deviation over the batch, so that each channel has mean 0 and variance 1. (It has two
# learned numbers per channel, too, which only scale and shift the result; we leave them out.) Lesson 4 is about what
# it does to deep networks.
#
# Its backward pass is hard for one reason: *every output depends on every input of its channel*, through the mean and
# the variance. It becomes easy by the method of lesson 0: cut the forward pass into small operations, and write down
# what each of them sends. There are three,
#
# $$\begin{aligned} c &= x - \mathrm{mean}(x) \\ v &= \mathrm{mean}(c^2) \\ y &= c / \sigma,
# \quad \sigma = \sqrt{v + 10^{-5}} \end{aligned}$$
#
# and in the fourth step you put them together. The example for all steps is one channel with the five numbers
# $x = (1, 6, 6, 6, 6)$. Its mean is $5$, so $c = (-4, 1, 1, 1, 1)$; then $v = (16 + 1 + 1 + 1 + 1) / 5 = 4$,
# $\sigma = 2$ (we neglect the $10^{-5}$) and $y = (-2, 0.5, 0.5, 0.5, 0.5)$. The upstream gradient is
# $(0, 5, 0, 0, 0)$: only the second output matters to the loss.
#
# ### Exercise 1.7: step one, centre
# $c_i = x_i - \mathrm{mean}(x)$. Each $x_i$ reaches the loss in two ways: directly through its own $c_i$, and through
# the mean, which is taken away from *all* the $c$'s. Raise $x_i$ by a unit: $c_i$ rises by a unit, and because the
# mean rises by $1/n$, all the $c$'s fall by $1/n$. So $(0, 5, 0, 0, 0)$ at $c$ would become $(-1, 4, -1, -1, -1)$ at
# $x$, where the loss of $-1$ everywhere is what the mean brings.


# %% tags=["exercise"]
@lesson.exercise("1.7")
def centre_backward(dc):
    """Return dL/dx of c = x - x.mean(axis=0), given dL/dc; both of shape (N, C)."""
    # BEGIN SOLUTION
    return dc - dc.mean(axis=0)
    # END SOLUTION


# %% [markdown]
# ### Exercise 1.8: step two, the variance
# $v$ is the mean of the $c_i^2$: one number per channel. How steep is it in $c_i$? If $v$ gets the upstream gradient
# $1$, the five $c$'s of the example receive $(-1.6, 0.4, 0.4, 0.4, 0.4)$.


# %% tags=["exercise"]
@lesson.exercise("1.8")
def variance_backward(dv, c):
    """Return dL/dc of v = (c**2).mean(axis=0), given dL/dv (C,) and c (N, C)."""
    # BEGIN SOLUTION
    return 2 * c * dv / len(c)
    # END SOLUTION


# %% [markdown]
# ### Exercise 1.9: step three, divide
# $y_i = c_i / \sqrt{v + 10^{-5}}$ has two inputs, $c$ and $v$. Treat them as if they had nothing to do with each
# other; that $v$ was computed from $c$ was step two. With respect to $c_i$ it is a division by $\sigma$. With respect
# to $v$, write $y_i = c_i (v + 10^{-5})^{-1/2}$ and differentiate the power; all outputs use the same $v$, so their
# parts are added. In the example `dc` is $(0, 2.5, 0, 0, 0)$. Only the second output has an upstream gradient, $5$,
# and there $c = 1$; so `dv` is $5 \cdot 1 \cdot (-\frac12) / 2^3 = -0.3125$.


# %% tags=["exercise"]
@lesson.exercise("1.9")
def divide_backward(dy, c, v):
    """Return (dL/dc, dL/dv) of y = c / np.sqrt(v + 1e-5); c and dy (N, C), v (C,)."""
    # BEGIN SOLUTION
    sigma = np.sqrt(v + 1e-5)
    return dy / sigma, (dy * c).sum(axis=0) * -0.5 / sigma**3
    # END SOLUTION


# %% [markdown]
# ### Exercise 1.10: put together
# Walk backwards: step three, step two, step one. Look at the graph before you write: `c` is read twice, by the
# division and by the variance. You know from lesson 0 what that means. In the example `dc` is
# $(0, 2.5, 0, 0, 0) + (0.5, -0.125, -0.125, -0.125, -0.125) = (0.5, 2.375, -0.125, -0.125, -0.125)$, and the result
# is $(0, 1.875, -0.625, -0.625, -0.625)$.


# %% tags=["exercise"]
@lesson.exercise("1.10")
def batch_norm_backward(dy, x):
    """Return dL/dx of batch norm over the rows of x (N, C), from the three functions above."""
    # BEGIN SOLUTION
    c = x - x.mean(axis=0)
    v = (c**2).mean(axis=0)
    dc, dv = divide_backward(dy, c, v)
    return centre_backward(dc + variance_backward(dv, c))
    # END SOLUTION


# %%
def batch_norm(x):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)


def in_one_line(dy, x):
    """The same in the form in which papers print it; y is the normalised x."""
    y, sigma = batch_norm(x), np.sqrt(x.var(axis=0) + 1e-5)
    return (dy - dy.mean(axis=0) - y * (dy * y).mean(axis=0)) / sigma


x = rng.standard_normal((8, 3))
dy = rng.standard_normal((8, 3))
bn_report = check_backward(batch_norm, batch_norm_backward, x)
print(bn_report)
small = batch_norm_backward(np.array([[0.0, 5, 0, 0, 0]]).T, np.array([[1.0, 6, 6, 6, 6]]).T)
one_line_off = float(np.abs(in_one_line(dy, x) - batch_norm_backward(dy, x)).max())
lesson.say(f"""
Your four steps and the one-line formula of the literature agree to {one_line_off:.0e}. In that formula,

$$\\frac{{\\partial L}}{{\\partial x}} = \\frac{{1}}{{\\sigma}} \\left( dy - \\mathrm{{mean}}(dy) - y \\cdot
\\mathrm{{mean}}(dy \\cdot y) \\right),$$

you can now see where each term comes from. $dy$ is the direct way. The last term is the way through the variance: put
the $dv$ of step three into step two, and with $c = \\sigma y$ it becomes
$2 c \\, dv / n = -y \\cdot \\mathrm{{mean}}(dy \\cdot y) / \\sigma$. And $\\mathrm{{mean}}(dy)$ is the way through
the mean, which step one subtracts; the mean of $y$ is zero and adds nothing to it. The two subtractions take out of
$dy$ what asks for shifting the whole channel, and what asks for stretching it. Neither would change the output.
""")

# %% [markdown]
# ## A check that cannot fail
#
# Back to the question that was left open: which $v$, in the loss $\sum v \cdot y$? The two that come to mind first
# need no random numbers: the sum of all outputs, $\sum y$, and half the sum of their squares, $\frac12 \sum y^2$. We
# try both, and a random $v$, on four backward passes of batch norm, three of which are wrong. The check is an honest
# one: it computes the gradient of the loss by central differences in float64 and compares every entry.


# %% tags=["show"]
def no_mean_term(dy, x):
    y, sigma = batch_norm(x), np.sqrt(x.var(axis=0) + 1e-5)
    return (dy - y * (dy * y).mean(axis=0)) / sigma


def no_variance_term(dy, x):
    return (dy - dy.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)


def zeros(dy, x):
    return np.zeros_like(x)


# %%
def gradient_by_differences(loss, x):
    found = np.zeros_like(x)
    for i in np.ndindex(*x.shape):

        def along(t, i=i):
            moved = x.copy()
            moved[i] += t
            return loss(moved)

        found[i] = central_difference(along, 0.0, 1e-5)
    return found


def off(backward, upstream, seed):
    """Return the largest error of a pass, over the largest entry of dy, by central differences.

    upstream(y): dL/dy at the output y. To first order L is then the sum of that times y.
    """
    x = np.random.default_rng([seed, 2]).standard_normal((8, 3))
    dy = upstream(batch_norm(x))
    numeric = gradient_by_differences(lambda moved: float((dy * batch_norm(moved)).sum()), x)
    return float(np.abs(backward(dy, x) - numeric).max() / np.abs(dy).max())


random_v = np.random.default_rng(5).standard_normal((8, 3))
LOSSES = {  # what dL/dy is
    "Σ y": lambda y: np.ones_like(y),
    "½ Σ y²": lambda y: y,
    "Σ v·y, v random": lambda y: random_v,
}
PASSES = {
    "right": batch_norm_backward,
    "mean term missing": no_mean_term,
    "variance term missing": no_variance_term,
    "zeros": zeros,
}
ACCEPTED_BELOW = 1e-4
errors_of = {
    (name, loss): [off(backward, upstream, seed) for seed in range(P.seeds)]
    for name, backward in PASSES.items()
    for loss, upstream in LOSSES.items()
}
accepted = {key: max(found) < ACCEPTED_BELOW for key, found in errors_of.items()}
lesson.reveal(
    "ones",
    f"it accepts it: the error that it sees is {max(errors_of['variance term missing', 'Σ y']):.0e}",
    value="it accepts the pass",
)
lesson.table(
    [
        {"backward pass": name}
        | {
            loss: "accepted" if accepted[name, loss] else f"rejected, off by {np.mean(found):.2f}"
            for loss in LOSSES
            for found in [errors_of[name, loss]]
        }
        for name in PASSES
    ]
)
x = rng.standard_normal((8, 3))
sum_of_outputs = float(np.abs(batch_norm(x).sum(axis=0)).max())
sum_of_squares = float((batch_norm(x) ** 2).sum(axis=0).max())
vacuous = gradcheck(lambda t: F.batch_norm(t, None, None, training=True).sum(), mr.tensor(x))
random_errors = [
    e for (n, loss), es in errors_of.items() if "v" in loss and n != "right" for e in es
]

# %%
lesson.say(f"""
The table says which pass each loss accepts, over {P.seeds} random inputs, and by how much it sees the others to be
off, compared with the largest entry of $dy$. The sum of the outputs accepts the pass that lacks its variance term,
and even the pass that returns *zeros*. The sum of the squares accepts the one that lacks its mean term, and the zeros
again. Only the random $v$ rejects all three; the smallest error that it saw is {min(random_errors):.2f}.

Why? Batch norm makes every channel's mean 0 and variance 1, *whatever the input*. So in each channel $\\sum y$ is
always 0 (here at most {sum_of_outputs:.0e}), and $\\sum y^2$ is always the number of examples (here
{sum_of_squares:.4f}, because of the $10^{{-5}}$). A loss that is constant has gradient zero, and a check whose right
answer is zero accepts every pass that returns zero.
Look at the code above: without its variance term the pass returns $dy - \\mathrm{{mean}}(dy)$, which is zero if
$dy$ is all ones; without its mean term it returns $dy - y \\cdot \\mathrm{{mean}}(dy \\cdot y)$, which is zero if
$dy = y$. When zero is compared with zero, minires calls the check VACUOUS, which means empty, and counts it as not
passed. Of the right pass with the loss $\\sum y$ it says
"{vacuous.verdict}: {vacuous.hints[0][1] if vacuous.hints else ""}".
""")

# %% [markdown]
# A **vacuous check** is one in which a mistake cannot show, for example because the right answer is zero and the wrong
# pass returns zero too; that it passes says nothing.
#
# ### Exercise 1.11: design an upstream
# Find a `dy` that rejects all three wrong passes, without random numbers. You get the output `y` (N examples, C
# channels) of batch norm, with at least eight rows, and return an array of the same shape. It is tried on random
# inputs; each wrong pass must be off by at least a tenth of the largest entry of `dy`.


# %% tags=["exercise"]
@lesson.exercise("1.11")
def upstream(y):
    """Return dy, of the shape of y, that shows up each of the three wrong passes."""
    # BEGIN SOLUTION
    half = np.zeros_like(y)
    half[: len(y) // 2] = 1.0  # neither constant nor proportional to y
    return half + y / 2
    # END SOLUTION


# %% [markdown]
# ## Three more checks that cannot fail
#
# Batch norm is not the only trap. Each of the following is a check of a *wrong* pass that a hurried person could
# write, and each of them accepts it:
#
# * *Symmetric inputs.* The linear layer's `dx` is `dy @ w`. Somebody writes `dy @ w.T`, and checks it with a square
#   matrix that is its own mirror image, such as the identity matrix. Then both are the same. Take inputs without
#   symmetry, with all sizes different.
# * *A loss that ignores outputs.* A batch norm uses the deviation of the first channel for all channels, and is checked
#   with a loss that reads the first channel only, where it is right. Give *every* output a random weight in the loss.
# * *A tolerance that is too large.* A loss that is a mean over many numbers has tiny gradients. Compared with an
#   absolute tolerance of $10^{-3}$, zeros pass. Divide the error by the size of the gradient.
#
# ## Exercise 1.12: find three bugs
#
# Here are three backward passes. Each of them is wrong, and each is a mistake that is easy to make. Below, minires
# checks them and prints for every input the worst entry: first what the pass says, then the difference. (`a / n` is
# the typical quotient of all entries, not that of the worst.) Study the code and the numbers, and name for each pass
# its mistake, one of
#
# * `mean for sum`: a mean stands where a sum belongs,
# * `wrong mask`: what is let through is decided by the wrong array,
# * `no centring`: the way through the mean is missing,
# * `no variance`: the way through the variance is missing,
# * `no transpose`: a matrix should be transposed.


# %% tags=["show"]
def pass_a(dy, x, w, b):  # of y = x @ w.T + b
    dx = dy @ w
    dw = dy.T @ x
    db = dy.mean(axis=0)
    return dx, dw, db


def pass_b(dy, x):  # of ReLU
    keep = dy > 0
    return np.where(keep, dy, 0.0)


def pass_c(dy, x):  # of batch norm
    c = x - x.mean(axis=0)
    sigma = np.sqrt((c**2).mean(axis=0) + 1e-5)
    dv = (dy * c).sum(axis=0) * -0.5 / sigma**3
    return dy / sigma + 2 * c * dv / len(x)


# %%
x = rng.standard_normal((4, 3))
SUSPECTS = {
    "A": check_backward(linear, pass_a, x, w, b),
    "B": check_backward(lambda x: np.maximum(x, 0), pass_b, x),
    "C": check_backward(batch_norm, pass_c, x),
}
lesson.table(
    [
        {"pass": name, "input": row.tensor, "worst entry": row.where}
        | {"analytic": f"{row.analytic:+.4f}", "numeric": f"{row.numeric:+.4f}"}
        | {"a / n": "-" if row.ratio is None else f"{row.ratio:.3f}", "verdict": row.verdict}
        for name, report in SUSPECTS.items()
        for row in report.rows
    ]
)


# %% tags=["exercise"]
@lesson.exercise("1.12")
def mistakes():
    """Return the mistakes of pass A, B and C: three of the names above."""
    # BEGIN SOLUTION
    return "mean for sum", "wrong mask", "no centring"
    # END SOLUTION


# %%
print("What minires suspects:")
for name, report in SUSPECTS.items():
    for _, text in report.hints:
        print(f"  {name}: {text}")

# %% [markdown]
# A hint of the checker is what fits the numbers: a term of the formula with another factor, or the pattern of the
# errors. Compare it with your own.
#
# ## Does a wrong gradient announce itself?
#
# We train a small network on images of handwritten digits, each time with another one of the four backward passes from
# the table. It has four layers of 64 numbers, each followed by batch norm and ReLU, and a last layer with one output
# for each digit. Everything else is the same. **Gradient descent** is training in small steps, each of which changes
# every parameter against its gradient. The **learning rate** is the number by which gradient descent multiplies the
# gradient in each step; here it is 0.5. The gradient is that of 128 examples, drawn anew for each step. The loss is the
# **cross-entropy**, minus the logarithm of the probability that the network gives to the right answer, averaged over
# the examples. Guessing among ten digits costs $\ln 10 = 2.3$. (Its unit is the nat, because the logarithm is the
# natural one.)


# %%
def normalisation(backward):
    """Return batch norm as an operation of minires that differentiates itself by `backward`."""

    class Normalise(mr.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save(x)
            return batch_norm(x).astype(x.dtype)

        @staticmethod
        def backward(ctx, dy):
            return backward(dy, *ctx.saved).astype(dy.dtype)

    return Normalise.apply


def training_losses(backward, seed, width=64):
    """Return the training loss at each step."""
    mr.manual_seed(seed)
    normalise = normalisation(backward)
    layers = [mr.nn.Linear(64 if i == 0 else width, width) for i in range(P.hidden)]
    last = mr.nn.Linear(width, 10)
    parameters = [p for layer in [*layers, last] for p in layer.parameters()]
    optimiser = mr.optim.SGD(parameters, lr=0.5)
    rng, losses = np.random.default_rng(seed), []
    for _ in range(P.steps):
        batch = rng.integers(0, len(images), 128)
        x = mr.tensor(images[batch])
        for layer in layers:
            x = normalise(layer(x)).relu()
        loss = F.cross_entropy(last(x), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


digits = load_digits()
images, labels = digits.x_train.reshape(len(digits.x_train), -1), digits.y_train
trained = {
    name: np.array([training_losses(backward, seed) for seed in range(P.seeds)])
    for name, backward in PASSES.items()
}
WINDOW = max(1, P.steps // 12)  # steps that are averaged
ends = np.arange(WINDOW, P.steps + 1, WINDOW)
smoothed = {
    name: np.stack([losses[:, end - WINDOW : end].mean(axis=1) for end in ends], axis=1)
    for name, losses in trained.items()
}
first = {name: losses[:, 0] for name, losses in trained.items()}
final = {name: losses[:, -1] for name, losses in smoothed.items()}
wrong_final = final["variance term missing"]
lesson.reveal(
    "training",
    f"it falls, from {first['variance term missing'].mean():.2f} to {wrong_final.mean():.3f}",
    value="it falls",
)

# %%
lesson.curves(
    "wrong_gradients",
    f"A wrong gradient trains too: to a loss of {wrong_final.mean():.3f}, in place of "
    f"{final['right'].mean():.3f}",
    ends,
    smoothed,
    x="training steps",
    y="training loss (nats)",
    log="y",
    centre="geometric",
    highlight=["variance term missing"],
    note=f"Backward passes of batch norm; averaged over {WINDOW} steps.",
)
lesson.say(f"""
The horizontal axis counts training steps. The vertical axis is the loss, in which lower is better. With the right
gradient it ends at {spread(final["right"])}. The coloured curve is the network whose batch norm lacks its variance
term, the mistake that the check with $\\sum y$ accepted. Its loss falls too, smoothly and without a warning, to
{spread(wrong_final)}. Without the right curve beside it, would you have noticed? The pass that lacks its mean term
costs more. The network ends at {final["mean term missing"].mean():.2f}, not far from the one whose gradient is *zero*
below the last batch norm, so that only the last layer learns at all, at {final["zeros"].mean():.2f}. Yet these losses
fall too, from {first["zeros"].mean():.2f}. (This is one setting; `minires lessons run 1 hidden=8` shows
another.)
""")

# %% [markdown]
# ## What people get wrong

# %%
ratio = float(smooth[-1] / smooth.min())
single = float(median["tanh, float32"][-1])
lesson.say(f"""
* *"The smaller the step, the better."* At h = {STEPS[-1]:.0e} the float64 error is {ratio:,.0f} times the smallest
  one. In float32 it is {single:.1g} times the derivative itself: not one digit is right.
* *"If the loss goes down, the gradient is right."* It ended below its beginning with all three wrong passes; with
  one of them at {wrong_final.mean():.3f}.
* *"If the check passes, the gradient is right."* The sum of the outputs accepted
  {sum(accepted[name, "Σ y"] for name in PASSES) - 1} of the three wrong passes, the sum of squares
  {sum(accepted[name, "½ Σ y²"] for name in PASSES) - 1}.
* *"A difference that disagrees proves a bug."* With ReLU and h = {STEPS[2]:.0e} the *right* gradient disagrees by
  {at_large_step["ReLU"]:.0e}, because steps cross kinks.
""")

# %% [markdown]
# ## What the paper found
#
# * The notes of Stanford's course cs231n ([section on gradient checks](https://cs231n.github.io/neural-networks-3/))
#   advise the central difference, a step near 1e-5, relative errors, few data points because of kinks, and call an
#   error of 1e-7 or less a reason to be happy. Your curve shows where the step comes from.
# * The documentation of PyTorch's
#   [gradcheck](https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html) says that its
#   defaults (a step of 1e-6) are made for double precision, and that the check will likely fail with less.
# * The author of the teaching engine micrograd wrote in 2020 (micrograd, issue #2) that it had computed wrong
#   gradients for values that are used twice, and that his toy problem had converged all the same. Lesson 0 had the
#   bug; here you have seen how networks train with others.
#
# ## Remember
#
# - Compare each backward pass with central differences, in float64, with a step near $10^{-5}$: the truncation error
#   grows like $h^2$ for larger steps, the rounding error like $1/h$ for smaller ones.
# - Draw `dy` at random, so that no output is ignored and the right answer is not zero; a check whose right answer is
#   zero accepts every pass that returns zero.
# - Derive a hard backward pass in small steps, and where a value is used twice, add; a falling loss proves nothing.
#
# ## Read next
#
# `python -m minires gradcheck` checks every operation of minires in this way; the README shows how to check your own.
# In lesson 2 the gradients are right, every one of them, and the network still does not learn.
