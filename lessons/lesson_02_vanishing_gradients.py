# ---
# title: Why do gradients vanish?
# minutes: 45
# seconds: 20
# needs: lesson 1
# ---
# %% [markdown]
# # Lesson 2: Why do gradients vanish?
#
# Somebody stacks twenty layers, starts training, and the loss stays where guessing would leave it. Nothing crashes
# and no number is infinite. The gradient of the first layers is there, every entry of it is right, and it is so small
# that the weights do not move.
#
# This lesson finds out how small it becomes and why. You will see that one number per layer decides it, that you can
# compute this number before you train anything, and that the plot which suggests itself first does not show the
# damage. At the end you will see where this explanation of failing deep nets is right. The next lesson is about
# where it is not.
#
# You should know the chain rule, matrix products, and what a standard deviation is. Reading and exercises take about
# 45 minutes, the experiments half a minute.

# %%
import math

import numpy as np

import minires as mr
import minires.functional as F
from minires import data, degradation, gradflow, nn
from minires.lessons import Lesson, spread
from minires.record import Recorder

lesson = Lesson(2)
P = lesson.params(
    depths=(8, 20, 56),
    seeds=3,
    width=128,
    leak=0.5,
    train_depth=20,
    epochs=12,
    fast={"depths": (8, 20), "seeds": 2, "train_depth": 8, "epochs": 5},
    browser={"seeds": 2, "epochs": 10},
    full={"depths": (8, 20, 56, 200), "seeds": 5},
)
P.depths = sorted(set(P.depths))
deepest = P.depths[-1]

# %% [markdown]
# ## Three units, by hand
#
# Take the smallest deep network there is: three layers of one unit each. A **unit** is one of the numbers that a layer
# computes, together with the weights that belong to it. (Its values over a batch are what lesson 1 called a channel.)
# Every layer multiplies by its weight and applies a ReLU, and the loss is the output itself:
#
# $$x_1 = \mathrm{relu}(w_1 x_0), \quad x_2 = \mathrm{relu}(w_2 x_1),
# \quad x_3 = \mathrm{relu}(w_3 x_2), \quad L = x_3 .$$
#
# The **signal** is the output of a layer, which it hands on to the next one. Let $x_0 = 2$ and $w_1 = 0.5$,
# $w_2 = 0.6$, $w_3 = 0.4$. Going forward, the signal is $x_1 = 1$, then $x_2 = 0.6$, then $x_3 = 0.24$. All of these
# are positive, so every ReLU has slope 1 and we may forget it for the moment.
#
# Now go backward. The loss is $x_3$, so $\partial L/\partial x_3 = 1$. On the way back each layer multiplies by its
# weight, because its local derivative is the weight:
#
# $$\frac{\partial L}{\partial x_2} = 0.4, \qquad \frac{\partial L}{\partial x_1} = 0.4 \cdot 0.6 = 0.24,
# \qquad \frac{\partial L}{\partial x_0} = 0.24 \cdot 0.5 = 0.12 .$$
#
# That is all there is to it: the gradient at the input is the *product* of what the layers do. If each of them halves
# it, then three layers leave an eighth, and twenty leave a millionth.
#
# The weights get their gradients from both sides. Since $x_l$ is $w_l$ times $x_{l-1}$, the gradient of a weight is
# what arrives from above, on the side of the loss, times the signal that came in from below:
#
# $$\frac{\partial L}{\partial w_3} = 1 \cdot 0.6 = 0.6, \qquad \frac{\partial L}{\partial w_2} = 0.4 \cdot 1 = 0.4,
# \qquad \frac{\partial L}{\partial w_1} = 0.24 \cdot 2 = 0.48 .$$
#
# Look at the two rows. The gradient of the *signal* falls steadily on its way back. The gradient of the *weights*
# does not fall at all: it goes down and up. Keep that in mind, it comes back below as a trap. First let the engine
# confirm our six numbers.

