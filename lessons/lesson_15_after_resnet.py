# ---
# title: After ResNet: what was kept, and what was not?
# minutes: 60
# seconds: 45
# needs: lessons 7, 8, 9 and 10
# ---
# %% [markdown]
# # Lesson 15: After ResNet: what was kept, and what was not?
#
# A residual block adds, and what it adds to is handed on. Many who came later kept this sum. But nearly everything about
# the ResNet of 2015 has been changed by somebody: what is done with $x$ in place of adding it, how the branch spends its
# weights, whether every branch has to be there all the time, where the normalisation stands, and even whether the sum
# is needed at all.
#
# This lesson takes five of these changes. Each has some arithmetic that you do yourself, in the way of lesson 10, and
# most have a small experiment. They are more than a collection, because the same question runs through them, that
# of lessons 7 to 9: what is left of the direct path from the first layer to the last, and how near to "do nothing"
# does a block start? At the end you will be able to tell with a pencil what a norm leaves of the direct path through 48
# blocks, depending on where it stands, and to change that with one number that you compute.
#
# You should know how a residual block starts near the identity (lesson 7), why branches must start small (lesson 8), the
# product along the direct path (lesson 9), and how to count weights and memory (lesson 10). Plan an hour.

# %%
import itertools
import math
import time

import numpy as np

import minires as mr
from minires import data, models, nn, optim
from minires import functional as F
from minires.experiments.degradation import error
from minires.lessons import Lesson, spread
from minires.record import rms
from minires.train import train

lesson = Lesson(15)
P = lesson.params(
    blocks=48,
    layers=32,
    seeds=3,
    epochs=2,
    dropping=4,
    starting=3,
    side=32,
    rates=(0.001, 0.0003),
    start_rates=(0.003,),
    fast={
        "blocks": 12,
        "layers": 14,
        "seeds": 1,
        "epochs": 1,
        "dropping": 1,
        "starting": 1,
        "rates": (0.001,),
    },
    full={
        "seeds": 5,
        "epochs": 6,
        "dropping": 20,
        "starting": 6,
        "rates": (0.003, 0.001, 0.0003, 0.0001),
        "start_rates": (0.03, 0.01, 0.003, 0.001),
    },
    browser={
        "side": 16,
        "blocks": 24,
        "layers": 14,
        "seeds": 1,
        "epochs": 1,
        "dropping": 1,
        "starting": 1,
        "rates": (0.001,),
    },
)

# %% [markdown]
# ## Predict

# %%
lesson.predict(
    "start",
    f"{P.layers} plain layers, without any skip and without batch norm, whose convolutions start as "
    "the identity. Their training error is nearer to ...",
    choices=("that of the plain net from He init", "that of the residual net"),
)
lesson.predict(
    "dropped",
    "A residual net of 54 layers leaves out a quarter of all branches while it trains, each time "
    "others. Its test error, compared with that of its twin, which keeps them all:",
    choices=("lower", "the same within the spread of seeds", "higher"),
)
lesson.predict(
    "norm",
    f"{P.blocks} residual blocks with layer norm (it normalises each sample over its own features). "
    "Which trains better?",
    choices=("the norm behind the addition", "the norm before the branch", "no difference"),
)

# %% [markdown]
# ## Put it beside instead of adding it: DenseNet
#
# A residual block gives $x + F(x)$. A **dense layer** hands on its input with the output of a few new filters beside it,
# $[x, F(x)]$: the channels of $x$ stay what they were, and $F$ puts new ones next to them. The **growth rate** is the
# number of channels that every dense layer puts beside what it got, $k$. In a row of such layers each one sees the
# outputs of all that came before it; Huang et al. 2017 (arXiv 1608.06993) therefore call the network a DenseNet.
#
# Start with $k_0 = 3$ channels and $k = 2$. The first layer sees 3 channels and makes 2, so the second sees 5, the third
# 7, and after $l$ layers there are $k_0 + k\, l$.
#
# ## Exercise 15.1: how wide does it get?
#
# The first dense block of DenseNet-40 starts with 16 channels, has 12 layers, and $k = 12$. How many channels come out?


# %% tags=["exercise"]
@lesson.exercise("15.1")
def channels_at_the_end():
    """Return the number of channels behind the block."""
    # BEGIN SOLUTION
    return 16 + 12 * 12
    # END SOLUTION


