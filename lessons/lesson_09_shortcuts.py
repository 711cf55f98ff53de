# title: What may sit on the shortcut?
# minutes: 55
# seconds: 45
# needs: lessons 7 and 8
# %% [markdown]
# # Lesson 9: What may sit on the shortcut?
#
# A residual block adds its input to its branch, $y = F(x) + x$. Lesson 8 was about the branch. This one is about the
# other summand, the $x$ on the skip, or on the *shortcut*, as the papers call it. It looks as if there was nothing to
# say about it. But could one not do better than to pass $x$ on as it is? One could multiply it by a number. One could
# let the network decide, unit by unit, how much of it to pass. One could send it through a layer of weights of its own,
# which can learn to be the identity if that is best, and something better if it is not. A learnable shortcut can do
# (nearly) everything that the plain $x$ can do, and more. It should be at least as good.
#
# He et al. tried all of these in 2016 on a network of 110 layers. In this lesson you repeat their experiment in less
# than a minute on a smaller network, understand what comes out of it with one product, and find out what it is that a
# shortcut must not do. At the end comes the other question of the same paper: should the ReLU stand behind the
# addition, or before the branch? The answer is less simple than a table of test errors.
#
# You should know what a residual block is (lesson 7), and why the size of its branch matters (lesson 8). The lesson
# takes about an hour with its six exercises.
#
# ## A product that one can do by hand
#
# Put a number $\lambda$ on the shortcut: $y = \lambda x + F(x)$. Take the smallest network, one unit wide and three
# blocks deep, with branches $F(x) = 0.1\, x$. With $\lambda = 1$ each block multiplies by $1.1$, and three of them
# turn an input of $1$ into $1.1^3 = 1.331$. Multiply that out, and you see where it comes from:
#
# $$1.331 = 1^3 + 3 \cdot 1^2 \cdot 0.1 + 3 \cdot 1 \cdot 0.1^2 + 0.1^3.$$
#
# These are the paths of lesson 7: in every block one goes either along the shortcut or through the branch. One path
# takes no branch, three take one, three take two, and one takes all three. The **direct path** of a residual network is
# the path that takes the shortcut in every block. It contributes $1$ of the $1.331$.
#
# Now let $\lambda = 0.5$. Each block multiplies by $0.6$, the result is $0.216$, and the direct path contributes
# $0.5^3 = 0.125$. It is still more than half of everything. But each further block halves it again.
#
# Backward it is the same product. In $\partial L / \partial x_0$ there is a summand for each path, and the one of the
# direct path is $\partial L / \partial x_L$ times
#
# $$\lambda_1 \cdot \lambda_2 \cdot \ldots \cdot \lambda_B.$$
#
# Lesson 2 was about exactly such a product of many equal factors, and about what becomes of it if they are not $1$.
# The shortcut was put there so that one way through the network is free of such a product. A factor on the shortcut
# puts it back.

# %%
import math

import numpy as np

import minires as mr
from minires import data, models
from minires.experiments import degradation
from minires.experiments.settings import Setting
from minires.lessons import Lesson, spread
from minires.record import rms

lesson = Lesson(9)
P = lesson.params(
    layers=54,
    seeds=3,
    epochs=7,
    fast={"layers": 24, "seeds": 1, "epochs": 2},
    browser={"seeds": 1, "epochs": 5},
    full={"epochs": 20},
)
B = P.layers // 2  # blocks

# %% [markdown]
# ## Predict

# %%
lesson.predict(
    "half",
    "After 27 blocks with the factor 0.5 on each shortcut: what is the product of the factors?",
)
lesson.predict(
    "projection",
    "On every shortcut we put a layer of weights of its own (with batch norm), which is trained "
    "with the rest. Compared with the plain x, the training error is ...",
    choices=("lower", "about the same", "higher"),
)
lesson.predict(
    "order",
    "Two residual nets of the same depth are trained at the small rate 0.01. In one the ReLU stands "
    "behind the addition, in the other before the branch. Which has the lower training error?",
    choices=("behind the addition", "before the branch", "no difference"),
)

# %% [markdown]
# ## Exercise 9.1: twenty-seven halves
#
# Our network will have 54 layers, so 27 blocks. What does the factor $0.5$ leave of the direct path?


