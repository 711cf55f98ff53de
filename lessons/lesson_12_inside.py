# title: Look inside: what happens to a trained net when one cuts out a block?
# minutes: 60
# seconds: 40
# needs: lessons 7 and 8
# %% [markdown]
# # Lesson 12: Look inside: what happens to a trained net when one cuts out a block?
#
# So far we looked at networks while they were being trained. Now we take some that are finished and cut into them. A
# **lesion** is damage that is done to a trained network on purpose, such as deleting a block, in order to see what the
# damaged part was there for. Nothing is trained afterwards: one deletes, and counts how many digits are wrong now.
#
# The experiment is known for a surprise. Veit et al. 2016 (arXiv 1605.06431) deleted single blocks of a trained ResNet
# with 54 of them, and hardly anything happened. They deleted single layers of a VGG net, which has no skips, and
# nearly everything was wrong. From this and from a second experiment, on the lengths of paths, comes the saying that a
# residual network is an ensemble of many shallow ones. You will repeat both, add a network by which that story can be
# tested, and then decide how much of the saying you want to keep. The ResNet-20 that comes with minires, trained on
# real photographs, is opened too.
#
# You should know what a residual block and a path are (lesson 7), and what the relative branch size is (lesson 8). The
# lesson takes about an hour with its eight exercises.
#
# ## Half of the paths, a tenth of the value
#
# Take the network of lesson 9 that one can do by hand: one unit, three blocks, $y = x + 0.1\, x$. An input of 1 becomes
# $1.1^3 = 1.331$, and this is the sum over eight paths: one through no branch ($1$), three through one ($0.1$ each),
# three through two ($0.01$ each), one through all three ($0.001$).
#
# Delete the second block: its branch now gives 0, and what comes in goes out. The output is $1.1^2 = 1.21$. Of the
# eight paths, those that took the second branch are gone. That is *half* of them: $0.1 + 0.01 + 0.01 + 0.001$ in the
# sum, which is $0.121$. So half of the paths carried nine per cent of the value. The number of paths says little; it
# matters which ones are gone.
#
# And a plain net? Let its three layers turn a vector in the plane: by 90 degrees, by another 90, and by 180, together
# a full turn, so that each vector arrives where it started. Without the second layer everything arrives turned by 270
# degrees. Not one per cent of the output is right, though two of three layers are as good as before. The third layer
# does its job on something for which it was not made.

# %%
import itertools
import json
import math
import types

import numpy as np

import minires as mr
from minires import data, models, train
from minires import functional as F
from minires.experiments import degradation, lesions, paths
from minires.experiments.settings import Setting
from minires.grad_mode import no_grad
from minires.lessons import Lesson, spread, stored
from minires.record import rms
from minires.weights.shipped import pretrained

lesson = Lesson(12)
P = lesson.params(
    blocks=54,
    seeds=3,
    epochs=12,
    draws=5,
    members=10,
    data="stored",
    fast={"blocks": 12, "seeds": 1, "epochs": 3, "draws": 2, "members": 4},
    full={"seeds": 5, "epochs": 20, "draws": 20},
    browser={"blocks": 20, "seeds": 2, "epochs": 6, "draws": 2, "members": 5},
)
TWINS = 10  # blocks of the shallower nets

# %% [markdown]
# ## Predict

# %%
lesson.predict(
    "plain",
    f"A plain net of {TWINS} blocks (pairs of layers) is trained. How many per cent of new digits are "
    "wrong without one of its blocks? (Guessing has 90.)",
)
lesson.predict(
    "start",
    "Another net without skips had the same number of layers, but its matrices started at W = I "
    "(lesson 7). Without one of its blocks it is ...",
    choices=("as bad as the plain net", "hardly worse than whole", "half-way between"),
)
lesson.predict(
    "length",
    f"A path through {P.blocks} residual blocks takes {P.blocks // 2} branches on average. How many do the "
    "paths take that carry the gradient of a trained net, on average?",
)

# %% [markdown]
# ## Exercise 12.1: what is left
#
# From a residual network of $n$ blocks, $k$ blocks are deleted. How many of its $2^n$ paths are left?


# %% tags=["exercise"]
@lesson.exercise("12.1")
def paths_left(n, k):
    """Return how many paths a residual net of n blocks has left without k of its blocks."""
    # BEGIN SOLUTION
    return 2 ** (n - k)
    # END SOLUTION


# %% [markdown]
# ## Exercise 12.2: delete a block
#
# Now the operation itself. `branches` is a list of functions of an array, the branches of the blocks in order. A
# residual block computes `x + branch(x)` and a plain one `branch(x)`. A deleted block hands on what comes in.


# %% tags=["exercise"]
@lesson.exercise("12.2")
def run_without(x, branches, skip, deleted):
    """Return the output for x; skip: residual or plain blocks; deleted: a list of places, from 0."""
    # BEGIN SOLUTION
    for i, branch in enumerate(branches):
        if i not in deleted:
            x = x + branch(x) if skip else branch(x)
    return x
    # END SOLUTION


# %% [markdown]
# ## Four nets
#
# We train four kinds of networks on the digits of lesson 7, where every second picture, drawn at random, is a negative,
# so that a linear classifier is not enough and the layers have to work:
#
# * a plain net with batch norm, He initialisation, twenty layers in ten blocks;
# * its residual twin, with the same weights at the start;
# * a net *without skips* and without batch norm, again of ten blocks, whose matrices start at the identity. Lesson 7
#   found that such a net stays near the identity while it learns;
# * a deep residual net with pre-activation, with as many blocks as the ResNet-110 of the paper.
#
# A plain net that deep would be no use: it does not learn (lesson 5), and one cannot damage what does not work. So the
# comparison is between *trained* nets, and the learning rate of each is one at which it trains. The errors are those on
# the 297 test digits, half of them negatives too.