# %% [markdown]
# ## Exercise 15.2: what does it cost?
#
# Let each of the layers be one convolution of $3 \times 3$, from all channels that there are to $k$ new ones. How many
# weights do they have together (without batch norm)?


# %% tags=["exercise"]
@lesson.exercise("15.2")
def dense_weights(start, growth, layers):
    """Return the weights of a dense block that starts with `start` channels."""
    # BEGIN SOLUTION
    return sum(9 * growth * (start + growth * i) for i in range(layers))
    # END SOLUTION


# %%
dense40 = models.densenet40(seed=0)
in_block = sum(
    p.size for name, p in dense40.named_parameters() if "denseblock1" in name and "conv" in name
)
sized = {
    name: mr.summary(net, (3, P.side, P.side), batch=2)
    for name, net in (("DenseNet-40", dense40), ("ResNet-56", models.resnet56(seed=0)))
}
lesson.say(f"""
The first block of the DenseNet-40 in minires has {in_block:,} weights in its convolutions; you count
{dense_weights(16, 12, 12):,}. Layer after layer there is more to see, so that the sum grows with the *square* of the
number of layers: with twice as many it is {dense_weights(16, 12, 24) / dense_weights(16, 12, 12):.1f} times as large.
""")
lesson.table(
    [
        {
            "net": name,
            "parameters": f"{s.total.parameters:,}",
            "MACs / 10⁶": f"{s.total.macs / 1e6:.0f}",
            "activations, MB per image": f"{s.memory['kept'] / 2e6:.1f}",
        }
        for name, s in sized.items()
    ]
)
heavier = sized["DenseNet-40"].memory["kept"] / sized["ResNet-56"].memory["kept"]
larger = sized["DenseNet-40"].total.parameters / sized["ResNet-56"].total.parameters
lesson.say(f"""
So what does one get for it? Few new channels are needed where all old ones can be seen: the layers are narrow, 12
filters each. But nothing is ever forgotten, and backward wants all of it: with {larger:.1f} times the parameters of
ResNet-56 the DenseNet keeps {heavier:.1f} times the activations (lesson 10).
""")

# %% [markdown]
# ## Exercise 15.3: adding is putting beside, with the same weights
#
# How different is it from adding? Take a residual stream of one summand for each block, $x + f_1 + f_2$, and let the
# next layer multiply it by $W$. Now a dense layer that sees $[x, f_1, f_2]$ beside each other multiplies this longer
# vector by a wider matrix $V$. Which $V$ makes both compute the same for all $x$, $f_1$, $f_2$?


# %% tags=["exercise"]
@lesson.exercise("15.3")
def beside(w, summands):
    """Return V, of shape (outputs, summands · inputs), for w of shape (outputs, inputs)."""
    # BEGIN SOLUTION
    return np.concatenate([w] * summands, axis=1)
    # END SOLUTION


# %%
rng = np.random.default_rng(15)
w, parts = rng.standard_normal((4, 6)), rng.standard_normal((3, 6))
apart = float(np.abs(beside(w, 3) @ parts.ravel() - w @ parts.sum(axis=0)).max())
lesson.say(f"""
The two differ by {apart:.0e} at most. So a residual net is a dense one in which every layer treats all that came before
alike. The DenseNet may weigh each of them anew, and pays for that with the width of its layers.
""")

# %% [markdown]
# That says what can be represented, and lessons 6 and 9 have taught us to ask what is found by training. Here are a
# plain, a residual and a dense net for digits; the growth rate is chosen so that the dense one has about as many
# parameters as the others.

# %%
digits = data.load_digits()


def batches(seed, epochs, flat=False):
    """Return the batches in an epoch, and those of some epochs, of 64 digits each."""
    x = digits.x_train.reshape(len(digits.x_train), -1) if flat else digits.x_train
    loader = data.DataLoader(
        x, digits.y_train, batch_size=64, shuffle=True, seed=seed, drop_last=True
    )
    return len(loader), itertools.chain.from_iterable(itertools.repeat(loader, epochs))