# %%
x0, w1, w2, w3 = (mr.tensor(v, requires_grad=True) for v in (2.0, 0.5, 0.6, 0.4))
x1 = F.relu(w1 * x0)
x2 = F.relu(w2 * x1)
x3 = F.relu(w3 * x2)
x1.retain_grad()
x2.retain_grad()
x3.backward()
by_signal = {"x2": float(x2.grad), "x1": float(x1.grad), "x0": float(x0.grad)}
by_weight = {"w3": float(w3.grad), "w2": float(w2.grad), "w1": float(w1.grad)}
print("gradient of the signal: ", {name: round(value, 4) for name, value in by_signal.items()})
print("gradient of the weights:", {name: round(value, 4) for name, value in by_weight.items()})

# %% [markdown]
# ## Exercise 2.1: how many decades?
#
# Numbers this small are best compared by their powers of ten. A **decade** is a factor of ten: a gradient that falls
# from 1 to 0.001 has lost three decades, $\log_{10}(1 / 0.001)$.
#
# A chain of 20 such units has the weight 0.5 in every layer, and all signals are positive. How many decades does the
# gradient lose between $x_{20}$ and $x_0$?


# %% tags=["exercise"]
@lesson.exercise("2.1")
def decades_of_the_chain():
    """Return how many decades the gradient loses over the 20 layers (one number)."""
    # BEGIN SOLUTION
    return 20 * math.log10(2)
    # END SOLUTION


# %% [markdown]
# ## From one unit to many
#
# Real layers have many units. The **initialisation** of a network, or init for short, is the rule by which its weights
# are chosen before training, usually by drawing them at random. Now a gradient is a vector, and a layer does not
# multiply it by one number. But it does multiply its *length*, its norm, by nearly the same number every time, and that
# number can be computed. Let us do it slowly.
#
# A layer computes $z = W x$ and then applies its activation $\varphi$ to every entry. Going back, the vector
# $\delta = \partial L/\partial \varphi(z)$ comes in from above. It is multiplied entry by entry with the slopes
# $\varphi'(z)$, and then by $W^\top$. So one entry of what comes out is a sum over the units of the layer,
#
# $$\frac{\partial L}{\partial x_j} = \sum_{i=1}^{n} W_{ij}\, \varphi'(z_i)\, \delta_i .$$
#
# How large is such a sum? Its terms have random signs, because the weights do, so they partly cancel. Take two terms,
# $a$ and $b$, whose signs are chosen by coins. Their sum is $a + b$ or $a - b$, up to the sign. The mean of the
# squares of these two is
#
# $$\frac{(a + b)^2 + (a - b)^2}{2} = a^2 + b^2 :$$
#
# the mixed term is once positive and once negative, and drops out. The same happens with $n$ terms. *If the signs are
# independent, the mean squares of the terms add up*, and not the terms themselves. It is the main idea of the
# derivation.
#
# Two words for sizes. The **root mean square** of some numbers is the square root of the mean of their squares. The
# **variance** of some numbers is the mean of their squared distances from their mean; so for numbers with mean zero it
# is their mean square.
#
# Each term above is a product of three factors. We take them to be independent, which in a wide layer they nearly are;
# the experiment below will show whether that is good enough. Then the mean of the term's square is the product of
# three mean squares: that of the weights, which is their variance because their mean is zero, that of the slopes, and
# that of $\delta$.


# %% [markdown]
# ## Exercise 2.2: the mean square of one entry
#
# Put the two facts together: mean squares add up, and the mean square of a product is a product of mean squares. There
# are $n$ terms. Each is a weight with variance `weight_variance`, times a slope
# with mean square `mean_square_slope`, times an entry of $\delta$ with mean square `mean_square_delta`. What is the
# mean square of their sum?


# %% tags=["exercise"]
@lesson.exercise("2.2")
def mean_square_of_entry(n, weight_variance, mean_square_slope, mean_square_delta):
    """Return the mean square of one entry of the gradient behind the layer."""
    # BEGIN SOLUTION
    return n * weight_variance * mean_square_slope * mean_square_delta
    # END SOLUTION