# %%
digits = data.load_digits()
rng = np.random.default_rng(12)


def half_negative(x):
    """Return images of which about a half, drawn at random, have their sign turned."""
    return x * rng.choice([-1, 1], len(x)).astype(x.dtype)[:, None, None, None]


task = types.SimpleNamespace(
    x_train=half_negative(digits.x_train),
    y_train=digits.y_train,
    x_test=half_negative(digits.x_test),
    y_test=digits.y_test,
)
x_test, y_test = task.x_test.reshape(len(task.x_test), -1), task.y_test
PLAIN, RESIDUAL, START = "plain", "residual", "no skip, started at W = I"
DEEP = f"residual of {P.blocks} blocks"
KINDS = {  # (blocks, learning rate, options)
    PLAIN: (TWINS, 0.03, {"skip": "none"}),
    RESIDUAL: (TWINS, 0.03, {"skip": "identity"}),
    START: (TWINS, 0.01, {"skip": "none", "norm": "none", "init": "identity"}),
    DEEP: (P.blocks, 0.03, {"skip": "preact"}),
}


def setting(blocks, **options):
    """Return the description of a net of `blocks` pairs of layers."""
    values = {"norm": "bn", "init": "he", "activation": "relu", "width": 64} | options
    return Setting(arch="mlp", depth=2 * blocks, **values)


def trained(blocks, rate, options, seed):
    """Return a trained net, in training mode as the training left it."""
    recipe = degradation.Recipe(epochs=P.epochs, lr=rate)
    return degradation.train_net(setting(blocks, **options), seed, task, recipe)[0]


nets = {name: [trained(*kind, seed) for seed in range(P.seeds)] for name, kind in KINDS.items()}

# %% [markdown]
# Now delete each block of each net in turn, and count. (`lesions.delete_blocks` does what your `run_without` does, and
# the cell compares the two.)


# %%
def error(net):
    """Return the error on the test digits in %, in evaluation mode."""
    return 100 * lesions.error(net, x_test, y_test)


def without(net, names):
    """Return the error without the blocks of these names."""
    with lesions.delete_blocks(net, names):
        return error(net)


def evaluated(function):
    """Return a function of arrays from one of tensors, without recording a graph."""

    def call(v):
        with no_grad():
            return function(mr.tensor(v)).data

    return call


deep, gone = nets[DEEP][0], [0, 3, P.blocks - 1]
with lesions.in_mode(deep, False):
    branches = [evaluated(block.branch) for block in deep.body]
    ours = evaluated(lambda v: deep.head(deep.tail(v)))(run_without(x_test, branches, True, gone))
    with lesions.delete_blocks(deep, [lesions.deletable(deep)[i] for i in gone]):
        difference = float(np.abs(ours - evaluated(deep)(x_test)).max() / np.abs(ours).max())

whole = {name: [error(net) for net in nets[name]] for name in KINDS}
single = {  # (seeds, blocks)
    name: np.array(
        [[without(net, [block]) for block in lesions.deletable(net)] for net in nets[name]]
    )
    for name in KINDS
}
one = {name: single[name].mean(axis=1) for name in KINDS}  # the mean over the blocks, for each seed
rise = {name: float(np.mean(one[name] - whole[name])) for name in KINDS}
lesson.reveal("plain", f"{spread(one[PLAIN], '{:.0f}')} %", value=float(one[PLAIN].mean()))
answers = ("hardly worse than whole", "half-way between", "as bad as the plain net")
lesson.reveal(
    "start",
    f"{np.mean(whole[START]):.1f} % whole, {one[START].mean():.1f} % without a block",
    value=answers[int(np.clip(round(2 * rise[START] / rise[PLAIN]), 0, 2))],
)
lesson.table(
    [
        {"net": name, "whole %": spread(whole[name], "{:.1f}"),
         "without one block %": spread(one[name], "{:.1f}"),
         "worst block": int(single[name].mean(axis=0).argmax()) + 1,
         "without it %": f"{single[name].mean(axis=0).max():.0f}"}
        for name in KINDS
    ]
)  # fmt: skip
small = [PLAIN, RESIDUAL, START]
emptied = float(np.mean([without(net, lesions.deletable(net)) for net in nets[START]]))
lesson.curves(
    "lesions",
    f"Without one block: {one[PLAIN].mean():.0f} % errors in the plain net, {one[RESIDUAL].mean():.0f} % in the residual "
    f"one, and {one[START].mean():.0f} % in one without skips that started at the identity",
    np.arange(1, TWINS + 1),
    {name: single[name] for name in small},
    x="deleted block (1 is nearest the input)",
    y="errors on new digits (%)",
    highlight=[START],
    levels={"guessing": 90},
)
lesson.say(f"""
The horizontal axis tells which block was deleted, the vertical one how many test digits are wrong without it. In the
plain net it does not matter which one is deleted: without any of its {TWINS} blocks it is about as good as guessing,
{one[PLAIN].mean():.0f} % on average. The residual twin loses {rise[RESIDUAL]:.1f} points on average, most of them by
its first two blocks. The deep residual net, in the table, loses {rise[DEEP]:.1f} on average. So far the experiment of the
paper repeats, but for the first block: without it even the deep net errs on {single[DEEP][:, 0].mean():.0f} %. (Your
`run_without` and `lesions.delete_blocks` differ by {difference:.1g} of the largest score.)

Now the third curve. It belongs to a net *without any skip*, a plain net by every definition, and it loses
{rise[START]:.1f} points. Not because its layers were idle: without all of them it errs on {emptied:.0f} %.
""")