def fit(net, optimizer, seed, epochs, flat=False):
    """Train a net; return its training error over the last epoch, in %, or None if it diverged."""
    mr.manual_seed(seed)
    count, found = batches(seed, epochs, flat)
    wrong = []
    for step in train(net, optimizer, found, check_gradients=True):
        if step.diverged:
            return None
        wrong.append(step.errors / 64)
    return 100 * float(np.mean(wrong[-count:]))


def by_sgd(net, rate):
    """Return SGD with momentum for a net."""
    return optim.SGD(net.parameters(), lr=rate, momentum=0.9)


def size_of(net):
    """Return the number of parameters of a net."""
    return sum(p.size for p in net.parameters())


def dense(seed, growth):
    """Return a DenseNet of 22 layers for digits."""
    return models.densenet(22, growth=growth, bottleneck=False, width=8, in_channels=1, seed=seed)


target = size_of(models.resnet(20, width=8, in_channels=1, seed=0))
growth = min(range(2, 13), key=lambda k: abs(size_of(dense(0, k)) - target))
FAMILIES = {
    "plain": lambda seed: models.plain(20, width=8, in_channels=1, seed=seed),
    "residual": lambda seed: models.resnet(20, width=8, in_channels=1, seed=seed),
    f"dense, k = {growth}": lambda seed: dense(seed, growth),
}
work = {
    name: mr.summary(make(0), (1, 8, 8), batch=2).total.macs / 1e6
    for name, make in FAMILIES.items()
}
families = {
    name: [fit(net, by_sgd(net, 0.05), s, P.epochs) for s in range(P.seeds) for net in [make(s)]]
    for name, make in FAMILIES.items()
}
lesson.table(
    [
        {
            "net": name,
            "parameters": f"{size_of(make(0)):,}",
            "MACs / 10⁶": f"{work[name]:.2f}",
            "training error %": spread(families[name], "{:.1f}"),
        }
        for name, make in FAMILIES.items()
    ]
)
mean = {name: float(np.mean(found)) for name, found in families.items()}
lesson.say(f"""
After {P.epochs} epochs the plain net errs on {mean["plain"]:.0f} % of the training digits, the residual one on
{mean["residual"]:.1f} % and the dense one on {mean[f"dense, k = {growth}"]:.1f} %. One rate was used for all three, and
the dense net computes {work[f"dense, k = {growth}"] / work["residual"]:.1f} times as much as the others, so do not rank the
last two by it. What they share is what the plain net lacks: from every layer there is a way on, past
the weights of the layers that follow in its stage.
""")

# %% [markdown]
# ## Spend the weights otherwise: groups
#
# The convolutions of lesson 10 connect every channel of the input with every one of the output. A **grouped
# convolution** splits the channels into $g$ groups and connects only channels of the same group, so that there are $g$
# convolutions side by side, each of $C / g$ to $K / g$ channels. ResNeXt (Xie et al. 2017, arXiv 1611.05431) does that in
# the middle of a bottleneck, with 32 groups.
#
# The extreme is one group for each channel. A **depthwise convolution** filters each channel by itself, with nine
# weights, and mixes nothing; a convolution of $1 \times 1$ behind it mixes the channels. The two together are called
# depthwise *separable*, and MobileNet (Howard et al. 2017, arXiv 1704.04861) is made of them.
#
# ## Exercise 15.4: two ways to save
#
# Count the weights of a grouped convolution of $3 \times 3$ from $C$ to $K$ channels, and those of the depthwise
# separable pair that takes its place.


# %% tags=["exercise"]
@lesson.exercise("15.4")
def weights_of(inputs, outputs, groups):
    """Return the weights of (the grouped convolution, the depthwise separable pair)."""
    # BEGIN SOLUTION
    return 9 * inputs * outputs // groups, 9 * inputs + inputs * outputs
    # END SOLUTION


# %%
lesson.table(
    [
        {
            "channels": c,
            "3 × 3": f"{9 * c * c:,}",
            "in 32 groups": f"{weights_of(c, c, 32)[0]:,}",
            "separable": f"{weights_of(c, c, 1)[1]:,}",
            "saves": f"{9 * c * c / weights_of(c, c, 1)[1]:.1f} times",
        }
        for c in (64, 128, 256, 512)
    ]
)
resnext = [size_of(models.resnet50(seed=0)), size_of(models.resnext50_32x4d(seed=0))]
lesson.say(f"""
The more channels, the nearer comes the separable pair to a ninth: $9 C^2 / (9 C + C^2) = 9 C / (9 + C)$. ResNeXt did not
take the saving home. It made the middle of its bottlenecks twice as wide, 128 channels in the place of 64, so that
ResNeXt-50 has {resnext[1]:,} parameters and ResNet-50 {resnext[0]:,}: the same size, spent on 32 narrow branches.
""")