# %% [markdown]
# Divide that by the mean square of $\delta$, and take the root, because a length is the root of a sum of squares. (A
# layer with as many inputs as outputs has equally many squares in both sums.) What remains is the factor by which one
# layer changes the length of the gradient:
#
# $$\text{factor} = \sqrt{n \cdot \mathrm{Var}(w) \cdot E[\varphi'^2]} .$$
#
# Three things are in it. The first is $n$, the number of units over which the gradient is summed. The **fan-in** of a
# unit is the number of inputs that it adds up; in a stack of equal layers it is $n$ as well, the width. The second,
# $\mathrm{Var}(w)$, is the variance of the weights, which the author of the network chooses. The third,
# $E[\varphi'^2]$, is the mean square slope of the activation function. For ReLU, half of the units have slope 1 and
# half have slope 0, so it is $1/2$. **Sigmoid** is the activation function $1 / (1 + e^{-z})$, which squeezes every
# number between 0 and 1. Its slope is $1/4$ at best, so its mean square slope is at most $1/16$.
#
# The depth does not appear. It is the exponent: after fifty layers the gradient has been multiplied fifty times. A
# gradient **vanishes** if it shrinks by a constant factor per layer on its way back, so that it is exponentially small
# in the depth; it **explodes** if it grows in the same way.
#
# ## Three ways to start
#
# If the variance is chosen well, the factor is 1, and nothing is lost. Two papers did that. **Xavier
# initialisation** draws the weights with variance 2 / (fan-in + fan-out), which in a stack of equal layers is 1 /
# fan-in; it was made for activations whose slope is near 1 (Glorot and Bengio 2010, equation 12). **He
# initialisation** draws the weights with variance 2 / fan-in, where the 2 makes up for the half of the units that
# ReLU switches off (He et al. 2015, arXiv 1502.01852, equation 10).
#
# The third way is what you get when you choose nothing. PyTorch's `Linear`, and that of minires, draws weights evenly
# between $-1/\sqrt{n}$ and $+1/\sqrt{n}$. That is neither Xavier nor He; it was carried over from older code (the
# discussion is in [pytorch issue 15314](https://github.com/pytorch/pytorch/issues/15314)).
#
# ## Exercise 2.3: the factor of weights that are drawn evenly
#
# Numbers drawn evenly between $-a$ and $+a$ have the mean square $a^2/3$: the mean of $t^2$ over the interval. Write
# the factor of a layer for such weights. Then you know what PyTorch's default does.


# %% tags=["exercise"]
@lesson.exercise("2.3")
def factor_of_even_weights(fan_in, bound, mean_square_slope):
    """Return the factor of a layer whose weights are drawn evenly between -bound and +bound."""
    # BEGIN SOLUTION
    return math.sqrt(fan_in * bound**2 / 3 * mean_square_slope)
    # END SOLUTION


# %%
default_theory = factor_of_even_weights(P.width, 1 / math.sqrt(P.width), 0.5)
lesson.say(
    f"PyTorch's default and ReLU, {P.width} units: by your formula the factor is "
    f"{default_theory:.4f} ($1/\\sqrt{{6}}$ = {1 / math.sqrt(6):.4f}), whatever the width is. "
    f"Over {deepest} layers that would be {default_theory**deepest:.0e}."
)

# %% [markdown]
# ## Predict
#
# Before the experiment, write down what you expect. For the first question use the formula, for the second the three
# units. The third is a guess, and it needs two words. An **epoch** is a part of the training in which every training
# sample is used once. The **training error** is the fraction of the training samples that a net classifies wrongly.

# %%
lesson.predict(
    "factor",
    "By which factor does one ReLU layer with Xavier init multiply the length of the gradient?",
)
lesson.predict(
    "weights",
    f"In a ReLU net of {deepest} layers with Xavier init, the gradient of the signal falls from layer to layer "
    "on its way back. What does the length of the gradient of the weights, ‖∂L/∂W‖, do?",
    choices=("it falls as many decades", "it falls half as many decades", "it stays level"),
)
lesson.predict(
    "sigmoid",
    f"A plain sigmoid net of {P.train_depth} layers with Xavier init is trained for {P.epochs} epochs on images "
    "of ten digits. What is its training error in %, at the better of two learning rates? (Guessing gives 90.)",
)