# %% [markdown]
# So it is not the skip that makes a net robust against lesions, and it is not the paths either: the third net has
# exactly one path, and each lesion destroys it. What a deleted block leaves behind is the identity. If the block was
# near the identity, the layers after it get about what they are used to; if it was not, they get something else. A
# residual block with a small branch is near the identity. A block of two layers near $W = I$ is, too. A block of two
# layers from He initialisation is a random mixture, like the turning layers above.
#
# Is that so? It can be measured: how much does a block change what it gets, relative to what it gets?


# %%
def changes(net, training=False):
    """Return RMS(block(x) - x) / RMS(x) for each block of a net, on the test digits."""
    found = []
    with no_grad(), lesions.in_mode(net, training):
        x = net.stem(mr.tensor(x_test))
        for block in net.body:
            after = block(x)
            found.append(rms(after.data - x.data) / rms(x.data))
            x = after
    return found


changed = {name: np.array([changes(net) for net in nets[name]]) for name in small}
later_ones = {name: spread(found[:, 1:].mean(axis=1), "{:.2f}") for name, found in changed.items()}
lesson.say(f"""
A change of 1 means that it is as large as what comes in. Behind the first one, a block of the plain net changes it by
{later_ones[PLAIN]}, one of the residual net by {later_ones[RESIDUAL]}, and one of the third net by {later_ones[START]}:
the larger the change, the larger the damage. (The first block of the third net, the one that is missed, changes it by
{spread(changed[START][:, 0], "{:.2f}")}, since its ReLU also cuts off the negative numbers of the pictures.)
""")

# %% [markdown]
# A skip around a small branch is the usual way to get near the identity (lesson 8). But that a plain net is a single
# path is not the reason why it falls apart. Lesson 7 found the same about training: most of what the skip gives is a
# start near the identity. (The third net also lacks batch norm. The norm alone is not what hurts the plain
# net, as the residual net has it too.)
#
# ## Exercise 12.3: swap two blocks
#
# Veit et al. also let blocks change places. What should one expect? Let two neighbouring residual blocks be linear,
# $y = x + A x$ first and then $z = y + B y$. Write down what changes in $z$ when the two change places.


# %% tags=["exercise"]
@lesson.exercise("12.3")
def change_by_swap(a, b, x):
    """Return z after the swap minus z before, for matrices a, b (n, n) and a vector x (n,)."""
    # BEGIN SOLUTION
    return (a @ b - b @ a) @ x
    # END SOLUTION


# %% [markdown]
# Everything of first order is the same: $x + A x + B x$ stands in both. Only the paths through *both* branches notice
# in which order they come. If the branches are a tenth of the stream, deleting one changes the output by a tenth, and
# swapping two by about a hundredth. In a plain net, $z = B A x$ becomes $A B x$, and nothing needs to stay. So swaps of
# neighbours should do less harm than deletions where the branches are small. We swap each block of the smaller nets
# with its successor.


# %%
def swapped(net, i):
    """Return the error after block i and the next one have changed places."""
    a, b = list(lesions.blocks(net))[i : i + 2]
    with lesions.order_blocks(net, {a: b, b: a}):
        return error(net)


swaps = {
    name: np.array([[swapped(net, i) for i in range(TWINS - 1)] for net in nets[name]])
    for name in small
}
swap_rise = {name: float(np.mean(swaps[name].mean(axis=1) - whole[name])) for name in small}
later = float(np.mean(swaps[RESIDUAL][:, 2:].mean(axis=1) - whole[RESIDUAL]))
later_deleted = float(np.mean(single[RESIDUAL][:, 2:].mean(axis=1) - whole[RESIDUAL]))
swapped_error = {name: spread(swaps[name].mean(axis=1), "{:.1f}") for name in small}
lesson.say(f"""
With two neighbours swapped the plain net errs on {swapped_error[PLAIN]} %, the residual one on {swapped_error[RESIDUAL]} %
and the third one on {swapped_error[START]} %. On average a swap costs the residual net {swap_rise[RESIDUAL]:.1f} points
and a deletion {rise[RESIDUAL]:.1f}; from the third block on, where the branches are small, {later:.1f} and
{later_deleted:.1f}. The plain net loses {swap_rise[PLAIN]:.0f} points by a swap, and {rise[PLAIN]:.0f} by a deletion.
""")

# %% [markdown]
# ## Exercise 12.4: find the bug
#
# A colleague repeats the first experiment and writes that deleting a block does less harm than people say. This is the
# code, with the networks as the training has left them:


# %% tags=["show"]
def colleagues_error(net, block):
    """Return the error without a block, as a colleague measures it."""
    with lesions.delete_blocks(net, [block]):
        scores = net(mr.tensor(x_test)).data
    return 100 * float((scores.argmax(axis=1) != y_test).mean())


# %% [markdown]
# This is what the colleague finds, beside what we found. The last two columns are the errors of the whole nets, before
# the colleague's measurement and after it.

# %%
colleague = {PLAIN: [], RESIDUAL: []}
healthy = {PLAIN: [], RESIDUAL: []}  # the errors of the whole nets, afterwards
for name in colleague:
    for net in nets[name]:
        kept = {k: np.array(v) for k, v in net.state_dict().items()}
        wrong = [colleagues_error(net, block) for block in lesions.deletable(net)]
        colleague[name].append(np.mean(wrong))
        healthy[name].append(error(net))
        net.load_state_dict(kept)  # as it was