# %% [markdown]
# ## Leave branches out: stochastic depth
#
# If a block that does nothing hands on its input, a whole branch can be missing, and the network still computes
# something sensible. (Lesson 12 removes branches from a trained net.) **Stochastic depth** leaves out branches at random
# while the network trains: block $l$ of $L$ keeps its branch with the probability
#
# $$p_l = 1 - \frac{l}{L} (1 - p_L),$$
#
# anew for each batch, and with $p_L = 0.5$ for the last block (Huang et al. 2016, arXiv 1603.09382, equation 4). What is
# left out need not be computed. In evaluation all branches are there.
#
# ## Exercise 15.5: how deep is it on average?
#
# A branch is there or not, and counts as 1 or 0. How many are there on average? (The mean of a sum is the sum of the
# means.)


# %% tags=["exercise"]
@lesson.exercise("15.5")
def expected_blocks(blocks, last):
    """Return the expected number of branches that are there; `last` is the p of the last block."""
    # BEGIN SOLUTION
    return sum(1 - number / blocks * (1 - last) for number in range(1, blocks + 1))
    # END SOLUTION


# %%
lesson.say(f"""
Of the 54 blocks of ResNet-110, {expected_blocks(54, 0.5):.2f} are there on average (minires:
{models.expected_depth(54, 0.5):.2f}), and {100 * (1 - expected_blocks(54, 0.5) / 54):.0f} % of the work on branches is
saved.
""")

# %% [markdown]
# ## Exercise 15.6: find the bug
#
# This is such a block. `branch` is the array that the branch gives, and `draw` a random number between 0 and 1. The
# network trains well, but it is not used as it was trained.


# %% tags=["show"]
def survivor_with_a_bug(x, branch, p, training, draw):
    if training and draw >= p:
        return x
    return x + branch


# %%
rng = np.random.default_rng(6)
seen = [survivor_with_a_bug(1.0, 2.0, 0.5, True, d) for d in rng.random(10_000)]
lesson.say(f"""
With x = 1, a branch of 2 and p = 0.5 the next block sees {np.mean(seen):.2f} on average while the net trains, and
{survivor_with_a_bug(1.0, 2.0, 0.5, False, 0.9):.2f} when it is used.
""")

# %% [markdown]
# Mend it in evaluation, so that the next block sees what it has seen on average.


# %% tags=["exercise"]
@lesson.exercise("15.6")
def survivor(x, branch, p, training, draw):
    """Return the output of a block that keeps its branch with probability p in training."""
    # BEGIN SOLUTION
    if training:
        return x + branch if draw < p else x
    return x + p * branch
    # END SOLUTION


# %% [markdown]
# Now with a network: 54 layers, so 27 blocks, with and without stochastic depth. We measure the test error and the time.
# The third row is the bug: the nets of the second, evaluated with their full branches.


# %%
clock = time.perf_counter if lesson.browser else time.process_time  # which stands in a browser


def depth_run(survival, seed):
    """Return (test error in %, the same with full branches, seconds of training)."""
    net = models.mlp_stack(54, 64, "identity", "bn", survival=survival, seed=seed)
    start = clock()
    fit(net, by_sgd(net, 0.01), seed, P.dropping, flat=True)
    seconds = clock() - start
    x = digits.x_test.reshape(len(digits.x_test), -1)
    right = 100 * error(net, x, digits.y_test)
    models.stochastic_depth(net, 1.0)
    return right, 100 * error(net, x, digits.y_test), seconds


