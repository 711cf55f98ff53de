# ---
# title: Building the zoo: what does a ResNet cost?
# minutes: 60
# seconds: 35
# needs: lessons 4, 5 and 9
# ---
# %% [markdown]
# # Lesson 10: Building the zoo: what does a ResNet cost?
#
# ResNet-18, ResNet-20, ResNet-50, ResNet-1202: the papers name their networks by the number of layers with weights.
# That number says little. Which of these four has the most weights? Which takes the longest to compute? Which of them
# can you train on a laptop, and with which batch? The answers are three whole numbers, the *parameters*, the
# *multiply-adds* and the *bytes of memory*, and for all of these networks you can work them out with a pencil before a
# line of code is written.
#
# It is worth doing, for two reasons. The first is that these numbers decide what you can do at all, and that they do
# not go together: a network with few weights may be slow, and need gigabytes. The second is that a count is the
# best test of a network that you have built. If yours has 7,680 parameters fewer than the paper's, it is another
# network, whatever it is called, and in this lesson you will find out of such a number what is missing. At the end you
# build the deepest network of the paper, with 1,202 layers, narrow enough for your machine, and send a gradient through
# it and through its plain twin.
#
# You should know what a convolution and a batch norm are (lesson 1), what batch norm does to the gradients of a
# plain net (lesson 4), and the options A, B and C for the shortcuts (lesson 9). The eight exercises take an hour.

# %%
import itertools
import math
import time

import numpy as np

import minires as mr
from minires import data, models, nn, optim
from minires import functional as F
from minires.lessons import Lesson, spread
from minires.train import train

lesson = Lesson(10)
P = lesson.params(
    depth=1202,
    steps=8,
    seeds=2,
    large=(18, 34, 50, 101, 152),
    budget=30,
    fast={"depth": 302, "steps": 3, "seeds": 1, "large": (18, 50), "budget": 4},
    full={"steps": 25, "seeds": 3, "budget": 200},
    browser={"depth": 200, "steps": 3, "seeds": 1, "large": (18, 50), "budget": 3},
)

# %% [markdown]
# ## A convolution, counted by hand
#
# Take an image of $4 \times 4$ pixels and one filter of $3 \times 3$ weights. With a border of zeros around the image
# the filter can be put on each of the 16 pixels. At each place it takes nine products and adds them up. So this layer
# has 9 weights, and it computes $9 \cdot 16 = 144$ products.
#
# A **multiply-accumulate** is a product together with the addition of it to a sum, the unit in which the cost of a
# network is usually counted. It is written MAC for short. (He et al. 2015 write FLOPs and mean these; others, and
# `minires.FlopCounter`, count the product and the addition as two.)
#
# Now let the image have $C$ channels and let there be $K$ filters, one for each channel of the output. A filter
# has weights for all the channels of the input:
#
# $$\text{weights} = 9\, C K, \qquad \text{MACs} = 9\, C K \cdot H' W',$$
#
# where $H' \times W'$ is the size of the *output*. The two formulas differ in one factor, and most of this lesson
# is about it: the weights do not know how large the image is, and the MACs grow with its area.
#
# Two things are still missing. The **stride** of a convolution is the distance in pixels from one place at which the
# filter is applied to the next. With stride 2 the output is half as high and half as wide as the input, and there are a
# quarter of the places. And behind each convolution of a ResNet stands a batch norm, which has two parameters for each
# channel, $\gamma$ and $\beta$. Because $\beta$ is added to everything, a bias of the convolution would be superfluous,
# and there is none. (Batch norm's running mean and variance are kept with the network, but no gradient trains them: they
# are no parameters.)
#
# ## Exercise 10.1: one layer of ResNet-20
#
# A convolution of $3 \times 3$ turns 16 channels of $32 \times 32$ pixels into 32 channels, with stride 2. A batch norm
# follows it. How many parameters do the two have together, and how many MACs does the convolution take for one image?


# %% tags=["exercise"]
@lesson.exercise("10.1")
def one_layer():
    """Return (parameters, MACs) of the convolution and its batch norm."""
    # BEGIN SOLUTION
    return 9 * 16 * 32 + 2 * 32, 9 * 16 * 32 * 16 * 16
    # END SOLUTION


# %%
pair = nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32))
found = mr.summary(pair, (16, 32, 32)).total
lesson.say(f"""
You counted {one_layer()[0]:,} parameters and {one_layer()[1]:,} MACs. `minires.summary`, which runs a network once and
looks on, says {found.parameters:,} and {found.macs:,}.
""")

# %% [markdown]
# ## Predict

# %%
lesson.predict(
    "times",
    "ResNet-18 and ResNet-20 are both networks of He et al. 2015. How many times as many "
    "parameters has ResNet-18?",
)
lesson.predict(
    "memory",
    "ResNet-20 is trained on images of 32 × 32 pixels, 128 at a time. What takes the most memory?",
    choices=("the parameters", "gradients and momentum", "the outputs of the layers"),
)
lesson.predict(
    "plain",
    f"A plain net of {P.depth:,} layers with batch norm, before any training. How large is the "
    "gradient of its first layer?",
    choices=("nearly 0", "about as large as that of the last layer", "enormous"),
)

