# ---
# title: Norms are fine, so why doesn't it train?
# minutes: 50
# seconds: 25
# needs: lessons 1 and 2
# ---
# %% [markdown]
# # Lesson 3: Norms are fine, so why doesn't it train?
#
# Lesson 2 ended with a recipe. Choose the variance of the weights as He et al. did, and the gradient keeps its length
# from the last layer to the first, however many layers there are. If vanishing gradients were what makes deep plain
# nets hard to train, such nets would now train at any depth.
#
# They do not. This lesson first shows that, and then looks for what else could be wrong. A paper of 2017 names a
# suspect: in deep nets, the gradients of different inputs have nothing to do with each other any more. You will
# compute how fast that happens, see it in a picture, and take up a question that a textbook's author left open in his
# notebook. Then comes the harder part: you will design an experiment that could clear the suspect, and see what it
# says.
#
# You should know batch norm (lesson 1), lesson 2 (the factor of one layer, plain nets, He init), and what the cosine
# of an angle is. Reading and exercises take about 50 minutes, the experiments less than one.

# %%
import math

import numpy as np

import minires as mr
from minires import data, degradation, gradflow, models, nn
from minires.lessons import Lesson, spread

lesson = Lesson(3)
P = lesson.params(
    depths=(8, 20, 50),
    seeds=3,
    epochs=10,
    width=256,
    nets=8,
    noise=0.3,
    grid_depths=(1, 24, 50),
    fast={"depths": (8, 20), "epochs": 4, "seeds": 2, "width": 128, "grid_depths": (1, 24)},
    browser={"seeds": 2, "epochs": 6, "width": 128, "grid_depths": (1, 24)},
    full={"seeds": 5, "epochs": 20},
)
P.depths, P.grid_depths = sorted(set(P.depths)), sorted(set(P.grid_depths))
deepest = P.depths[-1]
digits = data.load_digits()
RATES = (0.03, 0.01)

# %% [markdown]
# ## Predict
#
# All nets of these questions are ReLU nets with He init, and plain, without batch norm, if nothing else is said. The
# first is about training on images of ten digits, with the better of two learning rates. The other two are about nets
# that are not trained.

# %%
lesson.predict(
    "error",
    f"What is the training error in % of the net with {deepest} layers after {P.epochs} epochs? (Guessing gives 90.)",
)
lesson.predict(
    "cosine",
    "Two inputs are at right angles. They go through the same net of 8 layers, and the same upstream gradient is sent "
    "back from its last layer for both. What is the cosine of the angle between the two gradients that arrive at the "
    "inputs? (1: parallel, 0: right angles.)",
)
lesson.predict(
    "white",
    f"A net of {P.grid_depths[-1]} layers has one input and one output, and its slope is computed at 256 inputs "
    "between -2 and 2. In which of two nets, plain or plain with batch norm, are the slopes of neighbouring inputs "
    "unrelated, like white noise?",
    choices=("plain", "plain with batch norm", "both", "neither"),
)

# %% [markdown]
# ## Experiment: level gradients, high errors

# %%
KINDS = {  # skip, norm, init
    "plain, He init": ("none", "none", "he"),
    "plain, identity init": ("none", "none", "identity"),
    "plain, batch norm": ("none", "bn", "he"),
    "residual, batch norm": ("identity", "bn", "he"),
}


def training_errors(kind, depth):
    """Return the training errors in % over the last epoch, one per seed.

    The learning rate is the one that is better for the first seed.
    """
    skip, norm, init = KINDS[kind]

    def errors(lr, seeds):
        recipe = degradation.Recipe(epochs=P.epochs, lr=lr)
        curves = degradation.run(
            "mlp", [depth], [skip], norm=norm, init=init, seeds=seeds, recipe=recipe
        )  # a net that diverged counts as 100 %
        return [100.0 if c.final_error is None else 100 * c.final_error for c in curves]

    first = {lr: errors(lr, [0]) for lr in RATES}
    better = min(first, key=first.get)
    others = list(range(1, P.seeds))
    return first[better] + (errors(better, others) if others else [])


error = {depth: training_errors("plain, He init", depth) for depth in P.depths}
flow = gradflow.run(
    depths=P.depths, skips=["none"], norms=["none"], inits=["he"], seeds=P.seeds, width=64
)
ratio = {
    depth: [10 ** -run.decades_lost() for run in flow if run.setting.depth == depth]
    for depth in P.depths
}
worst = np.mean(error[deepest])
lesson.reveal("error", f"{worst:.0f} %", value=float(worst))
lesson.table(
    [
        {
            "layers": depth,
            "‖∂L/∂x‖, first / last layer": spread(ratio[depth], "{:.2f}"),
            "training error (%)": spread(error[depth], "{:.1f}"),
        }
        for depth in P.depths
    ]
)