depth_runs = {p: [depth_run(p, seed) for seed in range(P.seeds)] for p in (1.0, 0.5)}
tested = {p: [found[0] for found in depth_runs[p]] for p in depth_runs}
with_bug = [found[1] for found in depth_runs[0.5]]
costs = np.subtract(with_bug, tested[0.5]).tolist()  # of the bug, in points
seconds = {p: float(np.sum([found[2] for found in depth_runs[p]])) for p in depth_runs}
saved = 100 * (1 - seconds[0.5] / seconds[1.0])
gap = float(np.mean(tested[0.5]) - np.mean(tested[1.0]))
reach = max(max(v) - min(v) for v in tested.values())
same = "the same within the spread of seeds"
judged = same if abs(gap) <= reach else "lower" if gap < 0 else "higher"
lesson.reveal(
    "dropped",
    f"{spread(tested[0.5], '{:.1f}')} % with stochastic depth, {spread(tested[1.0], '{:.1f}')} % without",
    value=judged if P.seeds > 1 else None,
)
lesson.table(
    [
        {"training": name, "test error %": spread(found, "{:.1f}")}
        for name, found in (
            ("all branches", tested[1.0]),
            ("stochastic depth", tested[0.5]),
            ("stochastic depth, evaluated with full branches", with_bug),
        )
    ]
)
lesson.say(f"""
The training took {saved:.0f} % less computing time; from the branches that are left out one expects
{100 * (1 - expected_blocks(27, 0.5) / 27):.0f} %. With stochastic depth the mean of the test errors is {abs(gap):.1f} points
{"higher" if gap > 0 else "lower"}, and the seeds of one kind differ by up to {reach:.1f}. Huang et al. 2016 report a lower
test error, after a full training on photographs: an experiment of seconds cannot decide about that.

The bug changes the test error of the same nets by {min(costs):+.1f} to {max(costs):+.1f} points. That the next block sees
another average than in training is certain; what that costs differs from net to net.
""")

# %% [markdown]
# ## No skips at all: start at the identity
#
# Lesson 7 trained fully connected layers without skips that started at $W = I$. Does the same hold for convolutions? A
# convolution of $3 \times 3$ is the identity if filter $i$ has a 1 in its centre for channel $i$, and zeros elsewhere.
# Where there are more filters than channels, we leave the others at random (He), because they would be dead as zeros.
#
# It is not a toy. One of the fastest ways to train a network to 94 % on CIFAR-10, hlb-CIFAR10, has removed its residual
# layers and starts near the identity in their place; in airbench94, a network without any skip that minires has too, this
# start saves 3 of 21 epochs (Jordan 2024, arXiv 2404.00498, and
# [its code](https://github.com/KellerJordan/cifar10-airbench)).