# %% [markdown]
# ## Experiment: the factor of one layer
#
# We build stacks of equal layers, `width` units each, with different activations and initialisations. A **plain net**
# is a net in which each layer sees only the output of the layer before it. All nets of this experiment are plain.
# Each net gets one batch of 128 images of handwritten digits, nothing is trained, and we record the gradient at the
# input of every layer. Through the logarithms of the lengths we lay a straight line, whose slope is the logarithm of
# the factor. It is fitted to the middle 80 % of the layers, because the first and the last differ from the others.

# %%
COMBINATIONS = [
    ("relu", "he"),
    ("relu", "xavier"),
    ("relu", "default"),
    ("tanh", "xavier"),
    ("tanh", "default"),
    ("sigmoid", "xavier"),
    ("identity", "xavier"),
]
results = {
    (activation, init, depth): gradflow.run(
        arch="mlp",
        depths=[depth],
        skips=["none"],
        norms=["none"],
        inits=[init],
        activation=activation,
        seeds=P.seeds,
        width=P.width,
        dtype="float64",
    )
    for activation, init in COMBINATIONS
    for depth in P.depths
}
factors = {key: [run.dx_factor for run in runs] for key, runs in results.items()}
theory = {key: runs[0].theory() for key, runs in results.items()}
decades = {key: [run.decades_lost() for run in runs] for key, runs in results.items()}

measured = float(np.mean(factors["relu", "xavier", deepest]))
off_theory = max(
    abs(np.mean(found) / theory[*key[:2], deepest] - 1)
    for key, found in factors.items()
    if key[:2] != ("tanh", "xavier")
)
lesson.reveal(
    "factor",
    f"{spread(factors['relu', 'xavier', deepest])}; theory {math.sqrt(0.5):.4f}",
    value=measured,
)
lesson.table(
    [
        {
            "activation": activation,
            "init": init,
            "theory": f"{theory[activation, init, deepest]:.4f}",
            **{f"{depth} layers": spread(factors[activation, init, depth]) for depth in P.depths},
            f"decades lost, {deepest} layers": f"{np.mean(decades[activation, init, deepest]):.1f}",
        }
        for activation, init in COMBINATIONS
    ]
)

# %%
lesson.say(f"""
Read the table row by row. In the theory column stands your formula. (The slopes of tanh and of sigmoid depend on
$z$; their mean square was computed for normally distributed $z$.) The means of {P.seeds} random starts differ from
it by at most {off_theory:.1%}, and the columns of one row agree: the factor belongs to one layer, and the depth
repeats it. The exception is tanh with Xavier init. Its signal shrinks slowly from layer to layer, a smaller
signal meets a steeper part of tanh, and the factor creeps towards 1. (Its theory is for {deepest} layers.)

None of the three ReLU factors looks alarming: {np.mean(factors["relu", "he", deepest]):.2f}, {measured:.2f} and
{np.mean(factors["relu", "default", deepest]):.2f}. The last column says what {deepest} layers make of them: about
{abs(np.mean(decades["relu", "he", deepest])):.0f}, {np.mean(decades["relu", "xavier", deepest]):.0f} and
{np.mean(decades["relu", "default", deepest]):.0f} decades. For sigmoid it is
{np.mean(decades["sigmoid", "xavier", deepest]):.0f}.
""")


# %%
def profile(activation, init, quantity):
    """Return a quantity of every layer of the deepest net, (seeds, layers), input first."""
    runs = results[activation, init, deepest]
    return np.array([[getattr(layer, quantity) for layer in run.layers] for run in runs])