# %%
lesson.say(f"""
The table gives the length of the gradient at the first layer, divided by that at the last, before training. In the
last column is the error on the *training* data in the last of {P.epochs} epochs. (Of two learning rates, the one that
was better for the first random start is used.) With {P.depths[0]} layers the net learns:
{np.mean(error[P.depths[0]]):.1f} % errors. With {deepest} layers it ends at {worst:.0f} %. More layers can compute all
that fewer can (lesson 6 shows how), so something in the training goes wrong.

It is not the length of the gradient at the start: with {deepest} layers the ratio is {np.mean(ratio[deepest]):.1f},
so nothing vanished and nothing exploded. (The ratios scatter because the nets are only 64 units wide.)
""")

# %% [markdown]
# ## What a length cannot tell
#
# A length is one number. The gradient of a weight is a *sum* over the inputs of a batch, and a sum depends on
# directions. If the gradients of two inputs point in similar directions, a step that helps the one helps the other.
# If their directions are unrelated, every input pulls its own way, and a step that helps one does nothing for its
# neighbour.
#
# By lesson 2, the gradient of the weights is made of what arrives from above and of the signal that came in from
# below: the entry for the weight $W_{ij}$ is $g_i x_j$. For two inputs, with $g, x$ and $g', x'$, the inner product of
# the weight gradients is the sum of $g_i x_j g_i' x_j'$ over all $i$ and $j$, which is
# $(g^\top g') \cdot (x^\top x')$. So if $g$ and $g'$ are at right angles, the weight gradients are so too, whatever
# the signals are. That is why we follow the gradient of the signal.
#
# The direction of two vectors is compared by an angle. The **cosine** between two vectors is their inner product
# divided by the product of their lengths: 1 if they are parallel, 0 if they are at right angles, -1 if they are
# opposite.
#
# ## Gates, by hand
#
# Let the same upstream gradient start at the top of a plain ReLU net for two inputs. What makes the gradients differ
# that arrive at the bottom? There is only one thing. The weights on the way are the same for both inputs. But each
# ReLU is a gate that is open (slope 1) or shut (slope 0), and which ones are open depends on the input.
#
# Take a layer with six units. Input $a$ opens the units `1 1 0 1 0 1`, and input $b$ opens `1 0 1 1 1 0`. Each opens
# four of six. The gradient of $a$ is the sum of what its four open units send back, and that of $b$ likewise. Two of
# the units, the first and the fourth, are open for both, and send the same to both. What different units send back is
# unrelated, because their weights were drawn independently: in high dimensions such vectors are nearly at right
# angles. So in the inner product only the two shared units count, and the cosine is about
#
# $$\frac{\text{units open for both}}{\text{units open for each}} = \frac{2}{4} = 0.5 .$$
#
# How many gates do two inputs share in general? A unit opens if its weights and the input enclose less than a right
# angle, that is, if the weights lie in the half of all directions that has the input in its middle. Only the part of
# the weights in the plane of the two inputs matters for both, and in this plane the half is a half circle. Two inputs
# with an angle $\theta$ between them have two half circles, one turned against the other by $\theta$. Draw them: how
# much of the one does the other cover?
#
# ## Exercise 3.1: gates shared by two inputs
#
# Of the units that are open for the first input, which share is open for the second one too, if the angle between the
# inputs is 60 degrees? (The weights point in all directions alike.)


# %% tags=["exercise"]
@lesson.exercise("3.1")
def shared_at_60_degrees():
    """Return the share of the open gates (0 to 1) that the other input opens too."""
    # BEGIN SOLUTION
    return 120 / 180
    # END SOLUTION


# %% [markdown]
# For any angle, in radians, the share is
#
# $$\kappa(\theta) = 1 - \frac{\theta}{\pi} .$$
#
# At right angles it is $1/2$, and for equal inputs it is 1. As with the six units, this is about the cosine of the two
# gradients after one layer. The wider the layer, the smaller is what chance adds to it.
#
# ## From layer to layer
#
# The next layer does not see the inputs, but the signals that the first one made of them. These are closer together,
# because a ReLU removes all negative numbers, and two vectors without negative entries never enclose more than a
# right angle. For infinitely wide layers the new angle is known from an integral over all directions of the weights:
#
# $$\cos \theta' = \frac{\sin\theta + (\pi - \theta)\cos\theta}{\pi} .$$
#
# Start at right angles, $\theta = \pi/2$. Then $\cos\theta' = 1/\pi = 0.318$, which is an angle of 71.4 degrees. The
# second layer shares $1 - 71.4/180 = 0.603$ of its gates. On its way back a gradient passes the gates of both layers,
# and what is shared multiplies: $0.5 \cdot 0.603 = 0.302$ after two layers.
#
# ## Exercise 3.2: the cosine after any number of layers
#
# Write the loop. Start at `angle`, in radians; each layer multiplies by its share and then changes the angle. (The
# result for two layers at right angles is above. Rounding can push a cosine above 1, where `math.acos` fails.)