# %%
def start_at_identity(net, seed):
    """Set every convolution to the identity, where it has a channel for the filter."""
    rng = np.random.default_rng(seed)
    for conv in net.modules():
        if isinstance(conv, nn.Conv2d):
            filters, channels, side, _ = conv.weight.shape
            w = rng.standard_normal(conv.weight.shape) * math.sqrt(2 / (channels * side**2))
            for i in range(min(filters, channels)):
                w[i] = 0
                w[i, i, side // 2, side // 2] = 1
            conv.weight.update_(w.astype(np.float32))


STARTS = {  # name: (options, whether it starts at the identity)
    "plain net, He": ({"skip": False, "norm": "none"}, False),
    "plain net, identity": ({"skip": False, "norm": "none"}, True),
    "plain net with batch norm, identity": ({"skip": False}, True),
    "residual net with batch norm, He": ({}, False),
}
if lesson.full:
    STARTS["plain net with batch norm, He"] = ({"skip": False}, False)


def start_run(name, rate, seed):
    """Return the training error in %; 100 for a net that diverged."""
    options, identity = STARTS[name]
    net = models.resnet(P.layers, width=8, in_channels=1, seed=seed, **options)
    if identity:
        start_at_identity(net, seed)
    found = fit(net, by_sgd(net, rate), seed, P.starting)
    return 100.0 if found is None else found


def best_of(run, rates):
    """Return the errors of all seeds at the rate that is best with the first; run(rate, seed)."""
    first = {rate: run(rate, 0) for rate in rates}
    rate = min(first, key=first.get)
    return [first[rate], *[run(rate, seed) for seed in range(1, P.seeds)]]


starts = {
    name: best_of(lambda rate, seed, name=name: start_run(name, rate, seed), P.start_rates)
    for name in STARTS
}
started = {name: float(np.mean(found)) for name, found in starts.items()}
he, identity, normed, residual = (started[name] for name in list(STARTS)[:4])
seeds_of = [spread(starts[name], "{:.1f}") for name in STARTS]
lesson.reveal(
    "start",
    f"{seeds_of[1]} % from the identity, {seeds_of[0]} % from He init, {seeds_of[3]} % residual",
    value="that of the residual net"
    if abs(identity - residual) < abs(identity - he)
    else "that of the plain net from He init",
)
lesson.bars(
    "identity",
    f"Without skips {P.layers} layers err on {identity:.0f} % from the identity, {he:.0f} % from He",
    starts,
    x=f"training error over epoch {P.starting} (%)",
    form="{:.0f} %",
)
lesson.say(f"""
The bars are training errors, the dots are the seeds, and 90 % is guessing. The first two nets differ in nothing but the
numbers with which their convolutions start. From the identity the plain net errs on {seeds_of[1]} %, and the residual
net on {seeds_of[3]} %: the start covers {100 * (he - identity) / (he - residual):.0f} % of the way. The third bar asks what
lesson 7 asked of fully connected layers, where it spoilt the start: batch norm behind every convolution. A normalised
identity is no identity any more. Here {sum(e > 80 for e in starts["plain net with batch norm, identity"])} of {P.seeds}
seeds ended above 80 %, and the mean is {normed:.0f} %, against {identity:.0f} % without batch norm. In a residual
block the skip goes *around* the batch norm. (The rate of 0.003 was chosen because at 0.01 one start at the identity in
four lagged behind; `--full` takes the best of four rates for each net, and adds the plain net with batch norm from He
init.)
""")

# %% [markdown]
# ## What transformers kept: the stream
#
# A transformer is a residual network. Its blocks are other ones, attention and small fully connected nets, but each adds
# its output to its input, and the stream of lesson 8 runs through all of them. Batch norm was not kept. **Layer norm**
# subtracts from each sample the mean over its own features and divides by their standard deviation, so that it does not
# need the other samples of a batch; then come a weight and a bias for each feature, as in batch norm.
#
# ## Exercise 15.7: write it
#
# `x` has a row for each sample. Leave the weight and the bias out, and add `eps` to the variance under the root.


# %% tags=["exercise"]
@lesson.exercise("15.7")
def layer_norm(x, eps):
    """Return x (samples, features), each row with mean 0 and variance 1."""
    # BEGIN SOLUTION
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + eps)
    # END SOLUTION


# %%
x = np.random.default_rng(3).standard_normal((5, 8)) * 3 + 1
differs = float(np.abs(layer_norm(x, 1e-5) - nn.LayerNorm(8).double()(mr.tensor(x)).data).max())
lesson.say(f"Yours and the layer norm of minires differ by {differs:.0e} at most.")

# %% [markdown]
# Where should it stand? In **post-norm** blocks the norm stands behind the addition, $y = \mathrm{LN}(x + F(x))$; the
# transformer of 2017 was made so. In **pre-norm** blocks it stands before the branch, $y = x + F(\mathrm{LN}(x))$, and
# nothing is left on the stream but additions, as in the pre-activation of lesson 9.
#
# You can say already what happens in the first case. Let $x$ come out of a norm, so that its variance is 1, and let the
# branch start with variance 1 as well. The sum has variance 2, and the norm divides by $\sqrt{2}$: in every block the
# direct path is multiplied by $0.71$. That is a shortcut with a factor, and lesson 9 has shown what its product does.
#
# ## Exercise 15.8: design the factor
#
# Multiply the branch by a number $\alpha$, $y = \mathrm{LN}(x + \alpha F(x))$. Which $\alpha$ leaves a wanted part of the
# direct path after so many blocks, if $x$ and $F(x)$ have variance 1 and nothing to do with each other?


# %% tags=["exercise"]
@lesson.exercise("15.8")
def branch_factor(part, blocks):
    """Return the factor of the branch with which `blocks` post-norm blocks leave `part` (0 to 1)."""
    # BEGIN SOLUTION
    each = part ** (1 / blocks)  # = 1 / sqrt(1 + α²)
    return math.sqrt(1 / each**2 - 1)
    # END SOLUTION


# %%
WIDTH = 64