SHOWN = [("relu", "he"), ("relu", "xavier"), ("relu", "default"), ("sigmoid", "xavier")]
INIT = {"he": "He init", "xavier": "Xavier init", "default": "PyTorch's default"}
NAMES = {(a, i): f"{'ReLU' if a == 'relu' else a}, {INIT[i]}" for a, i in SHOWN}
lost_by_default = float(np.mean(decades["relu", "default", deepest]))
lesson.curves(
    "gradient_by_layer",
    f"PyTorch's default init: {deepest} ReLU layers lose {lost_by_default:.0f} decades of gradient",
    np.arange(profile("relu", "he", "dx_norm").shape[1]),
    {NAMES[key]: profile(*key, "dx_norm")[:, ::-1] for key in SHOWN},
    x="layers back from the loss",
    y="length of the gradient of the signal, ‖∂L/∂x‖",
    log="y",
    centre="geometric",
    highlight=[NAMES["relu", "default"]],
    note="Nothing is trained.",
)
lesson.say(f"""
From left to right, the gradient travels back from the loss to the input. The vertical axis is logarithmic, so a
constant factor per layer is a straight line, and every curve is nearly one. The coloured line is a ReLU net whose
author left the initialisation alone: it ends {lost_by_default:.0f} decades below its start. With He init the
line stays level.
""")

# %% [markdown]
# ## The plot that hides it
#
# Training moves the weights by the gradient of the *weights*, so its length in each layer is the plot that suggests
# itself. Remember the three units: their weight gradients went down and up although the signal's gradient fell. Here
# are the same quantities, and the signal too, for the ReLU net with Xavier init.

# %%
gradient = profile("relu", "xavier", "dx_norm")
weights = profile("relu", "xavier", "dw_norm")
signal = profile("relu", "xavier", "forward_rms")


def first_over_last(values):
    """Return the ratio of the first to the last body layer, the geometric mean over seeds."""
    return float(np.exp(np.mean(np.log(values[:, 1] / values[:, -2]))))


dx_ratio, dw_ratio = first_over_last(gradient), first_over_last(weights)
x_ratio = first_over_last(signal)
lesson.reveal(
    "weights",
    f"first / last layer: ‖∂L/∂W‖ {dw_ratio:.2f}, but ‖∂L/∂x‖ {dx_ratio:.0e}",
    value="it stays level",
)


def relative(values):
    """Return values of shape (seeds, layers), each seed relative to its largest."""
    return values / values.max(axis=1, keepdims=True)


lesson.curves(
    "three_quantities",
    f"The weights' gradient stays level while the signal's loses {-math.log10(dx_ratio):.0f} decades",
    np.arange(gradient.shape[1]),
    {
        "gradient ‖∂L/∂W‖": relative(weights),
        "gradient ‖∂L/∂x‖": relative(gradient),
        "signal x": relative(signal),
    },
    x="layer (0 is next to the input)",
    y="relative to its largest value",
    log="y",
    centre="geometric",
    highlight=["gradient ‖∂L/∂W‖"],
    note=f"Plain ReLU net, Xavier init, {deepest} layers; W: weights, x: signal.",
)
lesson.say(f"""
The horizontal axis is the place in the net, with the input on the left. The coloured curve is the gradient of
the weights: in the first layer it is {dw_ratio:.2f} times that in the last, nothing seems to be wrong. The grey
curves are what happens. On its way back, from right to left, the gradient of the signal falls by
{-math.log10(dx_ratio):.1f} decades. On its way forward, from left to right, the signal falls by
{math.log10(x_ratio):.1f}.
""")

# %% [markdown]
# ## Exercise 2.4: explain the level curve
#
# For one unit we had: the gradient of a weight is what arrives from above times what came in from below. Suppose that
# for a whole layer the same holds for the sizes, up to a constant factor. Build the curve of the weights from the other
# two. You get two arrays with one entry per layer, input first: `signal[l]` is the size of the *input* of layer $l$,
# and `gradient[l]` is the length of the gradient at the same place. Return the product for all layers but the last,
# divided by its own last entry, so that the constant drops out. (Which entry of `gradient` arrives *from above* at
# layer $l$? The last layer is left out because for it that entry is missing.)


# %% tags=["exercise"]
@lesson.exercise("2.4")
def shape_of_weight_gradient(signal, gradient):
    """Return the expected ‖∂L/∂W‖ of all layers but the last, relative to the last of these."""
    # BEGIN SOLUTION
    product = signal[:-1] * gradient[1:]
    return product / product[-1]
    # END SOLUTION