# %% tags=["exercise"]
@lesson.exercise("3.2")
def gradient_cosine(layers, angle):
    """Return the cosine between the gradients of two inputs, for a wide plain ReLU net."""
    # BEGIN SOLUTION
    product = 1.0
    for _ in range(layers):
        product *= 1 - angle / math.pi
        cosine = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi
        angle = math.acos(min(1.0, cosine))
    return product
    # END SOLUTION


# %% [markdown]
# ## Experiment: theory and measurement
#
# Random vectors of many dimensions are nearly at right angles, so they serve as unrelated inputs. For all inputs of a
# net the same random upstream gradient is sent back from the last layer, and we take the mean cosine over all pairs
# of inputs.


# %%
def mean_cosine(vectors):
    """Return the mean cosine over all pairs of different rows."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    n = len(unit)
    return float(((unit @ unit.T).sum() - n) / (n * (n - 1)))


def signals_and_gradients(net, inputs, seed):
    """Return the signals at the end of the body and the gradients at the inputs, row by row.

    All inputs get the same random upstream at the end of the body.
    """
    x = mr.tensor(inputs.astype(np.float64), requires_grad=True)
    net = net.to("float64")
    h = net.body(net.stem(x))
    upstream = np.random.default_rng((1, seed)).standard_normal(h.shape[1])
    h.backward(np.tile(upstream, (len(inputs), 1)))
    return h.data, x.grad


def measured_cosines(layers, inputs_per_net=64, norm="none", width=P.width):
    """Return the gradients' mean cosine for random inputs, one per seed, each over several nets."""
    found = np.zeros((P.seeds, P.nets))
    for seed, i in np.ndindex(found.shape):
        x = np.random.default_rng((2, seed, i)).standard_normal((inputs_per_net, width))
        net = models.mlp_stack(layers, width, norm=norm, seed=100 * seed + i)
        found[seed, i] = mean_cosine(signals_and_gradients(net, x, 100 * seed + i)[1])
    return found.mean(axis=1)


LAYERS = (1, 2, 4, 8, 16)
plain = {layers: measured_cosines(layers) for layers in LAYERS}
predicted = {layers: gradient_cosine(layers, math.pi / 2) for layers in LAYERS}
at_eight = np.mean(plain[8])
lesson.reveal("cosine", f"{at_eight:.3f}; theory {predicted[8]:.3f}", value=float(at_eight))
lesson.curves(
    "cosine_by_depth",
    f"After 16 layers the cosine is {np.mean(plain[16]):.3f}; halving would leave {0.5**16:.5f}",
    LAYERS,
    {
        "measured": np.array([plain[layers] for layers in LAYERS]).T,
        "your theory": np.array([[predicted[layers] for layers in LAYERS]]),
        "halved by each layer": np.array([[0.5**layers for layers in LAYERS]]),
    },
    x="layers",
    y="cosine between the gradients of two inputs",
    log="xy",
    highlight=["measured"],
    note=f"Plain ReLU nets, He init, {P.width} units; unrelated inputs.",
)
lesson.table(
    [
        {
            "layers": layers,
            "measured": spread(plain[layers]),
            "theory": f"{predicted[layers]:.4f}",
            "halved by each layer": f"{0.5**layers:.5f}",
        }
        for layers in LAYERS
    ]
)