lesson.table(
    [
        {"net": name, "without one block %": spread(one[name], "{:.1f}"),
         "the colleague's %": spread(colleague[name], "{:.1f}"),
         "whole, before %": spread(whole[name], "{:.1f}"),
         "whole, afterwards %": spread(healthy[name], "{:.1f}")}
        for name in colleague
    ]
)  # fmt: skip

# %% [markdown]
# The damage to the residual net looks smaller than it is, and the last column looks odd: an experiment that only *looks*
# has changed the networks. Both come from one mistake. Find it, and write the measurement without it. In the exercise
# the damaged net is a function: `forward(x, training)` returns the scores, an array (samples, classes), of the net in
# the mode that you name. A network of minires has its mode set by `net.train()` and `net.eval()`, and keeps it.


# %% tags=["exercise"]
@lesson.exercise("12.4")
def measured_error(forward, x, y):
    """Return the error in % of the net `forward` on samples x with the right classes y."""
    # BEGIN SOLUTION
    scores = forward(x, False)
    return 100 * float((np.asarray(scores).argmax(axis=1) != y).mean())
    # END SOLUTION


# %% [markdown]
# In training mode batch norm takes mean and variance from the batch that it sees (lesson 4). After a lesion the later
# layers get numbers of another size than they did in training; batch norm divides the size out again, and so hides a
# part of the damage. That is a repair, not a measurement. (As a repair it is worth knowing: whoever deletes parts of a
# network for good should measure its statistics anew.) And each such pass moves the running statistics, so that the
# net is another one afterwards.
#
# ## Which blocks matter?
#
# The curves of the residual nets are not level: the first blocks matter most. Should one have expected that? With batch
# norm on the branch, the relative branch size of a fresh network is $1 / \sqrt{l}$ in block $l$ (lesson 8). The first
# block adds something as large as the stream, the hundredth a tenth of it. What a residual block changes is what its
# branch adds, so that `changes` measures the sizes: here for the deep net, before the training and after it, with the
# lesions beside them.

# %%
fresh = [setting(P.blocks, skip="preact").build((64,), seed) for seed in range(P.seeds)]
sizes = {
    "fresh": np.array([changes(net, training=True) for net in fresh]),
    "trained": np.array([changes(net) for net in nets[DEEP]]),
}
lost = single[DEEP] - np.array(whole[DEEP])[:, None]
shown = [i for i in (1, 2, 3, 5, 10, 20, 30, 54) if i <= P.blocks]
lesson.table(
    [
        {"block": i, "1 / √l": f"{1 / math.sqrt(i):.2f}",
         "fresh": spread(sizes["fresh"][:, i - 1], "{:.2f}"),
         "trained": spread(sizes["trained"][:, i - 1], "{:.2f}"),
         "points lost without it": spread(lost[:, i - 1], "{:.1f}")}
        for i in shown
    ]
)  # fmt: skip
quarter = P.blocks // 4
rises = np.clip(lost, 0, None)
share_lost = rises[:, :quarter].sum(axis=1) / rises.sum(axis=1)  # for each seed
lesson.say(f"""
The blocks with the large branches are those that are missed: of all that single lesions cost, the first {quarter} of
{P.blocks} blocks account for {spread(100 * share_lost, "{:.0f}")} %. And look at the two columns of sizes: that later
branches are small was not learned. They were small before the first step.
""")

# %% [markdown]
# ## A net that has seen photographs
#
# With minires comes a ResNet-20 that was trained on CIFAR-10, photographs of ten kinds of things. It has only nine
# blocks, in three stages of three; the first blocks of the second and third stage halve the picture and double the
# number of channels, which we call *downsampling*. A block is named after its stage and its place there, counted from 0:
# `layer2.0` is the first block of the second stage. Its lesions were measured before, because not everybody has the
# pictures. (If they are on your computer, `minires lessons run 12 data=cifar10` measures anew.)

# %%
if P.data == "cifar10":
    resnet = train.shipped("resnet20", "cifar10")
    images = data.load("cifar10", "test").subset(2000)
    rows = lesions.lesion(resnet.net, resnet.normalise(images.x), images.y)
    for row in rows:
        row["error"] *= 100
    origin = "measured here"
else:
    record = stored.read("lesion-cifar10")
    rows = [row for row in record.rows("points.csv") if row["lesion"] == "none" or row["block"]]
    origin = f"stored, from `{record.command}`"
real_whole = rows[0]["error"]
real = {row["block"]: row["error"] for row in rows if row["block"]}
order = sorted(real, key=real.get, reverse=True)
lesson.bars(
    "photographs",
    f"ResNet-20 has {real_whole:.0f} % errors on photographs, and {min(real.values()):.0f} to {max(real.values()):.0f} % "
    "without one of its nine blocks",
    {
        f"{name}{' (downsampling)' if name in ('layer2.0', 'layer3.0') else ''}": [value]
        for name, value in real.items()
    },
    x="errors on test images (%)",
    form="{:.0f} %",
    highlight=[f"{name} (downsampling)" for name in ("layer2.0", "layer3.0")],
    note="2,000 test images; guessing has 90 %.",
)
real_mean = float(np.mean(list(real.values())))
lesson.say(f"""
({origin}; 2,000 test images, {real_whole:.1f} % wrong before.) Without one block this network errs on
{real_mean:.0f} % on average. That is no "hardly notices"! It is far from guessing, but with nine blocks each of them
matters. The paper's network had 54, and our deep net {P.blocks}: single lesions do little where *many* blocks have little
to add each. The coloured bars are the downsampling blocks, those that were missed most in the paper: there the branch
has to fill the new channels, for which the skip brings nothing but zeros. Here one of them is the worst of all,
{order[0]}; but then follow {order[1]} and {order[2]}, where no shape changes.
""")