# %% tags=["exercise"]
@lesson.exercise("9.1")
def what_is_left():
    """Return the product of 27 factors of 0.5."""
    # BEGIN SOLUTION
    return 0.5**27
    # END SOLUTION


# %%
lesson.reveal("half", f"{what_is_left():.2g}", value=what_is_left())
lesson.say(f"""
The direct path keeps {what_is_left():.2g} of the gradient, and the network of the paper, with 54 blocks, keeps
{0.5**54:.2g}. What reaches the first blocks has come through the branches, almost as in a network without skips.
""")

# %% [markdown]
# ## The zoo
#
# These are the shortcuts of He et al. 2016 (arXiv 1603.05027, Figure 2), with $h$ for what is added to the branch:
#
# * *Constant scaling*: $h = 0.5\, x$, with the branch as it is or halved too. With the factor $0$ it is a plain net.
# * *Gates*. A **gate** is a layer of weights with a sigmoid behind it, whose outputs between 0 and 1 are used as
#   factors: $g = \sigma(W x + b)$ with $\sigma(z) = 1 / (1 + e^{-z})$. (It is another kind of gate than the ReLUs of
#   lesson 3, which are open or shut.) The *shortcut-only* gate multiplies the shortcut by $1 - g$. The *exclusive*
#   gate, which comes from highway networks, multiplies the shortcut by $1 - g$ and the branch by $g$, so that the two
#   compete.
# * *Projection*. A **projection shortcut** sends the input of a block through a layer of weights of its own (in a
#   convolutional net a convolution of one pixel) and batch norm.
# * *Dropout* on the shortcut: in training half of the numbers, chosen anew each time, are set to zero, and the others
#   are doubled, so that the average stays.
#
# ## Exercise 9.2: build the gates
#
# Write both gates. `x` and `branch` are arrays of $n$ numbers (the branch has been computed), `w` is an array of
# $n \times n$ numbers, and `b` has $n$.


# %% tags=["exercise"]
@lesson.exercise("9.2")
def gated(x, branch, w, b, exclusive):
    """Return (1 - g) x + branch, or (1 - g) x + g branch if exclusive, with g = sigmoid(w x + b)."""
    # BEGIN SOLUTION
    g = 1 / (1 + np.exp(-(w @ x + b)))
    return (1 - g) * x + (g * branch if exclusive else branch)
    # END SOLUTION


# %% [markdown]
# minires has these parts as modules, and `shortcut=` puts them on every block of a network. Here is yours beside them.

# %%
rng = np.random.default_rng(9)
x, branch, w, b = (
    rng.standard_normal(4),
    rng.standard_normal(4),
    rng.standard_normal((4, 4)),
    np.full(4, -1.0),
)
gate, exclusive_gate = models.Gate(4).double(), models.ExclusiveGate(4).double()
for module in (gate, exclusive_gate):
    module.weight.update_(w)
    module.bias.update_(b)
row = mr.tensor(x[None])
differences = [
    np.abs(gated(x, branch, w, b, False) - (gate(row).data[0] + branch)).max(),
    np.abs(
        gated(x, branch, w, b, True) - exclusive_gate(row, mr.tensor(branch[None])).data[0]
    ).max(),
]
lesson.say(f"Largest difference between your gates and those of minires: {max(differences):.1g}.")

# %% [markdown]
# ## Exercise 9.3: how much does a gate let through?
#
# The bias $b$ decides where a gate starts. Suppose that $W x$ is zero. Then the shortcut-only gate multiplies $x$ by
# $1 - \sigma(b)$ in every block. How much is left after a number of blocks?


# %% tags=["exercise"]
@lesson.exercise("9.3")
def passes(b, blocks):
    """Return what the gates of all blocks together leave of the direct path, if W x = 0."""
    # BEGIN SOLUTION
    return (1 - 1 / (1 + math.exp(-b))) ** blocks
    # END SOLUTION


# %%
lesson.say("What is left of x after one, 27 and 54 blocks:")
lesson.table(
    [
        {"bias b": b, "σ(b)": f"{1 / (1 + math.exp(-b)):.5f}"}
        | {f"left after {n}": f"{passes(b, n):.3g}" for n in (1, 27, 54)}
        for b in (0, -1, -3, -5, -6, -7)
    ]
)