# %%
narrow = measured_cosines(16, width=P.width // 8)
tail = math.log2(gradient_cosine(2000, math.pi / 2) / gradient_cosine(1000, math.pi / 2))
lesson.say(f"""
Both scales are logarithmic. The coloured curve is measured, and up to 8 layers the curve of your theory nearly lies
on it: {np.mean(plain[2]):.3f} and {predicted[2]:.3f} after two layers, {at_eight:.3f} and {predicted[8]:.3f} after
eight. By 16 layers unrelated inputs have almost unrelated gradients. That much of the suspicion is right. (The
theory is for infinitely wide layers, and the deviation grows with the depth. At 16 layers it says {predicted[16]:.3f};
{P.width} units give {spread(plain[16], "{:.3f}")}, and {P.width // 8} units {spread(narrow, "{:.3f}")}.)

The lowest curve belongs to a quick argument that goes wrong: "two inputs share half of the gates, so each layer halves
the cosine". Only the *first* layer shares half. The signals move together from layer to layer, later layers share more
and more, and the decay slows down. By your theory, doubling the depth from 1000 to 2000 layers multiplies the cosine by
$2^{{{tail:.2f}}}$: in the long run it falls like $L^{{-3}}$, with $L$ for the number of layers.
""")

# %% [markdown]
# Where does the 3 come from? For a small angle the formula of the angles becomes
# $\theta' \approx \theta - \theta^2/(3\pi)$, because $\sin\theta - \theta\cos\theta \approx \theta^3/3$ and
# $\cos\theta \approx 1 - \theta^2/2$. An angle that shrinks by a fixed multiple of its square is, after $l$ layers,
# about $3\pi/l$ (put it in: the difference of $3\pi/l$ and $3\pi/(l+1)$ is about $3\pi/l^2$). So layer $l$ shares
# $1 - 3/l$ of its gates. The logarithm of the product of all shares is about $-3 (1 + 1/2 + \ldots + 1/L)$, which
# grows like $-3 \ln L$; so the product falls like $L^{-3}$.
#
# ## Exercise 3.3: let the data decide
#
# Somebody says that the cosine falls like $c \cdot r^L$, somebody else says like $c \cdot L^{-k}$. Take logarithms:
# the first law is a straight line over $L$, the second one over $\log L$. Write a function that says which of the two
# lines fits the data better. (`np.polyfit(x, y, 1)` fits a line; compare the sums of the squared residuals.)


# %% tags=["exercise"]
@lesson.exercise("3.3")
def which_law(layers, values):
    """Return "exponential" or "power", whichever fits the positive values better."""
    # BEGIN SOLUTION
    y = np.log(values)
    residuals = {}
    for law, x in (("exponential", np.asarray(layers, float)), ("power", np.log(layers))):
        residuals[law] = ((y - np.polyval(np.polyfit(x, y, 1), x)) ** 2).sum()
    return min(residuals, key=residuals.get)
    # END SOLUTION


# %%
law = which_law(np.array(LAYERS), np.array([np.mean(plain[layers]) for layers in LAYERS]))
print(f"of the two laws, this one fits the measured cosines better: {law}")

# %% [markdown]
# ## With batch norm: a floor
#
# Batch norm subtracts from every unit its mean over the batch. So if the same vector $v$ is added to all inputs of a
# layer that is followed by batch norm, nothing changes behind it, and the loss does not change either. But to first
# order the loss changes by $v^\top g$ for each input with gradient $g$. The sum of these is zero for every $v$, and
# that means that the gradients of the inputs of one batch *sum to zero*.
#
# ## Exercise 3.4: derive the floor
#
# A batch has $B$ inputs, their gradients $g_1, \ldots, g_B$ have length 1 and sum to zero. Square the sum, and write
# it as a double sum:
#
# $$0 = \left\lVert \sum_i g_i \right\rVert^2 = \sum_i \lVert g_i \rVert^2 + \sum_{i \ne j} g_i^\top g_j .$$
#
# The first sum has $B$ terms, and each is 1. The second has $B(B-1)$ terms, whose mean is the mean cosine. Solve for
# it. (It is a floor indeed: a square is never negative, so no $B$ vectors of length 1 have a smaller mean cosine.)


# %% tags=["exercise"]
@lesson.exercise("3.4")
def mean_cosine_of_zero_sum(batch):
    """Return the mean cosine between B unit vectors that sum to zero."""
    # BEGIN SOLUTION
    return -1 / (batch - 1)
    # END SOLUTION


# %%
BATCHES = (16, 64)
floor = {batch: mean_cosine_of_zero_sum(batch) for batch in BATCHES}
normalised = {
    (batch, layers): measured_cosines(layers, batch, norm="bn")
    for batch in BATCHES
    for layers in (2, 8)
}
lesson.table(
    [
        {
            "batch": batch,
            "layers": layers,
            "measured": spread(found),
            "-1 / (B - 1)": f"{floor[batch]:.4f}",
        }
        for (batch, layers), found in normalised.items()
    ]
)
lesson.say(f"""
With batch norm the mean cosine is at the floor at once: {np.mean(normalised[64, 2]):.4f} after two layers with
a batch of 64, where your formula says {floor[64]:.4f}. (The lengths are not quite equal, hence the small
difference.) Be careful with it. One could read it as "batch norm makes all gradients unrelated in two layers". But
it had to come out like that, whatever the gradients look like otherwise. A number that is fixed by an identity
cannot be evidence.
""")

# %% [markdown]
# ## Neighbours on a line
#
# Unrelated inputs may well have unrelated gradients. What would hurt is if *similar* inputs had. So take the simplest
# inputs that can be similar: numbers. A net with one input and one output is a curve $f(x)$, its gradient is the
# slope $\mathrm{d}f/\mathrm{d}x$, and we compute it at 256 points between -2 and 2 (Balduzzi et al. 2017, arXiv
# 1702.08591).
#
# The gradients of a net are **shattered** if those of neighbouring inputs have nothing to do with each other. The
# **autocorrelation** of a sequence at lag $k$ is the correlation between its entries and those $k$ places further on:
# 1 at lag 0, and near 1 at lag 1 if the sequence is smooth. A sequence is **white noise** if its autocorrelation is 0
# at every lag but 0. We look at lag 1, which compares neighbours on the grid.
#
# ## Exercise 3.5: find the bug
#
# For random numbers with mean 10 and deviation 1 this function reports 0.99 at lag 1, and it fails at lag 0. Correct
# it. (For a correlation, numbers are first centred. In the denominator stands the sum of all squares, whatever the
# lag.)
#
# ```python
# def autocorrelation(g, lag):
#     return (g[:-lag] * g[lag:]).sum() / (g * g).sum()
# ```


# %% tags=["exercise"]
@lesson.exercise("3.5")
def autocorrelation(g, lag):
    """Return the autocorrelation of the sequence g at a lag of 0 or more."""
    # BEGIN SOLUTION
    centred = g - g.mean()
    return (centred[: len(g) - lag] * centred[lag:]).sum() / (centred**2).sum()
    # END SOLUTION


# %% [markdown]
# ## Experiment: when are gradients shattered?
#
# The nets have one input, then a layer that turns it into 200 units, then the given number of layers of 200 units. In
# residual nets, as He et al. built them in 2015, a ReLU follows the addition. "Pre-act" is their order of 2016: batch
# norm and ReLU stand in front of the weights, and nothing follows the addition. "Branch x 0.1" means that what the
# branch adds to the skip is multiplied by 0.1. The last row of the table is a net like that of the notebook below.

# %%
GRID = -2 + 4 * np.arange(256)[:, None] / 256


def line_net(depth, seed, norm="none", skip="none", scale=1.0):
    """Return a net with one input and one output, `depth` layers of 200 units behind the first."""
    net = models.mlp_stack(
        depth, 200, skip, norm, branch_scale=scale, in_features=1, num_classes=1, seed=seed
    )
    if norm == "none":  # spread the kinks of the first layer over the line
        nn.init.normal_(net.stem[0].bias, rng=np.random.default_rng((3, seed)))
    return net.to("float64")


def notebook_net(depth, seed):
    """Return a plain net whose weights and biases all have the variance 1 / 200."""
    net = models.mlp_stack(depth - 1, 200, in_features=1, num_classes=1, seed=seed)
    rng = np.random.default_rng((4, seed))
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=200**-0.5, rng=rng)
    return net.to("float64")