# %% [markdown]
# ## Exercise 12.5: predict what is left
#
# Delete several blocks at random. Can one say in advance what will be left, from the single lesions alone? Design a
# rule. It is given the error in per cent of the whole net, the errors without each single block, and the places (from 0)
# of those that are to be deleted. There are ten classes.
#
# A sensible rule returns what was measured if nothing or one block is deleted, does not depend on the order of the
# list, does not promise an error below `whole` if no single block does, and never says more than guessing, 90 %.
# Several deletions should cost more than one of them, but two that cost a point or two each are not yet guessing. There
# is more than one such rule; the check accepts any.


# %% tags=["exercise"]
@lesson.exercise("12.5")
def predicted_error(whole, singles, deleted):
    """Return the predicted error in % without the blocks at the places `deleted`."""
    # BEGIN SOLUTION
    kept = 90 - whole  # what the net is better than guessing; each lesion leaves a part of it
    for i in deleted:
        kept *= (90 - singles[i]) / (90 - whole)
    return 90 - kept
    # END SOLUTION


# %% [markdown]
# And an *ensemble*? In machine learning an **ensemble** is a set of networks that were trained independently of each
# other and whose outputs are averaged. Its members can be deleted too: one averages over those that are left. If the
# residual net "is" an ensemble of shallow ones, the two should behave alike. We train residual nets of a single block,
# several for each seed, delete more and more of them, and do the same with the blocks of the other nets.

# %%
SHARES = np.arange(0, 100, 10)


def chosen_sets(n):
    """Return, for each share, random sets of places to delete."""
    counts = [min(round(n * share / 100), n - 1) for share in SHARES]
    return [
        [rng.choice(n, k, replace=False).tolist() for _ in range(P.draws if k else 1)]
        for k in counts
    ]


def decline(net, sets):
    """Return the mean error for each share of deleted blocks."""
    names = lesions.deletable(net)
    return [np.mean([without(net, [names[i] for i in s]) for s in found]) for found in sets]


def scores_of_members(seed):
    """Return the scores (members, samples, classes) of small nets with seeds of their own."""
    found = []
    for member in range(P.members):
        net = trained(1, 0.03, {"skip": "identity"}, 1000 * (seed + 1) + member)
        with lesions.in_mode(net, False):
            found.append(evaluated(net)(x_test))
    return np.array(found)


def decline_of_ensemble(scores):
    """Return the mean error for each share of deleted members."""
    found = []
    for sets in chosen_sets(len(scores)):
        left = [np.delete(scores, s, axis=0).mean(axis=0) for s in sets]
        found.append(np.mean([100 * np.mean(v.argmax(axis=1) != y_test) for v in left]))
    return found


sets = {name: [chosen_sets(KINDS[name][0]) for _ in range(P.seeds)] for name in KINDS}
declines = {
    name: np.array([decline(net, s) for net, s in zip(nets[name], sets[name], strict=True)])
    for name in KINDS
}
ENSEMBLE = f"ensemble of {P.members} nets"
members = [scores_of_members(seed) for seed in range(P.seeds)]
declines[ENSEMBLE] = np.array([decline_of_ensemble(scores) for scores in members])
half = int(np.flatnonzero(SHARES == 50)[0])
at_half = {name: float(found[:, half].mean()) for name, found in declines.items()}
lesson.curves(
    "declines",
    f"With half of its parts an ensemble has {at_half[ENSEMBLE]:.0f} % errors, a residual net of {P.blocks} blocks "
    f"{at_half[DEEP]:.0f} %",
    SHARES,
    {name: declines[name] for name in (PLAIN, DEEP, START, ENSEMBLE)},
    x="deleted blocks, or members (%)",
    y="errors on new digits (%)",
    highlight=[START, ENSEMBLE],
    levels={"guessing": 90},
    note=f"{P.draws} random choices for each point.",
)
predicted, observed = [], []
for net, s, w, e in zip(nets[DEEP], sets[DEEP], whole[DEEP], single[DEEP], strict=True):
    names = lesions.deletable(net)
    for found in s[1:half]:
        for places in found:
            predicted.append(predicted_error(w, np.minimum(e, 89.9).tolist(), places))
            observed.append(without(net, [names[i] for i in places]))
off = np.abs(np.array(predicted) - observed)
bias = float(np.mean(np.array(predicted) - observed))
lesson.say(f"""
The plain net is nearly at the level of guessing after the first deletion. The residual net declines gradually, which Veit et
al. 2016 take as a sign of an ensemble. But the ensemble does not decline like that: with half of its members it has
{at_half[ENSEMBLE]:.1f} % errors, with all {declines[ENSEMBLE][:, 0].mean():.1f} %, and even a tenth of it classifies
the digits with {declines[ENSEMBLE][:, -1].mean():.1f} %. Each member knows the digits by itself. The blocks of the
residual net do not: with a tenth of them left it has {declines[DEEP][:, -1].mean():.0f} %. And the net without skips
declines most slowly of those that consist of blocks: {at_half[START]:.0f} % at the half, where the residual net of as
many blocks, which is not drawn, has {at_half[RESIDUAL]:.0f} %.

Your rule of exercise 12.5, tried on the deep net with 10 to 40 % of its blocks deleted, is {off.mean():.1f} points off
on average; its predictions are {abs(bias):.1f} points too {"high" if bias > 0 else "low"} on the whole. (If they are too
low, lesions that come together do more harm than each of them alone would suggest.)
""")