# %% [markdown]
# With $b = 0$ such a gate lets half of $x$ through at the start, which is no more than the factor $0.5$ does. With
# $b = -6$ nearly everything passes: $\sigma(-6) = 0.0025$, and even after 54 blocks most of $x$ has come through. So
# the bias of a gate is no detail. He et al. 2016 searched it from 0 to -10: the exclusive gates that started at 0 to
# -5 failed, and -6 was the best (§3.1 and Table 1).
#
# ## Exercise 9.4: design the bias
#
# Nobody should have to search for it. Which bias lets a wanted part of the direct path through a network of a given
# depth, still with $W x = 0$?


# %% tags=["exercise"]
@lesson.exercise("9.4")
def bias_for(part, blocks):
    """Return the bias b with which the gates of all blocks together leave `part` (0 to 1) of x."""
    # BEGIN SOLUTION
    g = 1 - part ** (1 / blocks)
    return math.log(g / (1 - g))
    # END SOLUTION


# %%
lesson.say(f"""
To keep half of the direct path through the 54 blocks of the paper's network your rule takes
b = {bias_for(0.5, 54):.2f}; for nine tenths it takes {bias_for(0.9, 54):.2f}. The paper's best, -6, keeps
{passes(-6, 54):.2f}. The rule is a start and not the whole story, for it assumes that W x is zero: at -5 it would keep
{passes(-5, 54):.2f}, and yet the exclusive gates of the paper failed there.
""")

# %% [markdown]
# ## The experiment
#
# A network for digits of 54 layers in 27 blocks, each with batch norm and a ReLU behind the addition, as in lesson 5:
# SGD with momentum 0.9, rate 0.01, batches of 128. All networks of one seed start with the same weights, except for
# what sits on the shortcut. We look at the training error in the last epoch, after a short training: what we compare is
# how well these networks *can be trained*. Beside it stands what He et al. 2016 found: the *test* error, in percent, of
# a convolutional network of 110 layers and 54 blocks after a full training on CIFAR-10 (Table 1, the median of five
# runs). They write "fail" where it is above 20 %. What the direct path keeps is computed from the shortcuts alone; the
# ReLU behind the addition takes its share in all of these networks (lesson 7).

# %%
digits = data.load_digits()
FAIL = 100.0  # above all other errors, so that the failures of the paper share the last ranks

ZOO = {  # name: (options of the net, the error in the paper, what the direct path keeps)
    "x": ({}, 6.61, 1.0),
    "gate, b = -6": ({"shortcut": "gate:-6"}, 6.91, passes(-6, B)),
    "exclusive gate, b = -6": ({"shortcut": "exclusive:-6"}, 8.70, passes(-6, B)),
    "projection": ({"shortcut": "C"}, 12.22, None),
    "0.5 x and 0.5 F": ({"shortcut": "scale:0.5", "branch_scale": 0.5}, 12.35, 0.5**B),
    "gate, b = 0": ({"shortcut": "gate:0"}, 12.86, passes(0, B)),
    "0.5 x": ({"shortcut": "scale:0.5"}, "fail", 0.5**B),
    "0 x (no skip)": ({"skip": "none"}, "fail", 0.0),
}
if lesson.full:
    ZOO["exclusive gate, b = -7"] = ({"shortcut": "exclusive:-7"}, 9.81, passes(-7, B))
    ZOO["exclusive gate, b = 0"] = ({"shortcut": "exclusive:0"}, "fail", passes(0, B))
    ZOO["dropout"] = ({"shortcut": "dropout:0.5"}, "fail", None)
    ZOO = dict(sorted(ZOO.items(), key=lambda item: FAIL if item[1][1] == "fail" else item[1][1]))


def train(seed, layers=P.layers, rate=0.01, epochs=P.epochs, **options):
    """Train one net and return its curve."""
    mr.manual_seed(seed)  # dropout draws from it
    values = {"skip": "identity", "norm": "bn", "init": "he", "width": 64} | options
    setting = Setting(arch="mlp", depth=layers, activation="relu", **values)
    return degradation.train(setting, seed, digits, degradation.Recipe(epochs=epochs, lr=rate))