def count(layers):
    """Return "1 layer" or e.g. "50 layers"."""
    return f"{layers} layer" + "s" * (layers > 1)


def slopes(net):
    """Return df/dx at every point of the grid."""
    x = mr.tensor(GRID, requires_grad=True)
    net(x).sum().backward()
    return x.grad[:, 0]


BN, deep = {"norm": "bn"}, P.grid_depths[-1]
ON_A_LINE = {
    f"plain, {count(P.grid_depths[0])}": (P.grid_depths[0], {}),
    **{f"plain, {depth} layers": (depth, {}) for depth in P.grid_depths if depth > 1},
    **{f"plain, batch norm, {depth} layers": (depth, BN) for depth in P.grid_depths if depth > 1},
    f"residual, batch norm, {deep} layers": (deep, {"skip": "identity", **BN}),
    f"residual, batch norm, branch x 0.1, {deep} layers": (
        deep,
        {"skip": "identity", "scale": 0.1, **BN},
    ),
    f"pre-act residual, batch norm, {deep} layers": (deep, {"skip": "preact", **BN}),
}
found = {
    name: [slopes(line_net(depth, seed, **kind)) for seed in range(P.seeds)]
    for name, (depth, kind) in ON_A_LINE.items()
}
found[f"the notebook's net, {deep} layers"] = [
    slopes(notebook_net(deep, seed)) for seed in range(P.seeds)
]
lag_one = {name: [autocorrelation(g, 1) for g in runs] for name, runs in found.items()}
without = float(np.mean(lag_one[f"plain, {deep} layers"]))
with_bn = float(np.mean(lag_one[f"plain, batch norm, {deep} layers"]))
lesson.reveal(
    "white",
    f"autocorrelation at lag 1: plain {without:.2f}, plain with batch norm {with_bn:.2f}",
    value="plain with batch norm",
)
lesson.table(
    [
        {"net": name, "autocorrelation at lag 1": spread(values, "{:.2f}")}
        for name, values in lag_one.items()
    ]
)