# %% [markdown]
# So "behave like", the words of the paper's title, is right about small damage, and one should not go further. Members
# of an ensemble are trained alone, and any of them will do. The paths of a residual net were trained together, share
# their weights (each branch serves half of all paths), and need each other.
#
# ## The lengths of the paths
#
# The second experiment of the paper is about the gradient. In lesson 7 you saw that a coin toss at every block gives
# paths that take half of the branches, and that the gradient prefers shorter ones. How many short paths are there?
#
# ## Exercise 12.6: how many paths are short?
#
# Of the $2^n$ paths through $n$ blocks, $n! / (k!\,(n-k)!)$ take $k$ branches (`math.comb(n, k)`). Which share of all
# paths takes at least `low` and at most `high` branches?


# %% tags=["exercise"]
@lesson.exercise("12.6")
def share_of_paths(n, low, high):
    """Return the share (0 to 1) of the 2^n paths that take low to high branches, both included."""
    # BEGIN SOLUTION
    return sum(math.comb(n, k) for k in range(low, high + 1)) / 2**n
    # END SOLUTION


# %%
middle = share_of_paths(54, 22, 32)
lesson.say(f"""
Of the paths through 54 blocks, {100 * middle:.0f} % take 22 to 32 branches: most are about 27 long. Those that
take 5 to 17 are {100 * share_of_paths(54, 5, 17):.2f} % of all. Veit et al. 2016 (§4.2) state 0.45 %, and that these
few carry nearly all of the gradient.
""")

# %% [markdown]
# ## Exercise 12.7: along one path
#
# How can one send a gradient along a single path? The forward pass stays as it is. Backward, every block hands the
# gradient on along one of its two ways only: through the branch if the path takes it, else unchanged along the skip.
# `backwards` is a list of functions, for each block (the first is nearest the input) the backward pass of its branch:
# it takes the gradient with respect to the branch's output and returns the one with respect to its input.


# %% tags=["exercise"]
@lesson.exercise("12.7")
def along_path(g, backwards, taken):
    """Return the gradient at the input, from g at the output, along the path that takes `taken`.

    taken   a list of places (0: nearest the input) whose branches the path takes
    """
    # BEGIN SOLUTION
    for i in reversed(range(len(backwards))):
        if i in taken:
            g = backwards[i](g)
    return g
    # END SOLUTION


# %% [markdown]
# Is the gradient really the sum over all paths? In a small net one can try: six blocks, 64 paths. For the deep one
# there are too many, 2 to the power of 54. But all paths of *one length* together can be had with little work. Walk
# back from the output and keep a list of gradients, where entry $k$ is what has come along all paths that took $k$
# branches so far. A block adds to entry $k$ what comes through its branch from entry $k - 1$:


# %% tags=["show"]
def by_length(g, backwards):
    """Return what arrives along all paths through 0, 1, … n branches, as a list of n + 1 arrays."""
    found = [g]
    for backward in reversed(backwards):
        through = [backward(part) for part in found]
        found = [a + b for a, b in zip([*found, 0], [0, *through], strict=True)]
    return found


# %% [markdown]
# The backward passes of the branches come from a net in evaluation mode, in which batch norm is a fixed factor and a
# fixed shift for each unit.


# %%
def opened(net, x, y):
    """Return ∂L/∂(stream) at the end and at the start, and the backward passes of the branches."""
    with lesions.in_mode(net, False):
        with no_grad():
            streams = [net.stem(mr.tensor(x))]
            for block in net.body:
                streams.append(block(streams[-1]))
        start, end = (mr.tensor(t.data, requires_grad=True) for t in (streams[0], streams[-1]))
        F.cross_entropy(net.head(net.tail(end)), y).backward()
        F.cross_entropy(net.head(net.tail(net.body(start))), y).backward()
    inputs = [s.data for s in streams[:-1]]
    return end.grad, start.grad, [backward_of(b, v) for b, v in zip(net.body, inputs, strict=True)]


def backward_of(block, x):
    """Return the backward pass of a branch W₂ r(W₁ r(x)), where r is batch norm and ReLU."""
    factors = []
    for weights, norm, _ in block.layers():
        scale = norm.weight.data / np.sqrt(norm.running_var + norm.eps)
        z = (x - norm.running_mean) * scale + norm.bias.data
        factors.append((weights.weight.data.astype(float), (z > 0) * scale.astype(float)))
        x = np.maximum(z, 0) @ weights.weight.data.T
    (w1, r1), (w2, r2) = factors
    return lambda g: (((g @ w2) * r2) @ w1) * r1


few = models.mlp_stack(12, 64, "preact", "bn", seed=0)
with lesions.in_mode(few, True), no_grad():
    few(mr.tensor(task.x_train.reshape(-1, 64)))  # running statistics that fit the digits
end, start, backwards = opened(few, x_test[:64], y_test[:64])
every = sum(
    along_path(end, backwards, list(taken))
    for k in range(7)
    for taken in itertools.combinations(range(6), k)
)
difference_paths = float(np.linalg.norm(every - start) / np.linalg.norm(start))
lesson.say(f"""
Six blocks, 64 paths: the sum of your gradients differs from that of ordinary backpropagation by
{difference_paths:.0e} of its norm. So the gradient is the sum over all paths.
""")

# %% [markdown]
# Now the deep net, trained. First as in the paper (§4.2 of Veit et al. 2016): draw random paths of each length, measure
# the norm of the gradient along one, and multiply by the number of such paths. Then exactly, with `by_length`. The
# share of a length is the part of the gradient that comes along its paths: the component of their sum in the direction
# of the whole gradient, divided by the norm of the whole gradient. These shares add up to 1.