def errors_of(**options):
    """Return the training errors in %, one per seed; 100 for a net that diverged."""
    found = [train(seed, **options).final_error for seed in range(P.seeds)]
    return [100.0 if e is None else 100 * e for e in found]


errors = {name: errors_of(**options) for name, (options, _, _) in ZOO.items()}
means = {name: float(np.mean(found)) for name, found in errors.items()}
lesson.reveal(
    "projection",
    f"{means['projection']:.0f} % with projections, {means['x']:.0f} % with the plain x",
    value="higher",
)
lesson.table(
    [
        {
            "shortcut": name,
            "direct path keeps, W x = 0": "-" if kept is None else f"{kept:.2g}",
            "training error %": spread(errors[name], "{:.1f}"),
            "paper: test error %": paper if paper == "fail" else f"{paper:.2f}",
        }
        for name, (_, paper, kept) in ZOO.items()
    ]
)

# %%
stream = mr.tensor(digits.x_train[:256].reshape(256, -1))
opening = []  # how much the gates of a fresh net let through, on average
for block in models.mlp_stack(P.layers, 64, "identity", "bn", shortcut="gate:-6", seed=0).body:
    opening.append(float(1 - block.shortcut.opening(stream).data.mean()))
    stream = block(stream)
relative = {}  # in the last block of a fresh net: RMS(branch) / RMS(what the shortcut brings)
for name in ("x", "0.5 x"):
    h = mr.tensor(digits.x_train[:256].reshape(256, -1))
    net = models.mlp_stack(P.layers, 64, "identity", "bn", seed=0, **ZOO[name][0])
    for block in net.body:
        branch, short = block.scaled(block.norm2(block.branch(h))), block.shortcut(h)
        h = block(h)
    relative[name] = rms(branch.data) / rms(short.data)
open_ones = [name for name, (_, _, kept) in ZOO.items() if kept is not None and kept > 0.5]
shrunk = [name for name in ZOO if name not in open_ones]
labels = {
    name: f"{name}  [paper: {paper if paper == 'fail' else format(paper, '.2f')}]"
    for name, (_, paper, _) in ZOO.items()
}
lesson.bars(
    "zoo",
    f"An open direct path leaves at most {math.ceil(max(max(errors[n]) for n in open_ones))} % "
    f"error, a shrunken one at least {math.floor(min(min(errors[n]) for n in shrunk))} %",
    {labels[name]: found for name, found in errors.items()},
    x=f"training error after {P.epochs} epochs (%)",
    form="{:.0f} %",
    highlight=[labels[name] for name in open_ones],
    note="In brackets: test error of a ResNet-110 on CIFAR-10, He et al. 2016, Table 1.",
)
lesson.say(f"""
Each bar is a shortcut, and its length the part of the training digits that are still wrong after {P.epochs} epochs;
90 % would be guessing. From top to bottom they stand in the order of the paper, whose errors are in brackets. The
coloured ones leave the direct path (nearly) open; look how far the jump is from the last of them,
{means["exclusive gate, b = -6"]:.0f} %, to the next, {means["projection"]:.0f} %. Everything below has many factors of
one half, or many random matrices, on the direct path. (Dropout and the exclusive gate that starts at 0, which both
failed in the paper, are trained with `--full` only.)

The gate that starts at -6 has {means["gate, b = -6"]:.0f} %, more than the plain x. In your formula W x was zero; in a
network it is not. With the weights as they are drawn the gates let through {opening[0]:.3f} of x in the first block
and {opening[-1]:.3f} in the last, on average, because the stream grows (lesson 8) and W x with it. All {B} together
leave {math.prod(opening):.2f} of the direct path, and not {passes(-6, B):.2f}.

The product is one way to see it. Lesson 8 has another. In the last block of a fresh network the branch is
{relative["x"]:.2f} times as large as what the plain x brings. With 0.5 x it is {relative["0.5 x"]:.1f} times as large
as what the shortcut brings, because a halved stream does not grow. So such a block does not start near the identity
either. Whether the lost path or the large branch does the harm, these bars do not tell; with one half on the
shortcut the two come together.
""")