class Block(nn.Module):
    """Two linear layers with a ReLU between them, a residual sum, and a layer norm."""

    def __init__(self, pre, factor):
        super().__init__()
        self.pre, self.factor = pre, factor
        self.norm = nn.LayerNorm(WIDTH)
        self.up, self.down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def branch(self, x):
        return self.down(F.relu(self.up(x))) * self.factor

    def forward(self, x):
        if self.pre:
            return x + self.branch(self.norm(x))
        return self.norm(x + self.branch(x))


def stack(kind, blocks, seed):
    """Return a net of some blocks, whose branches start with variance 1 before their factor."""
    factor = branch_factor(0.5, blocks) if kind == SMALL else 1.0
    net = nn.Sequential(
        nn.Linear(64, WIDTH),
        nn.LayerNorm(WIDTH),
        *[Block(kind == PRE, factor) for _ in range(blocks)],
        nn.LayerNorm(WIDTH),
        nn.Linear(WIDTH, 10),
    )
    rng = np.random.default_rng(seed)
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear):
            gain = "relu" if name.endswith("up") else "linear"
            nn.init.kaiming_normal_(module.weight, nonlinearity=gain, rng=rng)
            nn.init.zeros_(module.bias)
    return net


PRE, POST, SMALL = "pre-norm", "post-norm", "post-norm, small branches"
KINDS = (PRE, POST, SMALL)


def kept(kind, seed):
    """Return what the direct path keeps after each block of a fresh net, and the last stream's size."""
    x = mr.tensor(digits.x_train[:256].reshape(256, -1))
    left, size, found = 1.0, 1.0, []
    for layer in stack(kind, P.blocks, seed):
        if isinstance(layer, Block):
            if kind != PRE:  # the norm divides what comes in by the size of the sum
                left *= rms(x.data) / rms((x + layer.branch(x)).data)
            found.append(left)
            size = rms(layer(x).data)
        x = layer(x)
    return found, size


fresh = {kind: [kept(kind, seed) for seed in range(P.seeds)] for kind in KINDS}
paths = {kind: np.array([found for found, _ in fresh[kind]]) for kind in KINDS}
grown = [size for _, size in fresh[PRE]]
lesson.curves(
    "direct",
    f"Post-norm leaves {paths[POST][:, -1].mean():.0e} of the direct path after {P.blocks} blocks, "
    f"with small branches {paths[SMALL][:, -1].mean():.2f}",
    np.arange(1, P.blocks + 1),
    paths,
    x="blocks",
    y="left of the direct path (share)",
    log="y",
    highlight=[POST, SMALL],
)
lesson.say(f"""
The lines are measured on fresh nets: for each block, what came in divided by the sum, in size, and all of these
multiplied. For post-norm theory says $2^{{-B/2}}$ after B blocks, here {2 ** (-P.blocks / 2):.0e}; measured
{spread(paths[POST][:, -1], "{:.0e}")}. Your factor for keeping one half is {branch_factor(0.5, P.blocks):.3f}, and it
keeps {spread(paths[SMALL][:, -1], "{:.2f}")}. In pre-norm blocks nothing is divided. Their stream grows, though, and the
norm behind the last block divides by what it has become, here {spread(grown, "{:.1f}")}: once, and not {P.blocks} times.
""")

# %% [markdown]
# And now train them, with Adam (lesson 5) as transformers are. Each kind has the best of the rates that are tried, found
# with the first seed. Beside the deep stack stands a shallow one of 6 blocks.


# %%
def stack_run(kind, blocks, rate, seed):
    """Return the training error in %; 100 for a net that diverged."""
    net = stack(kind, blocks, seed)
    found = fit(net, optim.Adam(net.parameters(), lr=rate), seed, P.epochs, flat=True)
    return 100.0 if found is None else found