# %%
SAMPLE, RANDOM = 128, 4 * P.draws
LENGTHS = np.arange(P.blocks + 1)
exact, typical, differences = [], [], []
for net in nets[DEEP]:
    end, start, backwards = opened(net, x_test[:SAMPLE], y_test[:SAMPLE])
    parts = by_length(end.astype(float), backwards)
    total = sum(parts)
    differences.append(float(np.linalg.norm(total - start) / np.linalg.norm(start)))
    exact.append(np.array([(part * total).sum() for part in parts]) / (total**2).sum())
    norms = {}
    for k in range(P.blocks // 2 + 1):
        drawn = [rng.choice(P.blocks, k, replace=False).tolist() for _ in range(RANDOM if k else 1)]
        norms[k] = [float(np.linalg.norm(along_path(end, backwards, d))) for d in drawn]
    typical.append(paths.weigh(P.blocks, norms))
exact_mean = [float(share @ LENGTHS) for share in exact]
typical_mean = [found.mean for found in typical]
cumulated = np.cumsum(np.mean(exact, axis=0))
low, high = (int(np.searchsorted(cumulated, q)) for q in (0.025, 0.975))
lesson.reveal(
    "length",
    f"{spread(exact_mean, '{:.1f}')}; estimated as in the paper {spread(typical_mean, '{:.1f}')}",
    value=float(np.mean(exact_mean)),
)
number = np.array([math.comb(P.blocks, int(k)) / 2**P.blocks for k in LENGTHS])
upto = int(0.75 * P.blocks) + 1
lesson.curves(
    "lengths",
    f"Paths take {P.blocks / 2:g} branches on average, but the gradient comes along those that take {low} to {high}",
    LENGTHS[:upto],
    {
        "gradient, exact": 100 * np.array(exact)[:, :upto],
        "gradient, estimated as in the paper": 100 * np.array([t.share for t in typical])[:, :upto],
        "number of paths": 100 * np.repeat(number[None, :upto], P.seeds, axis=0),
    },
    x="branches that a path takes",
    y="share (%)",
    highlight=["gradient, exact"],
    marks={
        f"exact: mean {np.mean(exact_mean):.1f}": np.mean(exact_mean),
        f"number: mean {P.blocks / 2:g}": P.blocks / 2,
    },
)
lesson.say(f"""
The horizontal axis is the length of a path, and each curve adds up to 100 %. On the right stands the number of paths,
around {P.blocks / 2:g}. The estimate as in the paper, in the middle, lies at {np.mean(typical_mean):.1f} branches on
average; 95 % of it is between {np.mean([t.low for t in typical]):.0f} and {np.mean([t.high for t in typical]):.0f}. In
the paper, with a ResNet-110, it was 5 to 17. Each further branch multiplies the gradient of a path by
{np.mean([t.factor for t in typical]):.2f}; the number of paths grows with the length at first, and between the two lies
the hump.

The exact curve lies further left, at {np.mean(exact_mean):.1f} branches, and 95 % between {low} and {high}. Why? The
estimate adds up the *norms* of all paths of a length, as if their gradients pointed the same way. They do not, and the
longer the paths, the more of them there are to cancel each other. (As a check, the sum over all lengths differs from ordinary backpropagation by
{max(differences):.0e}.)
""")

# %% [markdown]
# So in these nets the paper's conclusion holds, and more so than it says: the gradient travels along short paths, and
# they are even shorter than estimated. Lesson 7 got at the mean length in another way, with the assumption that the two
# parts of a block's gradient are at right angles.
#
# ## The responses
#
# The last look inside is the oldest. He et al. 2015 (§4.2 and Figure 7 of arXiv 1512.03385) asked how large the
# **response** of a layer is, which is its output after batch norm and before anything else is done with it: how strongly
# it changes from picture to picture, as a standard deviation. They found that residual networks have smaller responses
# than plain ones, and deeper residual networks smaller ones still.
#
# One needs no pictures for this. Batch norm divides by the standard deviation and multiplies by its weight $\gamma$. So
# the standard deviation of a channel's response *is* $|\gamma|$, and it can be read off a file of weights. We take the
# root mean square of $\gamma$ over the channels of a layer. At the start every $\gamma$ is 1. Let us look at the twins,
# and at the ResNet-20 for photographs.


# %%
def responses(net):
    """Return the response of each layer with batch norm: the RMS of γ."""
    return [
        rms(m.weight.data)
        for m in net.modules()
        if isinstance(m, mr.nn.BatchNorm1d | mr.nn.BatchNorm2d)
    ]


resnet20 = models.resnet20(weights="cifar10")
photographs = responses(resnet20)
twins = {name: [float(np.mean(responses(net))) for net in nets[name]] for name in (PLAIN, RESIDUAL)}
below = sum(r < 0.5 for r in photographs)
lesson.say(f"""
In the twins that we trained on digits the responses are {spread(twins[PLAIN], "{:.3f}")} (plain) and
{spread(twins[RESIDUAL], "{:.3f}")} (residual). Next to nothing has moved away from 1: the claim about plain and residual
networks does *not* show in a short training. Of the {len(photographs)} layers of the ResNet-20, {below} respond with less
than 0.5; the mean is {np.mean(photographs):.2f}, the smallest {min(photographs):.2f} and the largest, in layer
{int(np.argmax(photographs)) + 1}, {max(photographs):.2f}. Why are they so much smaller?
""")

# %% [markdown]
# ## Exercise 12.8: what weight decay can do
#
# Weight decay pulls every weight towards zero, also $\gamma$: in each step of SGD with momentum $m$, rate $\eta$ and
# decay $\lambda$ it multiplies a weight by about $1 - \eta \lambda / (1 - m)$. (The $1 - m$ is there because momentum
# repeats a part $m$ of each step in the next one, and so on: with $m = 0.9$ that makes ten steps of one.) Suppose
# nothing else acted on $\gamma$. What would be left of a $\gamma$ of 1 after a training?


# %% tags=["exercise"]
@lesson.exercise("12.8")
def left_by_decay(rates, decay, momentum):
    """Return what weight decay alone leaves of 1; rates: the learning rates of all steps."""
    # BEGIN SOLUTION
    return math.exp(-decay * sum(rates) / (1 - momentum))
    # END SOLUTION


# %%
recipe = degradation.Recipe(epochs=P.epochs, lr=KINDS[RESIDUAL][1])
steps = P.epochs * (len(task.x_train) // recipe.batch_size)
short = left_by_decay([recipe.lr] * steps, recipe.weight_decay, recipe.momentum)
card = pretrained("resnet20", "cifar10").metadata
how, iterations = json.loads(card["recipe"]), int(card["iterations"])
rise_steps = int(how["warmup"] * iterations)  # the rate rises linearly, then falls linearly to 0
rates = np.interp(np.arange(iterations), [0, rise_steps, iterations], [0, how["lr"], 0]).tolist()
long = left_by_decay(rates, how["weight_decay"], how["momentum"])
papers = left_by_decay([0.1] * 32_000 + [0.01] * 16_000 + [0.001] * 16_000, 1e-4, 0.9)
noise = mr.tensor(np.random.default_rng(8).standard_normal((16, 3, 32, 32)).astype(np.float32))
with lesions.in_mode(resnet20, True):
    before = evaluated(resnet20)(noise.data)
    for block in lesions.blocks(resnet20).values():
        for parameter in (block.bn1.weight, block.bn1.bias):
            parameter.update_(parameter.data / 2)
    after = evaluated(resnet20)(noise.data)
halved = float(np.abs(after - before).max() / np.abs(before).max())
lesson.say(f"""
In the {steps} steps on digits weight decay can take off next to nothing: at least {short:.4f} is left. In the {iterations:,}
steps of the ResNet-20 it alone would leave {long:.2g}, and in the 64,000 of He et al. {papers:.2g}. That the responses
are {np.mean(photographs):.2f} on average says that the rest of the training works against this pull.

Do they tell how much a layer is *needed*? Not by themselves. We have halved γ and β behind the first
convolution of every block of the ResNet-20, and the scores (of a batch in training mode) changed by {halved:.1g} of the
largest: the next batch norm divides out what was halved. So a response of a short training tells where it started, and
one of a long training has been moved by weight decay too.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
*"ResNets are ensembles."* They behave like one while little is damaged. With half of its parts the ensemble has
{at_half[ENSEMBLE]:.0f} % errors and the residual net {at_half[DEEP]:.0f} %; its paths share weights, were trained
together, and do not classify alone.

*"Delete a layer of a plain net and it falls apart, since it is one single path."* The plain net from He initialisation
does: {one[PLAIN].mean():.0f} %. The one that started at the identity is one single path as well, and goes from
{np.mean(whole[START]):.1f} to {one[START].mean():.1f} %. What matters is how far a block is from doing nothing.

*"A ResNet hardly notices a missing block."* With {P.blocks} blocks it loses {rise[DEEP]:.1f} points on average. The
ResNet-20 with its nine goes from {real_whole:.0f} to {real_mean:.0f} %.

*"The branches of a residual net learn small corrections."* At the start the first branch is
{sizes["fresh"][:, 0].mean():.2f} times as large as the stream and the last one {sizes["fresh"][:, -1].mean():.2f}, and
after the training {sizes["trained"][:, 0].mean():.2f} and {sizes["trained"][:, -1].mean():.2f}. Late branches are
small because the stream has grown.
""")

# %% [markdown]
# ## What the paper found
#
# * Veit et al. 2016 (arXiv 1605.06431): deleting any one of the blocks of ResNet-110 hardly changes its error on
#   CIFAR-10, except for the downsampling blocks; deleting any layer of a VGG net takes it to about 90 % (Figure 3).
# * The error grows smoothly with the number of deleted blocks, and with the number of swaps (Figure 5).
# * The paths that carry the gradient take 5 to 17 of 54 blocks and are 0.45 % of all paths (§4.2); the abstract calls
#   it "10-34 layers deep".
# * The first version of the paper was called "Residual Networks are Exponential Ensembles of Relatively Shallow
#   Networks". A reviewer asked to weaken "are" to "behave like", and noted that nobody had said what an ensemble is.
#
# ## Remember
#
# - A net survives the loss of a block if that block was near the identity: most blocks of a deep residual network are,
#   those of an ordinary plain network are not, and those of a plain network that started at the identity are again.
# - The gradient of a deep residual network comes along paths that take a small part of its branches, and along even
#   shorter ones if one does not count what cancels.
# - "Behaves like an ensemble" is about small damage; members of an ensemble work alone, blocks do not.
#
# ## Read next
#
# * Veit et al. 2016 (arXiv 1605.06431): short, with the figures of this lesson for nets of full size.
# * Lesson 15, for stochastic depth, which deletes blocks at random *while* it trains.
# * `minires reproduce lesion` and `minires reproduce paths`: both experiments on convolutional nets and by the command
#   line, for your own trained nets too.