# %% [markdown]
# ## The networks for small images: 6n + 2 layers
#
# For CIFAR-10, whose images have $32 \times 32$ pixels, He et al. 2015 (§4.2) build one family of networks, with
# $n = 3, 5, 7, 9, 18$ and $200$:
#
# * a convolution with $w = 16$ filters and a batch norm;
# * three stages. A **stage** is a row of blocks whose outputs all have the same size and the same number of channels.
#   Here each has $n$ blocks, of $w$, $2w$ and $4w$ channels; the first block of the second and of the third stage has
#   stride 2, so that the sizes are 32, 16 and 8;
# * **global average pooling**, which replaces each channel by its mean over all places, and a linear layer from $4w$
#   numbers to 10 classes, with a bias.
#
# All blocks are of one kind. A **basic block** is a residual block whose branch consists of two convolutions of
# $3 \times 3$, each with a batch norm. So there are $2n$ convolutions in a stage, $6n$ in all, and with the first
# convolution and the linear layer $6n + 2$ layers with weights. Where the size changes the shortcut takes option A,
# every second pixel and zeros for the new channels: it has no parameters.
#
# ## Exercise 10.2: the parameters of ResNet-(6n + 2)
#
# Add them up: the first convolution (3 channels in), the three stages, the linear layer, and every batch norm. Look out
# for the first convolution in the second stage, which is the one of your first exercise.


# %% tags=["exercise"]
@lesson.exercise("10.2")
def params(n, width):
    """Return the number of parameters of the net of 6n + 2 layers with `width` filters at first."""
    # BEGIN SOLUTION
    total, channels = 9 * 3 * width + 2 * width, width
    for stage in range(3):
        filters = width * 2**stage
        for _ in range(2 * n):
            total += 9 * channels * filters + 2 * filters
            channels = filters
    return total + channels * 10 + 10
    # END SOLUTION


# %%
PAPER = {20: "0.27M", 32: "0.46M", 44: "0.66M", 56: "0.85M", 110: "1.7M", 1202: "19.4M"}


def size_of(net):
    """Return the number of parameters of a net."""
    return sum(p.size for p in net.parameters())


built = {depth: size_of(models.resnet(depth, seed=0)) for depth in PAPER}
lesson.table(
    [
        {
            "net": f"ResNet-{depth}",
            "n": depth // 6,
            "yours": f"{params(depth // 6, 16):,}",
            "built": f"{n:,}",
            "He et al. 2015, Table 6": PAPER[depth],
        }
        for depth, n in built.items()
    ]
)
grows = built[32] - built[20]
lesson.say(f"""
Multiply it out, and everything that does not depend on n collects in a constant: the net has $w^2 (378\\, n - 90) +
w\\, (28\\, n + 69) + 10$ parameters. Each further n costs the same {grows // 2:,}, and doubling the width makes (almost)
four times as many.
""")

# %% [markdown]
# ## Exercise 10.3: a counter of MACs
#
# Now the MACs. A list describes the convolutions that an image passes, one behind the other: for each (channels in,
# channels out, side of the kernel, stride). Borders of zeros keep the size, so that only the stride changes it: an
# image of side 7 has side 4 after stride 2. `size` is the side of the image.