# %% [markdown]
# ## Exercise 9.5: how alike are two rankings?
#
# Our numbers and the paper's differ, as they must: other data, other networks, other budget. What can be compared is
# the order. A **rank correlation** is the correlation between two rankings: 1 if they agree, -1 if one is the reverse
# of the other, near 0 if they have nothing to do with each other. Write it. Replace each value by its rank (1 for the
# smallest); equal values share the average of their ranks, so that the ranks of `[5, 7, 7, 9]` are `[1, 2.5, 2.5, 4]`.
# Then return the correlation of the two lists of ranks, for which `np.corrcoef(r, s)[0, 1]` is enough.


# %% tags=["exercise"]
@lesson.exercise("9.5")
def rank_correlation(a, b):
    """Return the rank correlation (Spearman's) of two arrays of equal length; ties share ranks."""

    # BEGIN SOLUTION
    def ranks(values):
        values = np.asarray(values, float)
        below = (values[:, None] > values).sum(axis=1)
        equal = (values[:, None] == values).sum(axis=1)
        return below + (equal + 1) / 2

    return np.corrcoef(ranks(a), ranks(b))[0, 1]
    # END SOLUTION


# %%
ours = np.array([means[name] for name in ZOO])
theirs = np.array([FAIL if p == "fail" else p for _, p, _ in ZOO.values()])
agreement = rank_correlation(ours, theirs)


def place(values):
    """Return the place of each value in the ranking, ties sharing one."""
    return (values[:, None] > values).sum(1) + ((values[:, None] == values).sum(1) + 1) / 2


moved = place(ours) - place(theirs)
odd = list(ZOO)[int(np.abs(moved).argmax())]
lesson.say(f"""
The rank correlation with the paper is {agreement:.2f}. The largest disagreement is "{odd}": it takes place
{place(ours)[list(ZOO).index(odd)]:g} of {len(ZOO)} here and {place(theirs)[list(ZOO).index(odd)]:g} in the paper (the
failures share a place there). Among the {len(shrunk)} that train badly the order is not worth much: after {P.epochs}
epochs their means lie between {min(means[n] for n in shrunk):.0f} and {max(means[n] for n in shrunk):.0f} %, and look
how far apart the seeds of one shortcut are. One contradiction is worth naming: 0.5 x with the full branch failed in the
paper (He et al. 2016, Table 1), while halving the branch as well gave 12.35 %. Here the first has {means["0.5 x"]:.0f}
% and the second {means["0.5 x and 0.5 F"]:.0f} %, and neither is any good. So do not take our network for theirs. What
both say is which shortcuts stay near the plain x and which do not.
""")

# %% [markdown]
# ## But it has more parameters!
#
# The projection can become the identity: its weights only have to learn it. The same is true of the gates. More can
# be represented, not less. Let us count.


# %%
def parameters(net):
    """Return the number of parameters of a net."""
    return sum(p.size for p in net.parameters())


def of_zoo(name):
    """Return the parameters of a net of the zoo."""
    options = {"skip": "identity"} | ZOO[name][0]
    return parameters(models.mlp_stack(P.layers, 64, norm="bn", seed=0, **options))


counts = {name: of_zoo(name) for name in ZOO}
conv = {option: parameters(models.resnet110(shortcut=option, seed=0)) for option in "ABC"}
lesson.say(f"""
The network with projections has {counts["projection"]:,} parameters and {means["projection"]:.0f} % training error;
the one with the plain x has {counts["x"]:,} and {means["x"]:.0f} %. The gates have {counts["gate, b = 0"]:,}, and
where they start decides whether they leave {means["gate, b = -6"]:.0f} or {means["gate, b = 0"]:.0f} %. A higher
*training* error of the network that can represent more: this is lesson 6 again. It is not about what can be represented
but about what gradient descent finds.
""")