# %%
SHOWN = [
    f"plain, {count(P.grid_depths[0])}",
    f"plain, {deep} layers",
    f"plain, batch norm, {deep} layers",
]
lesson.curves(
    "slope_on_a_line",
    f"Only with batch norm does the slope of {deep} layers look like noise",
    GRID[:, 0],
    {
        name: {"df/dx": np.array([found[name][0] / np.sqrt(np.mean(found[name][0] ** 2))])}
        for name in SHOWN
    },
    x="input x",
    highlight=["df/dx"],
    y="slope df/dx, divided by its root mean square",
    note=f"Autocorrelation at lag 1, mean of {P.seeds} nets: "
    + ", ".join(f"{np.mean(lag_one[name]):.2f}" for name in SHOWN)
    + ". Drawn is the first of them.",
)
lesson.say(f"""
Each panel shows the slope of one random net over its input, at 256 points. On the left, the shallowest net: the
slope changes a little wherever a gate switches. In the middle, {deep} layers without batch norm: rougher, and yet
most points are close to the next; the autocorrelation at lag 1 is {without:.2f}. On the right, the same depth with
batch norm: the slope at one point says next to nothing about the next one, 1/64 away. Its autocorrelation is
{with_bn:.2f}.
""")


# %% [markdown]
# ## Why batch norm, of all things?
#
# Theory explains the middle panel. Two neighbours on the grid differ by $1/64$. The first layer multiplies the input
# by weights with variance 2 and adds biases with variance 1. A bias is a weight for the constant 1, so to this layer
# an input $x$ is the vector $(\sqrt{2}\, x, 1)$, and the angle between two neighbours is at most $\sqrt{2}/64$. By
# exercise 3.1 a layer keeps $1 - \theta/\pi$ of what they share, and the angle shrinks further. The next cell lets your
# function of exercise 3.2 work that out for all neighbours.
#
# Batch norm changes it. A ReLU layer brings two distant points closer together by a larger part than two neighbours:
# $\theta^2/(3\pi)$ is a larger part of a large angle. Batch norm subtracts what all points have in common, and scales
# the rest up until the points are spread as widely as before. That makes up for what the distant points lost, and it
# is more than neighbours lost. So neighbours should move apart, layer by layer. We can watch it.


# %%
def separations(net):
    """Return the distance of neighbours over that of any two points, behind every second layer."""
    h, found = net.stem(mr.tensor(GRID)), []
    for block in net.body:
        h = block(h)
        near = (np.diff(h.data, axis=0) ** 2).sum(axis=1).mean()
        far = 2 * ((h.data - h.data.mean(axis=0)) ** 2).sum(axis=1).mean()
        found.append(math.sqrt(near / far))
    return found


place = np.arctan(math.sqrt(2) * GRID[:, 0])  # the direction of (√2 x, 1)
kept = np.mean([gradient_cosine(deep + 1, float(angle)) for angle in np.diff(place)])
apart = {
    name: np.mean([separations(line_net(24, seed, **kind)) for seed in range(P.seeds)], axis=0)
    for name, kind in (("plain", {}), ("plain, batch norm", BN))
}
lesson.table(
    [
        {"net": name, **{f"{2 * i} layers": f"{values[i - 1]:.3f}" for i in (1, 3, 6, 9, 12)}}
        for name, values in apart.items()
    ]
)
lesson.say(f"""
Without batch norm a layer keeps at least {100 * (1 - math.sqrt(2) / 64 / math.pi):.1f} % of what the slopes of
two neighbours share, and {deep} layers keep {100 * kept:.0f} % by your function. So a wide plain net of this
depth cannot be white on this grid.

The table gives the distance between neighbouring points, divided by the distance between any two points of the
grid (root mean squares). Without batch norm it stays near {apart["plain"][-1]:.2f}: neighbours stay neighbours. With
batch norm it grows from layer to layer until, after 24 layers, it is {apart["plain, batch norm"][-1]:.2f}: for the
net, neighbours are nearly as far apart as any two points. What batch norm costs, and what it is good for all the
same, is the subject of lesson 4.
""")

# %% [markdown]
# ## A question from a textbook
#
# Simon Prince's *Understanding Deep Learning* has a notebook on this experiment ([notebook
# 11.1](https://github.com/udlbook/udlbook/blob/main/Notebooks/Chap11/11_1_Shattered_Gradients.ipynb)). It has
# plain nets of 1, 24 and 50 layers with 200 units, computes the slope on 256 points, and asks the reader: "Do you
# find this a convincing replication of the experiment in the original paper? (I don't) Can you help me find why I
# have failed to replicate this result?" Part of the trouble was a missing line, which changed the deep nets' plots
# ([udlbook#317](https://github.com/udlbook/udlbook/issues/317), fixed in February 2026). Your measurements suggest
# where the rest lies.