# %% tags=["exercise"]
@lesson.exercise("10.3")
def count_macs(layers, size):
    """Return the MACs of a chain of convolutions on one image of size × size pixels."""
    # BEGIN SOLUTION
    total = 0
    for inputs, outputs, kernel, stride in layers:
        size = -(-size // stride)  # rounded up
        total += kernel**2 * inputs * outputs * size**2
    return total
    # END SOLUTION


# %%
def basic_chain(stages, width, stem):
    """Return the convolutions of a net of basic blocks, without those on shortcuts."""
    layers, channels = list(stem), width
    for stage, blocks in enumerate(stages):
        filters = width * 2**stage
        for i in range(2 * blocks):
            layers.append((channels, filters, 3, 2 if stage and i == 0 else 1))
            channels = filters
    return layers


def of_cifar(n, width=16, size=32, channels=3):
    """Return the MACs of ResNet-(6n + 2), with the linear layer."""
    return count_macs(basic_chain((n,) * 3, width, [(channels, width, 3, 1)]), size) + 40 * width


measured = {
    depth: mr.summary(models.resnet(depth, seed=0), (3, 32, 32), batch=2)
    for depth in ((20, 56) if lesson.fast else (20, 56, 110))
}
lesson.table(
    [
        {
            "net": f"ResNet-{depth}",
            "your MACs": f"{of_cifar(depth // 6):,}",
            "measured": f"{s.total.macs:,}",
        }
        for depth, s in measured.items()
    ]
)

# %%
whole = measured[56]
of_stage = {}
for stage in (1, 2, 3):
    rows = [row for row in whole.rows() if row["layer"].startswith(f"layer{stage}.")]
    of_stage[stage] = {key: sum(row[key] for row in rows) for key in ("macs", "parameters")}
shares = {
    (key, stage): 100 * of_stage[stage][key] / getattr(whole.total, key)
    for key in ("macs", "parameters")
    for stage in (1, 2, 3)
}
names = {"macs": "multiply-adds", "parameters": "parameters"}
lesson.bars(
    "stages",
    f"The last stage of ResNet-56 holds {shares['parameters', 3]:.0f} % of the parameters and "
    f"takes {shares['macs', 3]:.0f} % of the multiply-adds",
    {f"{names[key]}, stage {stage}": [share] for (key, stage), share in shares.items()},
    x="share of the whole network (%)",
    form="{:.1f} %",
    highlight=["multiply-adds, stage 3", "parameters, stage 3"],
    of="count",
)
lesson.say(f"""
The upper three bars are the multiply-adds of the three stages, the lower three their parameters; the last stage is
coloured. From stage to stage the side of the image is halved and the channels are doubled. Four times as many weights
($9 C K$, with both factors doubled) are used at a quarter of the places, and the MACs stay the same:
{shares["macs", 1]:.0f}, {shares["macs", 2]:.0f} and {shares["macs", 3]:.0f} %. The weights do not:
{shares["parameters", 1]:.0f}, {shares["parameters", 2]:.0f} and {shares["parameters", 3]:.0f} %. So where the weights
are and where the work is done are two different questions.
""")

# %% [markdown]
# That is no accident. He et al. 2015 (§3.3) make it the rule by which all of their networks are designed: where the
# size is halved the number of filters is doubled, so that every layer costs the same. For your formula it means
# that a net has $w^2 S^2 (54\, n - 9)$ MACs in its three stages, for images of side $S$.
#
# ## The networks for large images: 18 to 152 layers
#
# The images of ImageNet are cut to $224 \times 224$ pixels, 49 times the area. The **stem** of a network is what
# stands before its first block. Here it is a convolution of $7 \times 7$ with 64 filters and stride 2, and a pooling
# that takes the maximum of $3 \times 3$ pixels, again with stride 2, so that a block sees $56 \times 56$ places, and not
# $224 \times 224$. Then come *four* stages, of 64, 128, 256 and 512 filters, and at the end 1,000 classes.
#
# ResNet-18 and ResNet-34 are made of basic blocks. For the deeper ones these become too expensive, and He et al.
# replace them. A **bottleneck block** is a residual block whose branch consists of three convolutions: one of
# $1 \times 1$ that reduces the channels to a quarter, one of $3 \times 3$ on these few, and one of $1 \times 1$ that
# restores them. It goes from $C = 256$ channels to 64, to 64, and back to 256.
#
# ## Exercise 10.4: what does the bottleneck save?
#
# Count the weights (without batch norm) of a basic block and of a bottleneck block for $C$ channels at both ends, and
# of a projection on the shortcut, which is a convolution of $1 \times 1$ from $C$ channels to $C$.


# %% tags=["exercise"]
@lesson.exercise("10.4")
def weights_at(channels):
    """Return the weights of (a basic block, a bottleneck block, a projection)."""
    # BEGIN SOLUTION
    inner = channels // 4
    return 18 * channels**2, 2 * channels * inner + 9 * inner**2, channels**2
    # END SOLUTION


# %%
basic, narrow, projection = weights_at(256)
lesson.say(f"""
At 256 channels a basic block has {basic:,} weights and a bottleneck {narrow:,}, {basic / narrow:.1f} times fewer. So
one can afford three layers in the place of two, and four times as many channels on the stream.

Now look at the third number. A projection on the shortcut has {projection:,} weights, {100 * projection / narrow:.0f} %
of what the whole branch has. That is what He et al. mean where they say that a projection in a bottleneck block would
double its size: the shortcut connects the two ends with many channels, and the branch works on few. Beside a basic
block the same projection is a detail, {100 * projection / basic:.0f} %.
""")

# %% [markdown]
# ## Exercise 10.5: build one
#
# Build the bottleneck block of $C$ channels from `nn.Conv2d`, `nn.BatchNorm2d` and ReLU, as He et al. 2015 have it:
# batch norm behind each convolution, a ReLU behind the first two, and the last ReLU behind the addition. Call
# its layers `conv1`, `bn1`, `conv2`, `bn2`, `conv3` and `bn3`: then `load_state_dict(state)` gives it the weights of the
# block of minires, and the two can be compared. The first convolution tells you the channels:
# `state["conv1.weight"]` has the shape (inner, C, 1, 1).


# %% tags=["exercise"]
@lesson.exercise("10.5")
def bottleneck(x, state):
    """Return (number of parameters, output as an array) of the block with these weights on x."""

    # BEGIN SOLUTION
    class Block(nn.Module):
        def __init__(self, channels, inner):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(inner)
            self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(inner)
            self.conv3 = nn.Conv2d(inner, channels, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(channels)

        def forward(self, x):
            y = F.relu(self.bn1(self.conv1(x)))
            y = F.relu(self.bn2(self.conv2(y)))
            return F.relu(self.bn3(self.conv3(y)) + x)

    inner, channels = state["conv1.weight"].shape[:2]
    block = Block(channels, inner)
    block.load_state_dict(state)
    return sum(p.size for p in block.parameters()), block(mr.tensor(x)).data
    # END SOLUTION


# %%
block = models.Bottleneck(16, 4)
x = np.random.default_rng(10).standard_normal((2, 16, 6, 6)).astype(np.float32)
count, out = bottleneck(x, block.state_dict())
apart = float(np.abs(out - block(mr.tensor(x)).data).max())
lesson.say(f"""
Your block has {count:,} parameters, that of minires {size_of(block):,}, and their outputs differ by at most {apart:.1g}.
""")

# %% [markdown]
# ## Exercise 10.6: find the bug
#
# Somebody counts the parameters of ResNet-50, ResNet-101 and ResNet-152. Their stages have 3, 4, 6, 3 bottleneck blocks,
# or 3, 4, 23, 3, or 3, 8, 36, 3 (He et al. 2015, Table 1). The first block of *every* stage has a projection on its
# shortcut, since each of them changes the number of channels (option B).


# %%
def counted_by_somebody(blocks):
    total = 49 * 3 * 64 + 2 * 64  # the stem
    channels = 64
    for stage, count in enumerate(blocks):
        inner = 64 * 2**stage
        for i in range(count):
            total += channels * inner + 9 * inner**2 + inner * 4 * inner
            total += 2 * inner + 2 * inner + 2 * 4 * inner
            if i == 0:
                total += channels * 4 * inner  # the projection
            channels = 4 * inner
    return total + channels * 1000 + 1000


STAGES = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
of_large, of_fc, macs_at_32, kept_at_32 = {}, {}, {}, {}
for depth in sorted({18, *P.large}):  # one at a time: they are large
    net = models.imagenet_resnet(depth, seed=0)
    of_large[depth], of_fc[depth] = size_of(net), net.fc.weight.size
    at_32 = mr.summary(net, (3, 32, 32), batch=8)
    macs_at_32[depth], kept_at_32[depth] = at_32.total.macs, at_32.memory["kept"] / 8
lesson.table(
    [
        {
            "net": f"ResNet-{depth}",
            "somebody's count": f"{counted_by_somebody(blocks):,}",
            "built": f"{of_large[depth]:,}",
            "missing": f"{of_large[depth] - counted_by_somebody(blocks):,}",
        }
        for depth, blocks in STAGES.items()
        if depth in of_large
    ]
)

# %% [markdown]
# The same number is missing in networks of 16, 33 and 50 blocks. So it cannot be something that each block has. What is
# there in all of these networks equally often? Factorise it, find what was forgotten, and write the right count.


# %% tags=["exercise"]
@lesson.exercise("10.6")
def params_of_bottlenecks(blocks):
    """Return the parameters of the net with so many bottleneck blocks in its four stages."""
    # BEGIN SOLUTION
    total, channels = 49 * 3 * 64 + 2 * 64, 64
    for stage, count in enumerate(blocks):
        inner = 64 * 2**stage
        for i in range(count):
            total += channels * inner + 9 * inner**2 + inner * 4 * inner
            total += 2 * inner + 2 * inner + 2 * 4 * inner
            if i == 0:
                total += channels * 4 * inner + 2 * 4 * inner  # the projection has a norm too
            channels = 4 * inner
    return total + channels * 1000 + 1000
    # END SOLUTION


# %% [markdown]
# ## The zoo in one table
#
# To count MACs at $224 \times 224$ one need not run such a net. All sizes in it are halved five times, and 224 is 7 times
# 32: on an image of $32 \times 32$ every convolution meets a 49th of the places. So we measure there, and multiply all
# but the linear layer by 49. One detail remains, where a stage halves the size: the paper puts the stride into the
# first $1 \times 1$ convolution of the block, torchvision, PyTorch's own collection of networks (and minires, by
# default), into the $3 \times 3$. That changes no parameter. The column "as in the paper" shows what it does to the MACs,
# and the last one what the paper prints.

# %%
PAPERS_MACS = {18: 1.8, 50: 3.8, 152: 11.3}  # He et al. 2015, Table 1, in 10⁹


def stride_in_first(depth):
    """Return the MACs with the stride in the first 1 × 1 convolution, by the difference it makes."""
    blocks, saved = STAGES.get(depth), 0
    for stage in (1, 2, 3) if blocks else ():
        inner, side = 64 * 2**stage, 56 // 2**stage
        saved += 2 * inner * inner * (4 - 1) * side**2  # 2 · inner channels come in
    return macs[depth] - saved


macs = {depth: 49 * (m - of_fc[depth]) + of_fc[depth] for depth, m in macs_at_32.items()}
as_in_paper = {depth: stride_in_first(depth) for depth in macs}
ratio = of_large[18] / built[20]
lesson.reveal("times", f"{of_large[18]:,} / {built[20]:,} = {ratio:.0f}", value=round(ratio, 1))
lesson.table(
    [
        {
            "net": f"ResNet-{depth}",
            "block": "bottleneck" if depth in STAGES else "basic",
            "parameters": f"{of_large[depth]:,}",
            "MACs / 10⁹": f"{macs[depth] / 1e9:.3f}",
            "as in the paper": f"{as_in_paper[depth] / 1e9:.3f}",
            "paper": f"{PAPERS_MACS[depth]}" if depth in PAPERS_MACS else "-",
        }
        for depth in macs
    ]
)

# %% [markdown]
# The paper's 3.8 for ResNet-50 belongs to its own version, and the 4.1 that one often reads today to torchvision's.
# Whoever compares the two compares networks that differ by 231 million MACs and not by a single weight.

# %%
on_small = mr.summary(models.resnet18(num_classes=10, seed=0), (3, 32, 32))
last = next(layer for layer in on_small.layers if layer.path == "layer4").outputs[0][-2:]
third_chain = basic_chain((2, 2, 2, 2), 64, [(3, 64, 3, 1)])
third_macs = count_macs(third_chain, 32)
third_params = on_small.total.parameters - 49 * 3 * 64 + 9 * 3 * 64
lesson.say(f"""
ResNet-18 has two layers fewer than ResNet-20 and {ratio:.0f} times as many parameters. They belong to different
families: four stages of 64 to 512 filters here, three of 16 to 64 there. Give a CIFAR image to ResNet-18, and its stem
throws away 15 of 16 places before the first block; the last stage works on images of {last[0]} × {last[1]} pixel, where
a filter of 3 × 3 meets eight zeros of the border and one number.

There is a third network that is called ResNet-18, on CIFAR-10: many programs replace the stem by a convolution of
3 × 3 without pooling ([an example](https://mmclassification.readthedocs.io/en/stable/papers/resnet.html), with 11.17
million parameters and 0.56 GFLOPs). Your counter says {third_macs / 1e9:.2f} · 10⁹ MACs without its projections, and
{third_params / 1e6:.2f} million parameters: it is {third_macs / measured[20].total.macs:.0f} times as expensive as
ResNet-20. An error of "ResNet-18 on CIFAR-10" is no number to compare with the tables of the paper.
""")


# %% [markdown]
# ## Options A, B and C, in numbers
#
# Lesson 9 asked what projections do to the training. Here is what they cost. Option B has one where the shape changes,
# option C one on every shortcut; each has $C K$ weights and a batch norm.


# %%
def projections(blocks, everywhere):
    """Return the parameters of the projections in a net of bottleneck blocks."""
    total, channels = 0, 64
    for stage, count in enumerate(blocks):
        outputs = 256 * 2**stage
        for i in range(count if everywhere else 1):
            total += (channels if i == 0 else outputs) * outputs + 2 * outputs
        channels = outputs
    return total


options = {}
for depth, blocks in STAGES.items():
    without = params_of_bottlenecks(blocks) - projections(blocks, False)
    options[depth] = {
        "A": without,
        "B": params_of_bottlenecks(blocks),
        "C": without + projections(blocks, True),
    }
for n in (3, 9, 18):
    depth = 6 * n + 2
    of_b = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    of_c = n * (16**2 + 2 * 16) + (n - 1) * (32**2 + 2 * 32 + 64**2 + 2 * 64) + of_b
    options[depth] = {"A": params(n, 16), "B": params(n, 16) + of_b, "C": params(n, 16) + of_c}
check = {o: size_of(models.resnet20(shortcut=o, seed=0)) for o in "ABC"}
lesson.table(
    [
        {"net": f"ResNet-{depth}"}
        | {f"option {o}": f"{n:,}" for o, n in found.items()}
        | {"C / B": f"{found['C'] / found['B']:.2f}"}
        for depth, found in sorted(options.items())
    ]
)
lesson.say(f"""
Counted by formulas; the ResNet-20 that minires builds have {check["A"]:,}, {check["B"]:,} and {check["C"]:,}. In the
nets of basic blocks all three are alike, and option B costs the same {check["B"] - check["A"]:,} at every depth. In the
nets of bottlenecks option C comes to {options[50]["C"] / options[50]["B"]:.2f} times the size for 50 layers and
{options[152]["C"] / options[152]["B"]:.2f} times for 152: "doubled" is right for a block, and nearly so for a net that
consists of hardly anything else.
""")

# %% [markdown]
# ## Memory
#
# The parameters of ResNet-20 take 4 bytes each, about a megabyte. For training one needs a gradient and a momentum for
# each, so three megabytes. What else is there?
#
# Backward needs what forward has computed (lesson 0): the weight gradient of a convolution is a product of the upstream
# gradient and of its input, batch norm needs the numbers that it has normalised, ReLU needs to know which of
# them were positive. **Activation memory** is the memory of all results that forward keeps for the backward pass, for
# every image of the batch. In minires, which computes a batch norm and the ReLU behind it as one operation, there
# are two arrays for each convolution: its output, which the batch norm keeps, and what batch norm and ReLU make of it,
# which is the input of the next convolution. (The addition of the shortcut is part of the same operation and keeps
# nothing more.)
#
# ## Exercise 10.7: what a batch takes
#
# Estimate the activation memory of ResNet-(6n + 2): two arrays for each of its $6n + 1$ convolutions, of 4 bytes a
# number. Images have `size` × `size` pixels; leave the linear layer and the pooling out.


# %% tags=["exercise"]
@lesson.exercise("10.7")
def activation_bytes(n, width, size, batch):
    """Return the bytes that are kept for the backward pass of a batch."""
    # BEGIN SOLUTION
    numbers = (2 * n + 1) * width * size**2  # the first convolution has the size of stage 1
    numbers += 2 * n * (2 * width) * (size // 2) ** 2
    numbers += 2 * n * (4 * width) * (size // 4) ** 2
    return 2 * numbers * 4 * batch
    # END SOLUTION


# %%
off = {
    depth: activation_bytes(depth // 6, 16, 32, 2) / s.memory["kept"] - 1
    for depth, s in measured.items()
}
megabytes = {
    "outputs": activation_bytes(3, 16, 32, 128) / 1e6,
    "parameters": 4 * params(3, 16) / 1e6,
}
lesson.reveal(
    "memory",
    f"{megabytes['outputs']:.0f} MB of outputs, {megabytes['parameters']:.1f} MB of parameters, "
    "twice that of gradients and momentum",
    value="the outputs of the layers"
    if megabytes["outputs"] > 2 * megabytes["parameters"]
    else "gradients and momentum",
)
worst = 100 * max(abs(v) for v in off.values())
depths = np.array(list(PAPER))
kept = np.array([[activation_bytes(d // 6, 16, 32, 128) / 1e6 for d in depths]])
own = np.array([[4 * params(d // 6, 16) / 1e6 for d in depths]])
times = float(kept[0, -1] / own[0, -1])
lesson.curves(
    "memory",
    f"What a batch of 128 leaves for the backward pass takes {times:.0f} times the memory of the parameters",
    depths,
    {"kept for the backward pass": kept, "parameters": own},
    x="layers",
    y="memory (MB)",
    log="xy",
    highlight=["kept for the backward pass"],
    levels={"a laptop's 8 GB": 8000},
    note="32 × 32 pixels, width 16.",
    of="count",
)
narrower = activation_bytes(200, 4, 32, 128) / 1e9
tiny = activation_bytes(200, 4, 8, 64) / 1e6
lesson.say(f"""
The horizontal axis is the depth, the vertical one the memory, both logarithmic. Both lines are straight and parallel:
parameters and kept results grow with the depth alike, and the distance between them is a factor of {times:.0f}. The
estimate is within {worst:.1f} % of what `minires.summary` finds in the graph. ResNet-1202 has
{4 * params(200, 16) / 1e6:.0f} MB of parameters, and would keep {kept[0, -1] / 1e3:.1f} GB.

Where does the factor come from? For large n the kept numbers are $7\\, n\\, w\\, S^2 N$ for a batch of $N$ images, and the
parameters $378\\, n\\, w^2$. The ratio is $S^2 N / (54\\, w)$: the depth has cancelled. Larger images, larger batches and
*narrower* networks make it worse. What one can do is take less of each. With width 4 it is {narrower:.1f} GB, and with
width 4, the 8 × 8 pixels of our digits and batches of 64 it is {tiny:.0f} MB. That fits.
""")

# %% [markdown]
# So here are the four networks of the beginning, each on its own images. For ResNet-18 and ResNet-50 the memory is what
# $32 \times 32$ pixels take, times 49, as the multiply-adds are. A batch fits if parameters, gradients and
# momentum leave room for what its images keep.

# %%
four = {
    name: {"parameters": n, "macs": work, "kept": stored}
    for name, n, work, stored in (
        ("ResNet-18", of_large[18], macs[18], 49 * kept_at_32[18]),
        ("ResNet-20", built[20], of_cifar(3), activation_bytes(3, 16, 32, 1)),
        ("ResNet-50", of_large[50], macs[50], 49 * kept_at_32[50]),
        ("ResNet-1202", built[1202], of_cifar(200), activation_bytes(200, 16, 32, 1)),
    )
}
lesson.table(
    [
        {
            "net": name,
            "parameters": f"{v['parameters']:,}",
            "MACs / 10⁹": f"{v['macs'] / 1e9:.2f}",
            "MB kept for an image": f"{v['kept'] / 1e6:.1f}",
            "images in 8 GB": f"{int((8e9 - 12 * v['parameters']) / v['kept']):,}",
        }
        for name, v in four.items()
    ]
)
lesson.say(f"""
ResNet-50 has the most weights and the most multiply-adds. ResNet-1202 has
{four["ResNet-50"]["parameters"] / four["ResNet-1202"]["parameters"]:.1f} times fewer weights, and for an image of a
49th of the area it takes {four["ResNet-1202"]["macs"] / four["ResNet-50"]["macs"]:.1f} times the multiply-adds and
{four["ResNet-1202"]["kept"] / four["ResNet-50"]["kept"]:.1f} times the memory. ResNet-20 is the one for a laptop.
""")

# %% [markdown]
# ## 1,202 layers
#
# So let us build it: 1,202 layers, width 4, on digits. Before training we send one batch forward and its gradient back,
# and look at the gradient of every convolution, from the last to the first; and we do the same with the plain twin,
# which has the same weights and no shortcuts. Lesson 4 measured what happens there: in a plain net with batch norm and
# ReLU the gradient grows on its way down, by $\sqrt{\pi / (\pi - 1)} = 1.21$ per layer if the layers are wide. What does
# such a factor become in 1,201 layers?
#
# A step with a gradient that is not finite would write NaN, "not a number", into the network, and everything would be
# lost. So we look before each step, and stop there.

# %%
digits = data.load_digits()
LARGEST = float(np.finfo(np.float32).max)
ARMS = {
    "residual": {},
    "zero-γ residual": {"branch_scale": "zero-gamma"},
    "plain": {"skip": False},
}


def batches(seed, count, size=64):
    """Yield `count` batches of digits."""
    loader = data.DataLoader(
        digits.x_train, digits.y_train, batch_size=size, shuffle=True, seed=seed, drop_last=True
    )
    return itertools.islice(itertools.chain.from_iterable(itertools.repeat(loader)), count)


def profile(net):
    """Return the norms of the gradients of all convolutions, the last one first."""
    found = [p.grad.astype(np.float64) for name, p in net.named_parameters() if "conv" in name]
    return [float(np.sqrt((g**2).sum())) for g in reversed(found)]


def train_deep(arm, seed):
    """Return the gradients of the first step, the losses, and the step that was not taken."""
    net = models.resnet(P.depth, width=4, in_channels=1, seed=seed, **ARMS[arm])
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    gradients, losses, broken = [], [], None
    for step in train(net, optimizer, batches(seed, P.steps), check_gradients=True):
        gradients = gradients or profile(net)
        losses.append(step.loss)
        if step.diverged:
            broken = step.index + 1
    return gradients, losses, broken


runs = {arm: [train_deep(arm, seed) for seed in range(P.seeds)] for arm in ARMS}
profiles = {arm: np.array([found[0] for found in runs[arm]]) for arm in ("residual", "plain")}

# %%
places = np.arange(1, P.depth)  # convolutions, counted from the output
finite = np.isfinite(profiles["plain"]).sum(axis=1)
lost = P.depth - 1 - finite
reach = int(np.isfinite(profiles["plain"]).all(axis=0).argmin()) or P.depth - 1
slope, start = np.polyfit(places[:reach], np.log(profiles["plain"][:, :reach]).T, 1)
factor, predicted = np.exp(slope), float(np.mean((math.log(LARGEST) - start) / slope))
decades = {  # what is not finite is counted, not drawn
    arm: np.where(np.isfinite(found), np.log10(np.maximum(found, 1e-45)), np.nan)
    for arm, found in profiles.items()
}
if lost.min():
    grown = f"leaves float32 after {finite.mean():.0f} of {P.depth - 1:,} layers"
    margin = LARGEST / float(profiles["plain"][:, reach - 1].max())
    held = f"""In these nets it took {spread(finite, "{:.0f}")}, and the cross stands below the dotted line: the last gradient
of the line is {margin:.0f} times smaller than the largest float32. That is the work of an algorithm. minires computes a
convolution of 3 × 3 with fewer products than its definition has, by way of sums that are roughly that much larger than
what comes out (lesson 16), and these overflow first. The gradients of all other layers are infinite or NaN."""
else:
    grown = f"grows to 10^{decades['plain'][:, -1].mean():.0f} in {P.depth - 1:,} layers"
    held = f"These nets have {P.depth - 1:,}, and are not that deep."
lesson.reveal(
    "plain",
    f"the gradient {grown}",
    value="enormous" if lost.min() or profiles["plain"][:, -1].min() > 1000 else None,
)
lesson.curves(
    "overflow",
    f"Going down a plain net the gradient {grown}",
    places,
    decades,
    x="convolution, counted from the output",
    y="gradient norm (decimal logarithm)",
    levels={"largest float32": math.log10(LARGEST)},
)
largest_residual = float(profiles["residual"].max())
lesson.say(f"""
Read it from left to right, as the gradient goes: at the left is the last convolution, at the right the first. The
vertical axis counts decades. The plain net's line is straight, as a product of equal factors must be: each layer
multiplies by {spread(factor, "{:.3f}")}. (The 1.21 is for wide layers. These have four to sixteen channels, and zeros at
their borders.) The largest number of float32 is {LARGEST:.1e}, and the line, drawn on, reaches it
after {predicted:.0f} layers. {held}

The residual twin has no gradient larger than {largest_residual:.0f} at any of its {P.depth - 1:,} convolutions.
""")

# %% [markdown]
# The residual twin takes the steps that it is given. There is a third net in the table and in the figure. Lesson 8
# made branches start small, and one of its ways was zero-γ: the last batch norm of each branch starts at 0, so that the
# net starts as its stem and its shortcuts, whatever its depth.

# %%
losses = {arm: [found[1] for found in runs[arm]] for arm in ARMS}
stopped = {arm: [found[2] for found in runs[arm]] for arm in ARMS}
lesson.table(
    [
        {
            "net": f"{arm}, {P.depth:,} layers",
            "steps taken": spread(
                [P.steps if s is None else s - 1 for s in stopped[arm]], "{:.0f}"
            ),
            "first loss": spread([v[0] for v in losses[arm]], "{:.2f}"),
            "last loss": spread([v[-1] for v in losses[arm]], "{:.2f}"),
        }
        for arm in ARMS
    ]
)
steady = {arm: np.array(losses[arm]) for arm in ARMS if stopped[arm].count(None) == P.seeds}
deep_loss, soft_loss = (np.array(losses[arm]) for arm in list(ARMS)[:2])
lesson.curves(
    "steps",
    f"In {P.steps} steps the loss of a residual net of {P.depth:,} layers falls "
    f"from {deep_loss[:, 0].mean():.1f} to {deep_loss[:, -1].mean():.1f}",
    np.arange(1, P.steps + 1),
    {arm: found for arm, found in steady.items() if arm != "plain"},
    x="step",
    y="loss of the batch (nats)",
    levels={"guessing": math.log(10)},
)
fate = (
    "cannot take its first step"
    if set(stopped["plain"]) == {1}
    else "takes its steps, at this depth"
)
lesson.say(f"""
Each line is the loss of every batch before its step. The net of the paper begins far above the {math.log(10):.2f} of
guessing: the sum of {P.depth // 2 - 1} branches is large, and so are the outputs. Then it falls, to
{spread(deep_loss[:, -1], "{:.1f}")}, and not evenly. Be careful with this figure: as long as a loss is above the line of guessing its fall
shows outputs that become smaller, and nothing that has been learned. The net with zero-γ starts near guessing, at
{soft_loss[:, 0].mean():.2f}, and is at {soft_loss[:, -1].mean():.2f} in step {P.steps}. Learning takes more steps than
that (`--full` takes 25). So what is shown is less than "it learns", and it is enough for the comparison: the residual
nets take their steps, and the plain twin with the same weights {fate}. That ResNet-1202 can be trained, to a training
error below 0.1 %, is what He et al. 2015 (§4.2) report.
""")

# %% [markdown]
# ## Exercise 10.8: the same MACs, spent otherwise
#
# One can spend the same number of MACs on a few wide layers or on many narrow ones. Design such a pair: given the MACs
# of some net, which n comes nearest to them with another width? For digits ($8 \times 8$ pixels, one channel) a
# ResNet-(6n + 2) has
#
# $$64\, w^2 (54\, n - 9) + 576\, w + 40\, w \quad \text{MACs}.$$


# %% tags=["exercise"]
@lesson.exercise("10.8")
def n_of_equal_cost(macs, width):
    """Return the n, at least 1, whose net of this width comes nearest to so many MACs."""
    # BEGIN SOLUTION
    exact = ((macs - 616 * width) / (64 * width**2) + 9) / 54
    return max(1, round(exact))
    # END SOLUTION


# %%
reference = of_cifar(3, 8, 8, channels=1)  # ResNet-20 of width 8
pairs = [(n_of_equal_cost(reference, w), w) for w in (15, 8, 4)]


def spend(n, width, seed):
    """Return (error in % over the last quarter of the steps, median milliseconds of a step)."""
    net = models.resnet(6 * n + 2, width=width, in_channels=1, seed=seed)
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    errors, ends = [], [time.perf_counter()]
    for step in train(net, optimizer, batches(seed, P.budget)):
        errors.append(step.errors / len(step.y))
        ends.append(time.perf_counter())
    last = errors[-max(1, len(errors) // 4) :]
    return 100 * float(np.mean(last)), 1e3 * float(np.median(np.diff(ends)))


spent = {pair: [spend(*pair, seed) for seed in range(max(P.seeds, 2))] for pair in pairs}
labels = {(n, w): f"{6 * n + 2} layers, width {w}" for n, w in pairs}
milliseconds = {pair: [ms for _, ms in found] for pair, found in spent.items()}
mistaken = {pair: [e for e, _ in found] for pair, found in spent.items()}
lesson.table(
    [
        {
            "net": labels[n, w],
            "MACs": f"{of_cifar(n, w, 8, channels=1):,}",
            "parameters": f"{params(n, w) - 18 * w:,}",
            "activations, MB": f"{activation_bytes(n, w, 8, 64) / 1e6:.1f}",
            "ms per step": spread(milliseconds[n, w], "{:.1f}"),
            "training error %": spread(mistaken[n, w], "{:.1f}"),
        }
        for n, w in pairs
    ]
)
wide, deepest = pairs[0], pairs[-1]
slower = float(np.mean(milliseconds[deepest]) / np.mean(milliseconds[wide]))
lesson.bars(
    "equal_macs",
    f"The same multiply-adds take {slower:.1f} times as long in {labels[deepest].split(',')[0]} as in {labels[wide].split(',')[0]}",
    {labels[pair]: milliseconds[pair] for pair in pairs},
    x="time of a training step (ms)",
    form="{:.1f} ms",
    highlight=[labels[deepest]],
    note="On this machine; the three nets have equal MACs within 5 %.",
)
lesson.say(f"""
The bars are the three nets; what differs is not the number of multiply-adds but what comes with it. Every layer has to
be started, read its input from memory and write its output, and the deep net does that {labels[deepest].split()[0]}
times with little work for each. Its activations take
{activation_bytes(*deepest, 8, 64) / activation_bytes(*wide, 8, 64):.1f} times the memory of the wide net's, and it has
about as many parameters: on images of one size MACs and parameters grow alike, with $n\\, w^2$. MACs are not
seconds.

Nor are they what a net is good for. After {P.budget} steps the shallow and wide net errs on
{spread(mistaken[wide], "{:.1f}")} % of the last batches and the deep and narrow one on
{spread(mistaken[deepest], "{:.1f}")} %. Do not read more from it than that: it is a short training at one rate.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
*"ResNet-18 is the small ResNet for CIFAR-10."* It is an ImageNet net with {of_large[18]:,} parameters. The nets of the
paper's CIFAR-10 table begin with ResNet-20, which has {built[20]:,}.

*"More layers, more parameters."* ResNet-20 has two layers more than ResNet-18 and {ratio:.0f} times fewer parameters,
and ResNet-1202, with {built[1202]:,}, is smaller than most of the ImageNet nets.

*"The network takes 1 MB, so training it takes a few."* Training ResNet-20 with a batch of 128 keeps
{megabytes["outputs"]:.0f} MB of activations.

*"Option C doubles the network."* It doubles a bottleneck block. ResNet-50 becomes
{options[50]["C"] / options[50]["B"]:.2f} times as large, ResNet-20 {options[20]["C"] / options[20]["B"]:.2f} times.

*"Equal FLOPs, equal time."* Here equal MACs took between {min(map(np.mean, milliseconds.values())):.1f} and
{max(map(np.mean, milliseconds.values())):.1f} ms.

*"A plain net with batch norm has healthy gradients, so it trains badly but it trains."* That is measured for tens of
layers (He et al. 2015, §4.1, for 34). In {P.depth:,} layers the first backward pass
{"leaves float32" if lost.min() else f"has gradients of {profiles['plain'][:, -1].mean():.0e}"}.
""")

# %% [markdown]
# ## What the paper found
#
# * He et al. 2015 (arXiv 1512.03385), Table 6: test errors on CIFAR-10 of 8.75 % (20 layers), 7.51, 7.17, 6.97 and 6.43 %
#   (110 layers), and 7.93 % with 1,202 layers. The last one has a training error below 0.1 %, and the authors call it
#   overfitting (§4.2).
# * That "1,202 layers overfit" belongs to their recipe: [a replication](https://github.com/akamaster/pytorch_resnet_cifar10)
#   that trains on all 50,000 images reports 6.18 % for ResNet-1202 and 6.32 % for ResNet-110.
# * Table 1 of the same paper has the ImageNet nets and their costs: 1.8 (18 layers), 3.8 (50) and 11.3 (152) times 10⁹
#   multiply-adds. VGG-19, the reference of the time, has 19.6.
# * Table 3: top-1 errors on ImageNet of 24.52 % for ResNet-34 (option B), 22.85 % for ResNet-50, 21.75 % for ResNet-101
#   and 21.43 % for ResNet-152.
#
# ## Remember
#
# - The weights of a convolution do not know the size of the image, its MACs grow with the area, and because stages halve
#   the side where they double the channels each stage costs the same while most weights are in the last.
# - Training memory is activations: they grow with depth, batch and area, and outweigh the parameters a hundred times.
# - A bottleneck block makes depth affordable by working on a quarter of the channels, which is why a projection on its
#   shortcut costs as much as all the rest of it.
#
# ## Read next
#
# * Lesson 11: the recipe with which the paper trains these networks.
# * He et al. 2015 (arXiv 1512.03385), Table 1 and §3.3, with a pencil.
# * `minires summary resnet50`, which prints such a count for any net.