# %% [markdown]
# Where a block changes the shape of its input, something has to sit on the shortcut. He et al. 2015 (§4.1 of arXiv
# 1512.03385) compare three ways: option A takes every second pixel and fills the new channels with zeros, option B puts
# a projection there and only there, option C puts one on every shortcut. On ImageNet, with 34 layers, their top-1
# validation errors are 25.03, 24.52 and 24.19 % (Table 3), against 28.54 % without shortcuts. That is a small gain, for
# few blocks: 16. With 54 blocks and a projection on each, the same authors found 12.22 % instead of 6.61 % on CIFAR-10
# a year later (He et al. 2016, Table 1).

# %%
lesson.table(
    [
        {"ResNet-110": f"option {o}", "parameters": f"{n:,}", "more than A": f"{n - conv['A']:,}"}
        for o, n in conv.items()
    ]
)

# %% [markdown]
# ## Is it the identity, or is it that nothing is lost?
#
# So far every shortcut other than $x$ was worse. Is $x$ special, then? Here are two that are not the identity and
# lose nothing. The first *shuffles* the units: a fixed random permutation in every block. The second *rotates*: it
# multiplies by a fixed random matrix that keeps all lengths and angles (an orthogonal one). A
# function that makes a module is all that minires needs to put your own shortcut on every block.


# %%
class Fixed(mr.nn.Module):
    """x times a matrix that is not trained."""

    def __init__(self, matrix):
        super().__init__()
        self.register_buffer("matrix", matrix.astype(np.float32))

    def forward(self, x):
        return x @ self.matrix


def shuffle(width):
    """Return a module that permutes the units."""
    return Fixed(np.eye(width)[mr.random.generator().permutation(width)])


def rotate(width):
    """Return a module that multiplies by a random orthogonal matrix."""
    return Fixed(np.linalg.qr(mr.random.generator().standard_normal((width, width)))[0])


own = {
    "x": errors["x"],
    "shuffled x": errors_of(shortcut=shuffle),
    "rotated x": errors_of(shortcut=rotate),
    "x, ReLU before the branch": errors_of(skip="preact"),
    "rotated x, ReLU before the branch": errors_of(skip="preact", shortcut=rotate),
}
small = {
    "behind the addition": means["x"],
    "before the branch": float(np.mean(own["x, ReLU before the branch"])),
}
lesson.reveal(
    "order",
    ", ".join(f"{error:.1f} % with the ReLU {where}" for where, error in small.items()),
    value=min(small, key=small.get),
)
lesson.table(
    [{"shortcut": name, "training error %": spread(found, "{:.1f}")} for name, found in own.items()]
)
lesson.say(f"""
Shuffling does no harm: {np.mean(own["shuffled x"]):.1f} % against {means["x"]:.1f} %. On second thoughts it cannot: it
only gives the units other names from block to block, and with random weights no name is better than another. So the
identity is not what it takes. Rotating does, {np.mean(own["rotated x"]):.0f} %. The difference is the ReLU behind the
addition: a shuffled stream is still non-negative and passes it, while a rotated one has about as many negative numbers
as positive ones, and the ReLU cuts them off in every block. Take the ReLU off the stream, as in the last two rows, and
the rotation is as good as the identity: {np.mean(own["rotated x, ReLU before the branch"]):.1f} and
{np.mean(own["x, ReLU before the branch"]):.1f} %. (That both are higher than {means["x"]:.1f} % is your third
prediction, and the subject of the next section.) What a shortcut must not do is *lose* something on the way. The
identity is the simplest of those that do not. Lessons 6 and 7 let training start near the identity; what matters about
it may be just this. (The orthogonal start in lesson 6's last section is not near the identity, and loses nothing
either.)
""")

# %% [markdown]
# ## Before or behind?
#
# That ReLU behind the addition is therefore an obstacle on the direct path. **Pre-activation** means that norm and
# activation stand before the weights, inside the branch of a residual block, so that nothing at all is left on the
# stream: $y = x + W_2\, r(W_1\, r(x))$, where $r$ is batch norm and ReLU. It is what He et al. 2016 recommend. The
# block of 2015, with the ReLU behind the addition, is called *post*-activation. Which one trains better? You have seen
# both at the small rate, 0.01. Here they are at ten times the rate as well.

# %%
ORDERS = {"post-activation": "identity", "pre-activation": "preact"}