# %%
built = [
    np.abs(np.log10(shape_of_weight_gradient(s[1:-1], g[1:-1]) / (w[1:-2] / w[-3]))).max()
    for s, g, w in zip(signal, gradient, weights, strict=True)
]
hidden = {NAMES[key]: first_over_last(profile(*key, "dw_norm")) for key in SHOWN}
kept_up = {
    NAMES[key]: abs(math.log10(first_over_last(profile(*key, "forward_rms")))) for key in SHOWN
}
lesson.say(f"""
Your product and the measured gradient of the weights differ by at most {max(built):.2f} decades at any layer, while its
two factors change by {-math.log10(dx_ratio):.0f} and {math.log10(x_ratio):.0f}. So the explanation holds: what the
gradient loses on its way back, the signal loses on its way forward, and the product of the two is level.

That is so for *this* combination. ‖∂L/∂W‖ in the first layer, divided by that in the last, is
{hidden[NAMES["relu", "he"]]:.1f} with He init and {hidden[NAMES["relu", "xavier"]]:.1f} with Xavier init, but
{hidden[NAMES["relu", "default"]]:.0e} with PyTorch's default and {hidden[NAMES["sigmoid", "xavier"]]:.0e} for
sigmoid. There the signal does not fall with the gradient: it changes by
{kept_up[NAMES["relu", "default"]]:.1f} and {kept_up[NAMES["sigmoid", "xavier"]]:.1f} decades. (The default draws
biases too, which keep the signal up, and the outputs of sigmoid are near one half.) So if ∂L/∂W falls, something
vanishes; if it is level, nothing is said. Look at ∂L/∂x, and at the signal.
""")

# %% [markdown]
# ## Exercise 2.5: design an initialisation
#
# Leaky ReLU does not switch a unit off. Its slope is 1 for positive and a small number $a$ for negative inputs, and
# half of the inputs are negative. Which standard deviation of the weights makes the factor of a layer exactly 1? (The
# argument `slope` is $a$.)


# %% tags=["exercise"]
@lesson.exercise("2.5")
def leaky_relu_std(width, slope):
    """Return the standard deviation of the weights for which one layer's factor is 1."""
    # BEGIN SOLUTION
    return math.sqrt(2 / ((1 + slope**2) * width))
    # END SOLUTION


# %% [markdown]
# A design is worth what a test says of it. The next cell builds a plain stack of leaky ReLU layers with your standard
# deviation, and one with He's, and measures both. (The leak is larger than usual so that the difference is easy to
# see. Try others: `minires lessons run 2 leak=0.1`.)


# %%
class LeakyStack(nn.Module):
    """A plain stack of square layers with leaky ReLU, and weights of the given deviation."""

    def __init__(self, depth, width, slope, std, rng):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, width, bias=False) for _ in range(depth)])
        self.slope = slope
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=std, rng=rng)

    def forward(self, x):
        for layer in self.layers:
            z = layer(x)
            x = F.relu(z) - self.slope * F.relu(-z)
        return x


def leaky_factor(std, seed):
    """Return the measured factor of one layer of the stack, going back."""
    rng = np.random.default_rng(seed)
    net = LeakyStack(deepest, P.width, P.leak, std, rng).to("float64")
    with Recorder(net) as recorder:
        y = net(mr.tensor(rng.standard_normal((128, P.width))))
        y.backward(rng.standard_normal(y.shape))
    return gradflow.fit_factor(recorder.layers)


yours = [leaky_factor(leaky_relu_std(P.width, P.leak), seed) for seed in range(P.seeds)]
he = [leaky_factor(math.sqrt(2 / P.width), seed) for seed in range(P.seeds)]
lesson.say(f"""
Leaky ReLU with slope {P.leak:g}, {deepest} layers: with your deviation the factor is {spread(yours)}, where 1
was the goal. With He's, which was made for ReLU, it is {spread(he)}; theory says
{math.sqrt(1 + P.leak**2):.4f}. The second looks close to 1 and is not: over {deepest} layers it is a factor of
{np.mean(he) ** deepest:.0f}.
""")