# %%
note = lag_one[f"the notebook's net, {deep} layers"]
res = float(np.mean(lag_one[f"residual, batch norm, {deep} layers"]))
pre = float(np.mean(lag_one[f"pre-act residual, batch norm, {deep} layers"]))
small = float(np.mean(lag_one[f"residual, batch norm, branch x 0.1, {deep} layers"]))
lesson.say(f"""
- The notebook's nets have *no batch norm*. Built as it says, with {deep} layers, their autocorrelation at lag 1
  is {spread(note, "{:.2f}")}: smooth. He's variance instead of the notebook's 1/200 makes it rougher, not white
  ({without:.2f}). Of the plain nets that you measured, only those with batch norm are white on this grid
  ({with_bn:.2f}).
- Nor is a residual net safe because it is residual. With batch norm and no factor before the branches it comes out at
  {res:.2f} (in the order of 2015) and {pre:.2f} (in that of 2016) with {deep} layers. With the branch multiplied by 0.1
  it keeps {small:.2f}. So it is not the skip as such that resists, but a branch that is small beside it; lesson 8 is
  about the size of branches.
""")

# %% [markdown]
# ## Is it the cause?
#
# We have two facts: deep plain nets train badly, and in them different inputs have almost unrelated gradients. That
# both happen does not show that one causes the other. How could an experiment tell?
#
# A claim is tested where it could fail. "Unrelated gradients keep a net from training" would be refuted by a net
# whose gradients are unrelated and which trains. So we look for such a net among several kinds. And in one comparison
# we change a *single* thing: architecture, depth and data stay, and only the weights start elsewhere. **Identity
# initialisation** sets every square weight matrix to the identity, so that at the start each layer hands on what it
# gets.
#
# What shall we measure? Not the mean cosine over all pairs, which batch norm fixes (exercise 3.4). Take similar
# inputs: each image of a digit, and a copy with noise that is 0.3 times as long as the image, which turns it by some
# 17 degrees. If gradients are shattered, the two will have unrelated ones.
#
# ## Exercise 3.6: design the test
#
# Before any result: write the rule. You get a dictionary from the name of a net to `(cosine, error)`, the mean cosine
# between the gradients of an image and its copy, and the training error in %. Call gradients unrelated if the cosine
# is closer to 0 than 0.1, on either side, and say that a net trains if its error is below 10 %. Return the list of
# the names that contradict the claim.


# %% tags=["exercise"]
@lesson.exercise("3.6")
def contradictions(nets):
    """Return the names of the nets with unrelated gradients that train all the same."""
    # BEGIN SOLUTION
    return [name for name, (cosine, error) in nets.items() if abs(cosine) < 0.1 and error < 10]
    # END SOLUTION


# %%
shallow = P.depths[0]
CASES = [
    ("plain, He init", shallow),
    ("plain, He init", deepest),
    ("plain, identity init", deepest),
    ("plain, batch norm", shallow),
    ("plain, batch norm", deepest),
    ("residual, batch norm", deepest),
]
images = digits.x_train[:128].reshape(128, -1).astype(np.float64)


def with_copies(seed):
    """Return the images, and below them a noisy copy of each."""
    noise = np.random.default_rng((5, seed)).standard_normal(images.shape)
    lengths = np.linalg.norm(images, axis=1) / np.linalg.norm(noise, axis=1)
    return np.concatenate([images, images + P.noise * lengths[:, None] * noise])


def cosines(kind, depth):
    """Return the mean cosines of the signals of different images, and of gradients of copies."""
    skip, norm, init = KINDS[kind]
    found = []
    for seed in range(P.seeds):
        net = models.mlp_stack(depth, 64, skip, norm, init=init, seed=seed)
        h, g = signals_and_gradients(net, with_copies(seed), seed)
        unit = g / np.linalg.norm(g, axis=1, keepdims=True)
        found.append((mean_cosine(h[:128]), (unit[:128] * unit[128:]).sum(axis=1).mean()))
    return np.array(found).T  # (2, seeds)


tested, signal_cosine, rows = {}, {}, []
for kind, depth in CASES:
    name = f"{kind}, {depth} layers"
    of_signals, of_gradients = cosines(kind, depth)
    known = kind == "plain, He init"
    trained = error[depth] if known else training_errors(kind, depth)
    tested[name] = (float(of_gradients.mean()), float(np.mean(trained)))
    signal_cosine[name] = float(of_signals.mean())
    rows.append(
        {
            "net": name,
            "signals' cosine": spread(of_signals, "{:.3f}"),
            "gradients' cosine": spread(of_gradients, "{:.3f}"),
            "training error (%)": spread(trained, "{:.1f}"),
        }
    )
lesson.table(rows)
against = contradictions(tested)
print("against the claim:", "; ".join(against) or "none")