def at_large_rate(kind, layers):
    """Return the curves of a kind of block at rate 0.1."""
    return [
        train(seed, layers, rate=0.1, epochs=P.epochs, skip=ORDERS[kind]) for seed in range(P.seeds)
    ]


def percent(curves):
    """Return the training errors in %; 100 for a net that diverged."""
    return [100.0 if c.final_error is None else 100 * c.final_error for c in curves]


large = {kind: at_large_rate(kind, P.layers) for kind in ORDERS}
by_order = {(kind, 0.1): percent(found) for kind, found in large.items()}
by_order["post-activation", 0.01] = own["x"]
by_order["pre-activation", 0.01] = own["x, ReLU before the branch"]
late = {key: float(np.mean(found)) for key, found in by_order.items()}
first_loss = {kind: float(np.mean([c.losses[0] for c in found])) for kind, found in large.items()}


def verdict(rate):
    """Return how pre-activation fares at a rate, in words and numbers."""
    pre, post = (late[f"{kind}-activation", rate] for kind in ("pre", "post"))
    return f"{'wins' if pre < post else 'loses'}, {pre:.1f} against {post:.1f} % error"


lesson.bars(
    "orders",
    f"Pre-activation {verdict(0.1)}, at rate 0.1; at 0.01 it {verdict(0.01)}",
    {f"rate {rate:g}, {kind}": by_order[kind, rate] for rate in (0.1, 0.01) for kind in ORDERS},
    x=f"training error after {P.epochs} epochs (%)",
    form="{:.1f} %",
    highlight=[f"rate {rate:g}, pre-activation" for rate in (0.1, 0.01)],
    note=f"{P.layers} layers.",
)
lesson.say(f"""
The coloured bars are pre-activation, the grey ones post-activation; above the large rate, below the small one. At
rate 0.1 pre-activation is far ahead. In the first epoch the mean loss of the post-activation network is
{first_loss["post-activation"]:.1f}, and {first_loss["pre-activation"]:.1f} with pre-activation, where guessing has
{math.log(10):.1f}: its first steps make it far worse than guessing, and in {P.epochs} epochs it does not catch up. At
rate 0.01 it is the other way round. So pre-activation is not always better. It stands larger rates, and in a short
training at a small rate it is slower.
""")

# %%
if lesson.full:
    lesson.table(
        [
            {
                "rate 0.1, 108 layers": kind,
                "training error %": spread(percent(at_large_rate(kind, 108)), "{:.1f}"),
            }
            for kind in ORDERS
        ]
    )

# %% [markdown]
# ## Exercise 9.6: find the bug
#
# Here is a pre-activation block as somebody might write it. `norm` is a function that normalises, and `weights` is the
# rest of the branch, which multiplies by $W_1$, normalises, applies the ReLU and multiplies by $W_2$. It runs. But it
# is not the block of the paper.


# %% tags=["show"]
def preact_with_a_bug(x, norm, weights):
    x = np.maximum(norm(x), 0)
    return x + weights(x)


# %%
halved = preact_with_a_bug(np.array([-2.0, 0.5, 4.0]), lambda v: v / 2, lambda v: 0 * v)
lesson.say(f"""
With a branch of zeros the block should return its input, `[-2, 0.5, 4]`. With a `norm` that halves, it returns
{halved.tolist()}.
""")

# %% [markdown]
# Write the block without the bug.


# %% tags=["exercise"]
@lesson.exercise("9.6")
def preact(x, norm, weights):
    """Return the output of a pre-activation block: norm and weights are functions of arrays."""
    # BEGIN SOLUTION
    return x + weights(np.maximum(norm(x), 0))
    # END SOLUTION


# %%
if lesson.full:
    PLACES = {  # He et al. 2016, Table 2: test error of ResNet-110
        "original": 6.61,
        "bn-after-add": 8.17,
        "relu-before-add": 7.84,
        "relu-preact": 6.71,
        "preact": 6.37,
    }
    lesson.table(
        [
            {
                "order": order,
                "rate 0.1": spread(errors_of(order=order, rate=0.1), "{:.1f}"),
                "rate 0.01": spread(errors_of(order=order), "{:.1f}"),
                "paper": paper,
            }
            for order, paper in PLACES.items()
        ]
    )