# %% [markdown]
# ## Too small to be written down
#
# Numbers in a computer cannot be arbitrarily small. **Underflow** is what happens when a result is smaller than the
# smallest number of its type: it becomes zero, without an error. In float32, numbers below $2^{-126}$, about
# $10^{-38}$, have fewer and fewer digits, and below $10^{-45}$ there is only zero. A gradient of that size is useless
# anyway. But *measuring* it fails much earlier, because a length is the root of a sum of squares, and the square of
# $10^{-23}$ is zero already.

# %%
sigmoid_factor = float(np.mean(factors["sigmoid", "xavier", deepest]))
gone = math.ceil(math.log(2.0**-126) / math.log(sigmoid_factor))
square_gone = math.ceil(math.log(2.0**-126) / math.log(sigmoid_factor**2))
lesson.say(f"""
With the measured factor of sigmoid, {sigmoid_factor:.4f}, a gradient that starts at 1 is below $2^{{-126}}$ after
{gone} layers, and its square after {square_gone}.
""")

# %% [markdown]
# ## Exercise 2.6: find the bug
#
# A colleague monitors training with this function. It reports "gradient exactly 0, the layer is disconnected" for the
# lower layers of a deep net. They are connected.
#
# ```python
# def length(g):                        # g: a float32 array
#     return float(np.sqrt((g * g).sum()))
# ```
#
# Write it so that it is right for every float32 array, tiny, large or zero.


# %% tags=["exercise"]
@lesson.exercise("2.6")
def length(g):
    """Return the Euclidean length of the float32 array g, as a float."""
    # BEGIN SOLUTION
    return float(np.sqrt((g.astype(np.float64) ** 2).sum()))
    # END SOLUTION


# %%
tiny = np.full(100, 1e-25, np.float32)
print(f"the colleague's: {float(np.sqrt((tiny * tiny).sum()))}; yours: {length(tiny):.1e}")

# %% [markdown]
# ## Does it matter? Training
#
# So far nothing was trained. Now train plain nets whose gradient vanishes, and beside two of them a residual twin. A
# **residual net** is a net made of residual blocks, which you met in lesson 0: here the input of every two layers is
# added to their output, so that the signal, and the gradient, can also pass around them. **Twins** are two nets that
# start from the same weights and see the same batches in the same order, so that they differ in one thing only. (With
# sigmoid the activation comes first in each block, so that the sum itself is not squeezed between 0 and 1.) All layers
# have 64 units. Each net is trained with two learning rates, and the better one counts.

# %%
digits = data.load_digits()
RATES = (0.1, 0.03)
NETS = {  # skip, init, activation
    "plain sigmoid, Xavier init": ("none", "xavier", "sigmoid"),
    "residual sigmoid, Xavier init": ("preact", "xavier", "sigmoid"),
    "plain ReLU, PyTorch's default": ("none", "default", "relu"),
    "residual ReLU, PyTorch's default": ("identity", "default", "relu"),
    "plain ReLU, Xavier init": ("none", "xavier", "relu"),
}


def training_errors(skip, init, activation, lr):
    """Return the training errors in % over the last epoch, one per seed."""
    setting = degradation.Setting("mlp", P.train_depth, skip, "none", init, activation, width=64)
    recipe = degradation.Recipe(epochs=P.epochs, lr=lr)
    curves = [degradation.train(setting, seed, digits, recipe) for seed in range(P.seeds)]
    return [100.0 if c.final_error is None else 100 * c.final_error for c in curves]


def decades_at_start(skip, init, activation):
    """Return how many decades the gradient of the signal loses before training, one per seed."""
    found = gradflow.run(
        depths=[P.train_depth],
        skips=[skip],
        norms=["none"],
        inits=[init],
        activation=activation,
        seeds=P.seeds,
        width=64,
        dtype="float64",
    )
    return [run.decades_lost() for run in found]


errors = {}
for name, kind in NETS.items():
    swept = {lr: training_errors(*kind, lr) for lr in RATES}
    errors[name] = min(swept.values(), key=np.mean)