stacks = {
    (blocks, kind): best_of(
        lambda rate, seed, blocks=blocks, kind=kind: stack_run(kind, blocks, rate, seed), P.rates
    )
    for blocks, kind in itertools.product((6, P.blocks), KINDS)
}
pre, post, small = (float(np.mean(stacks[P.blocks, kind])) for kind in KINDS)
lesson.reveal(
    "norm",
    f"{spread(stacks[P.blocks, POST], '{:.1f}')} % behind the addition, "
    f"{spread(stacks[P.blocks, PRE], '{:.1f}')} % before the branch",
    value="the norm before the branch" if pre < post else "the norm behind the addition",
)
lesson.bars(
    "norms",
    f"{P.blocks} blocks: pre-norm errs on {pre:.0f} %, post-norm on {post:.0f} %, "
    f"with small branches on {small:.0f} %",
    {f"{blocks} blocks, {kind}": found for (blocks, kind), found in stacks.items()},
    x=f"training error over epoch {P.epochs} (%)",
    form="{:.0f} %",
    highlight=[f"{P.blocks} blocks, {kind}" for kind in KINDS],
)
shallow = [float(np.mean(stacks[6, kind])) for kind in KINDS]
lesson.say(f"""
The coloured bars are the deep stacks. With 6 blocks it hardly matters where the norm stands: {shallow[0]:.0f},
{shallow[1]:.0f} and {shallow[2]:.0f} %. With {P.blocks} it is {spread(stacks[P.blocks, PRE], "{:.1f}")} % before the branch and
{spread(stacks[P.blocks, POST], "{:.1f}")} % behind the addition. Xiong et al. 2020 (arXiv 2002.04745) show for transformers
that pre-norm does without the warm-up that post-norm needs.

But the last bar says that "post-norm cannot be trained" would be the wrong sentence. With branches that start at
{branch_factor(0.5, P.blocks):.2f} of their size, post-norm is at {spread(stacks[P.blocks, SMALL], "{:.1f}")} %. So it was not the place of the norm as
such. The factor does two things: it keeps the direct path open, and it lets the branch start small (lesson 8). Which of
the two is the reason one factor cannot tell; lesson 9 ended with the same doubt. Wang et al. 2022 (arXiv 2203.00555) went that
way in transformers: their DeepNorm changes the residual sum of post-norm, and trains 1,000 layers.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
*"DenseNets are small."* In parameters they may be, but not in memory: DenseNet-40 has {larger:.1f} times the parameters of
ResNet-56 and keeps {heavier:.1f} times its activations.

*"A depthwise separable convolution saves a factor of nine."* In the limit of many channels: at 64 it is
{9 * 64**2 / weights_of(64, 64, 1)[1]:.1f}, at 512 {9 * 512**2 / weights_of(512, 512, 1)[1]:.1f}.

*"Stochastic depth always helps."* Here the test error was {abs(gap):.1f} points {"higher" if gap > 0 else "lower"} with it,
where seeds differ by {reach:.1f}. What it did save is time: {saved:.0f} %.

*"Without skip connections deep nets do not train."* {P.layers} plain layers reach {identity:.0f} % from the identity,
and {he:.0f} % from He init.

*"Post-norm is bad for gradients, so the norm must stand before the branch."* Post-norm with small branches:
{small:.0f} %; pre-norm: {pre:.0f} %.
""")

# %% [markdown]
# ## What the paper found
#
# * Huang et al. 2017 (arXiv 1608.06993): where a plain net of $L$ layers has $L$ connections, a DenseNet has
#   $L (L + 1) / 2$.
# * Huang et al. 2016 (arXiv 1603.09382): with stochastic depth one can go beyond 1,200 layers and still gain; the test
#   error on CIFAR-10 is 4.91 %, where He et al. 2015 (Table 6) have 7.93 % with 1,202 layers and all branches.
# * Xiong et al. 2020 (arXiv 2002.04745): at the start the gradients near the output of a post-norm transformer are
#   large, and those of pre-norm well-behaved.
# * Bachlechner et al. 2020 (arXiv 2003.04887), ReZero: $x + \alpha F(x)$ with $\alpha = 0$ at the start; a transformer of
#   12 layers trains 56 % faster.
#
# ## Remember
#
# - Adding is putting beside with equal weights; what both keep, and a plain net does not, is a way on which everything
#   reaches the end.
# - A start near the identity can do much of what a skip does. A norm disturbs it, and a skip goes around the norm.
# - In post-norm blocks the direct path is multiplied by 0.71 each time; a branch that starts small enough mends it.
#
# ## Read next
#
# * Lesson 9, the product of the shortcuts, and lesson 8, the six ways to start small.
# * Xiong et al. 2020 (arXiv 2002.04745), §3, with the figure of this lesson beside it.
# * Lesson 18, the final project: a block of your own.