# %% [markdown]
# (With `--full` the lesson trains for 20 epochs, has all shortcuts of the paper, shows the two orders with 108 layers,
# and compares all five places that He et al. 2016 tried for norm and ReLU.)
#
# ## What people get wrong

# %%
lesson.say(f"""
*"Projection shortcuts are better because they have more parameters."* Here they have
{counts["projection"] / counts["x"]:.1f} times as many, and {means["projection"]:.0f} % training error instead of
{means["x"]:.0f} %.

*"A network that may choose is at least as good as one that may not."* The gates may choose to pass everything. With
b = 0 they start half open, and {means["gate, b = 0"]:.0f} % of the digits stay wrong; with b = -6 it is
{means["gate, b = -6"]:.0f} %. The two could learn the same, and start from different places.

*"It must be the identity."* A shuffled x trains as well: {np.mean(own["shuffled x"]):.1f} %. What it must not do is
lose something in each of many blocks.

*"Pre-activation is better."* At rate 0.1 it is, {late["pre-activation", 0.1]:.1f} to
{late["post-activation", 0.1]:.1f} %. At rate 0.01 the order of 2015 has {late["post-activation", 0.01]:.1f} % and
pre-activation {late["pre-activation", 0.01]:.1f} %.
""")

# %% [markdown]
# ## What the paper found
#
# * He et al. 2016 (arXiv 1603.05027, Table 1): test errors on CIFAR-10 of ResNet-110 with other shortcuts, from 6.61 %
#   for the identity to 12.86 % and "fail"; they are in your table above.
# * The shortcut-only gates and the projection "cover the solution space of identity shortcuts", but have the higher
#   training error, from which they conclude that it is a question of optimisation (He et al. 2016, §3.2).
# * Table 2 of the same paper, ResNet-110 and ResNet-164: post-activation 6.61 and 5.93 %, full pre-activation 6.37 and
#   5.46 %; batch norm behind the addition 8.17 and 6.50 %.
# * Table 3: with 1001 layers 7.61 % post-activation and 4.92 % pre-activation. The deeper, the larger the difference;
#   the curves of training show how slowly the former begins (§4.2). They train both at the rate 0.1, with a warm-up
#   at 0.01, which they note pre-activation does not need (appendix).
# * He et al. 2015 (arXiv 1512.03385, Table 3): options A, B, C on ImageNet differ by less than a point.
#
# ## Remember
#
# - Along the direct path the shortcuts of all blocks are multiplied, so that 0.5 becomes nothing, and only a shortcut
#   that loses nothing keeps the path open.
# - A shortcut with weights of its own can represent more than the plain $x$, and trains worse if it starts far from
#   losing nothing: a gate at $b = -6$ comes near to $x$, a gate at $b = 0$ and a projection do not.
# - Pre-activation leaves nothing on the stream but the additions; here it stood a larger learning rate, which is not
#   the same as being better at every rate.
#
# ## The course in one paragraph
#
# Gradients vanish where the initialisation is too small and nothing normalises, and there a skip helps as the popular
# story says (lesson 2). But deep plain nets whose gradients are level fail as well (lesson 3), and so do those with
# batch norm, whose gradients explode at the start (lesson 4); the explosion does harm, and at 54 layers it is neither
# needed nor enough for the failure (lesson 5). The deep net is able to do it: good weights can be written down, and
# training arrives if it starts near the identity (lesson 6). A residual net has such a start built in, and on our
# digits the start was nearly all of what the skip gave (lesson 7), provided that most branches are small beside the
# stream (lesson 8) and that what sits on the shortcut loses nothing (lesson 9). Why a plain ReLU net that starts
# elsewhere makes so little progress is not settled: unrelated gradients were a suspect, and not enough. And all of this
# was measured on small, fully connected nets. How far it holds for ResNets only the tables of the papers say.
#
# ## Read next
#
# * He et al. 2016 (arXiv 1603.05027), §2 and §3: the derivation in one page, and the zoo.
# * Lesson 2, once more, with the product of this lesson in mind.
# * Srivastava et al. 2015 (arXiv 1507.06228): highway networks, where the exclusive gate comes from.