lost = {name: decades_at_start(*kind) for name, kind in NETS.items()}
lesson.reveal(
    "sigmoid",
    f"{np.mean(errors['plain sigmoid, Xavier init']):.1f} %",
    value=float(np.mean(errors["plain sigmoid, Xavier init"])),
)
lesson.table(
    [
        {
            f"{P.train_depth} layers": name,
            "decades lost at the start": spread(lost[name], "{:.1f}"),
            "training error (%)": spread(errors[name], "{:.1f}"),
        }
        for name in NETS
    ]
)

# %%
lesson.say(f"""
The table gives the decades that the gradient of the signal loses before training, and the training error in the
last of {P.epochs} epochs. The plain sigmoid net stays at {np.mean(errors["plain sigmoid, Xavier init"]):.0f} % and
the plain ReLU net with PyTorch's default at {np.mean(errors["plain ReLU, PyTorch's default"]):.0f} %: they do no
better than guessing. The gradients of their twins lose {np.mean(lost["residual sigmoid, Xavier init"]):.1f} and
{np.mean(lost["residual ReLU, PyTorch's default"]):.1f} decades, and the errors are
{np.mean(errors["residual sigmoid, Xavier init"]):.1f} and
{np.mean(errors["residual ReLU, PyTorch's default"]):.1f} %. The ReLU net with Xavier init is in between: its gradient
loses {np.mean(lost["plain ReLU, Xavier init"]):.1f} decades, and it ends at
{np.mean(errors["plain ReLU, Xavier init"]):.0f} %.

So the short story, "deep nets fail because gradients vanish, and a skip connection repairs it", fits what happens
*here*: without normalisation, and with sigmoid or with too small an initialisation. Why the skip helps is the
question of lesson 7.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
- *"A level plot of ∂L/∂W means that nothing vanishes."* For ReLU with Xavier init ‖∂L/∂W‖ changed by a factor
  of {max(dw_ratio, 1 / dw_ratio):.1f} between the first and the last layer, while ‖∂L/∂x‖ lost
  {-math.log10(dx_ratio):.1f} decades. With {P.train_depth} layers such a net ended at
  {np.mean(errors["plain ReLU, Xavier init"]):.0f} % training error.
- *"Xavier, He and the default are about the same."* One layer multiplies the gradient by {measured:.2f},
  {np.mean(factors["relu", "he", deepest]):.2f} and {np.mean(factors["relu", "default", deepest]):.2f}. Over
  {deepest} layers that is {np.mean(decades["relu", "xavier", deepest]):.0f},
  {abs(np.mean(decades["relu", "he", deepest])):.0f} and {lost_by_default:.0f} decades.
- *"ReLU does not let gradients vanish, because its slope is 1."* Its slope is 0 for half of the units. In the
  table ReLU lost {lost_by_default:.0f} decades with the default and tanh only
  {np.mean(decades["tanh", "default", deepest]):.0f}.
""")

# %% [markdown]
# ## What the paper found
#
# - Glorot and Bengio 2010 asked that neither the signal nor the gradient should change its size from layer to layer.
#   In general one variance cannot do both, and theirs is the compromise (equations 10 to 12).
# - He et al. 2015 (arXiv 1502.01852, §2.2) put in the factor 2 for ReLU, with the argument of exercise 2.2, once for
#   the forward and once for the backward direction.
# - The paper on residual networks does *not* tell the story of this lesson. Its plain nets have batch normalisation,
#   and He et al. 2015 (arXiv 1512.03385, §4.1) write that they verified that the gradients "exhibit healthy norms",
#   and that vanishing gradients are unlikely to be what makes those nets hard to train.
#
# ## Remember
#
# - One layer multiplies the length of the gradient by $\sqrt{n\,\mathrm{Var}(w)\,E[\varphi'^2]}$, and the depth is
#   the exponent of that factor.
# - He's variance makes the factor 1 for ReLU; what `nn.Linear` gives you by default does not.
# - Look at the gradient of the signal and at the signal itself, because the gradient of the weights has the size of
#   their product, and can be level while both decay.
#
# ## Read next
#
# With He init the gradient was level at every depth that you tried. If vanishing gradients were the whole problem, a
# plain ReLU net with He init would train at any of them. [Lesson 3](lesson_03_shattered_gradients.py) tries it.