# %%
he_deep, eye = f"plain, He init, {deepest} layers", f"plain, identity init, {deepest} layers"
bn_shallow, bn_deep = f"plain, batch norm, {shallow} layers", f"plain, batch norm, {deepest} layers"
res_deep = f"residual, batch norm, {deepest} layers"
wide = gradient_cosine(deepest, math.atan(P.noise))
lesson.say(f"""
The table was measured on images of digits. It gives the cosine between the signals of different images at the last
layer, the cosine between the gradients of an image and its noisy copy at the first, both before training, and the
error after it.

*For the suspect:* the plain net of {deepest} layers with identity init is the same architecture as the one that
failed. The gradients of an image and its copy have a cosine of {tested[eye][0]:.2f} instead of
{tested[he_deep][0]:.2f}, and it trains: {tested[eye][1]:.1f} % instead of {tested[he_deep][1]:.0f} %. So it is not
the architecture that fails, but training from that start.

*Against it:* with batch norm the plain net of {shallow} layers has a cosine of {tested[bn_shallow][0]:.2f} and
trains to {tested[bn_shallow][1]:.1f} %. The residual net of {deepest} layers has {tested[res_deep][0]:.2f} and
trains to {tested[res_deep][1]:.1f} %. Their gradients are *less* related than those of the deep plain net with
He init, which fails, and whose gradients are not even unrelated by your rule. (For infinitely wide layers your
function gives {wide:.2f}; these have 64 units.) So unrelated gradients alone do not keep a net from training.

*What else?* Look at the column of the signals. In the deep net with He init all digits have become nearly one vector,
with a cosine of {signal_cosine[he_deep]:.3f}: what tells a zero from a nine is a small rest of the signal. It is the
other side of exercise 3.2, where the angle shrinks. Identity init keeps the digits apart ({signal_cosine[eye]:.2f}).
But that is not the whole answer either: with batch norm the signals of {deepest} plain layers stay apart
({signal_cosine[bn_deep]:.2f}), and the net ends at {tested[bn_deep][1]:.0f} %. There is something else about this net,
which lesson 4 finds, and which lesson 5 puts on trial.
""")

# %% [markdown]
# No single column of this table says which net will train. That is a result too: whoever shows you one picture of
# gradients and calls it the reason has left something out.
#
# ## What people get wrong

# %%
lesson.say(f"""
- *"He init solves it."* The lengths are level, with a ratio of {np.mean(ratio[deepest]):.1f} between the ends of
  {deepest} layers, and the training error is {worst:.0f} %.
- *"Each layer halves the correlation of the gradients."* Halving would leave {0.5**16:.6f} after 16 layers.
  Measured: {np.mean(plain[16]):.4f}; your theory: {predicted[16]:.4f}. The first layer halves, the later ones take
  less and less.
- *"Gradients of deep plain nets are white noise."* Without batch norm, {deep} layers keep an autocorrelation of
  {without:.2f} on the grid. *"And those of residual nets are not."* With batch norm and no factor before the branches:
  {res:.2f}.
- *"Shattered gradients are why deep nets do not train."* By the rule of exercise 3.6 the table has
  {len(against)} counterexamples: {"; ".join(against) or "none"}.
""")

# %% [markdown]
# ## What the paper found
#
# - Balduzzi et al. 2017 (arXiv 1702.08591) state in their abstract that the correlation between gradients in standard
#   feedforward networks "decays exponentially with depth resulting in gradients that resemble white noise", and that
#   with skip-connections it decays sublinearly. They also show an initialisation, "looks linear", that prevents
#   shattering and in preliminary experiments trains very deep nets without skips. Our identity init is a cousin of
#   it.
# - You found the white noise with batch norm, and with it also in a residual net with no factor before its branches.
#   Without batch norm the decay for unrelated inputs was a power of the depth, and neighbours on the grid stayed
#   correlated.
# - Daneshmand et al. 2020 (arXiv 2003.01652) study the other column of the table: in random nets without
#   normalisation the signals of different inputs collapse onto few directions as depth grows, and batch norm avoids
#   that.
#
# ## Remember
#
# - A level gradient is not enough: He init keeps the length at every depth, and the training error still grows with
#   depth.
# - In wide plain ReLU nets of $L$ layers the gradients of unrelated inputs have a correlation that falls like $L^{-3}$,
#   while the signals become nearly one and the same; with batch norm even neighbours are torn apart after some twenty
#   layers.
# - Neither the length of gradients nor their correlation alone predicts what trains, so test a suspected cause where
#   it could fail.
#
# ## Read next
#
# [Lesson 4](lesson_04_batch_norm.py) asks what batch norm does to the *length* of gradients, and why the table's deep
# plain net with batch norm is a case of its own.
