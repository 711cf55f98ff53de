# title: A skip is not enough: why must the branch start small?
# minutes: 50
# seconds: 40
# needs: lessons 2, 4 and 7
# %% [markdown]
# # Lesson 8: A skip is not enough: why must the branch start small?
#
# In lesson 7 a network that would not train got an $x$ added after every second layer, and it trained. It would be
# easy to leave with the impression that the addition does it all. But the deep ones of those networks had batch norm,
# and the others a factor $1/\sqrt{4}$ before the branch that nobody explained. Take both away, keep the skip, choose
# the initialisation that was made for ReLU (lesson 2), and make the network a hundred layers deep. What happens? Not a
# slow training, and not a bad one: no training at all. After one single step the loss is no longer a finite number.
#
# In this lesson you find out why, with nothing but the addition of two random numbers. You then meet six remedies that
# look quite different, among them batch norm, and see what they have in common. That is worth knowing if you ever want
# to do without batch norm, or if you wonder why torchvision has a switch called `zero_init_residual`.
#
# You should know how a layer of weights multiplies the size of a signal (lesson 2), what batch norm does (lesson 4),
# and what a residual block is (lesson 7). The lesson takes about fifty minutes with its six exercises.
#
# ## Adding two numbers that know nothing of each other
#
# A residual block computes $y = x + F(x)$. Forget the network for a moment and let $x$ be a number that is $+1$ or
# $-1$, each half of the time, and let $F$ be another such number that is chosen independently of the first. Four
# cases are equally likely:
#
# | $x$ | $F$ | $y = x + F$ | $y^2$ |
# |---|---|---|---|
# | $+1$ | $+1$ | $2$ | $4$ |
# | $+1$ | $-1$ | $0$ | $0$ |
# | $-1$ | $+1$ | $0$ | $0$ |
# | $-1$ | $-1$ | $-2$ | $4$ |
#
# The average of $y$ is zero, as before. But the average of its square, written $E[y^2]$, is
# $(4 + 0 + 0 + 4) / 4 = 2$, while $E[x^2] = E[F^2] = 1$. Nothing was amplified; two things of size one were added,
# and the sum is larger than each of them. The general rule is one line:
#
# $$E[(x + F)^2] = E[x^2] + 2\, E[x F] + E[F^2] = E[x^2] + E[F^2] \quad \text{if } E[x F] = 0.$$
#
# The middle term is zero if the average of $F$ is zero whatever $x$ is. In a fresh network this is so, if we average
# over the weights that may be drawn: the last thing that the branch does is to multiply by random weights whose
# average is zero, drawn without looking at $x$.
#
# Now let a whole network do it. The **stream** is the signal of a residual network, what runs along the skips from
# block to block: the input of the first block, then its output, which is the input of the second block, and so on. Each
# block adds its branch to the stream. How large is a branch? That is what He initialisation fixes (lesson 2): it draws
# the weights so that a ReLU followed by a weight layer keeps the mean square. So a branch made of such pairs has the
# same mean square as its input, $E[F^2] = E[x^2]$, and
#
# $$E[y^2] = 2\, E[x^2].$$
#
# Every block doubles the mean square of the stream. In a plain network the same initialisation would keep the signal
# at the same level for ever; *here the skip is what makes it explode*. And since the branch of the next block is as
# large as the next block's input, which has grown, the second block doubles it again, and the third.
#
# The way back is the same sum. The gradient at the input of a block is what comes along the skip plus what comes
# through the branch, $\partial L / \partial x = g + J^\top g$, where $g$ is the gradient at the block's output and $J$
# holds the derivatives of the branch. The second part goes back through the ReLUs and the same weights, and He
# initialisation keeps its mean square on the way back as well (lesson 2), so it is as large as $g$. And since it was
# multiplied by random weights, the middle term is zero again. The mean square doubles once more, and the *length* of
# the gradient, which is its root, grows by $\sqrt{2} = 1.41$ for each block on the way to the input.

# %%
import math

import numpy as np

import minires as mr
from minires import data, models
from minires.experiments import degradation
from minires.experiments.settings import Setting
from minires.lessons import Lesson, spread
from minires.record import rms

lesson = Lesson(8)
P = lesson.params(
    blocks=50,
    seeds=3,
    epochs=7,
    rates=(0.01,),
    fast={"seeds": 1, "epochs": 1},
    browser={"blocks": 48, "seeds": 2, "epochs": 2},
    full={"seeds": 5, "epochs": 20, "rates": (0.01, 0.1)},
)

# %% [markdown]
# ## Predict
#
# Write down what you expect. The first is a small calculation; take a minute for it.

# %%
lesson.predict(
    "rms",
    f"The root mean square (RMS) of the stream is 1 at the input. What is it after {P.blocks} "
    "residual blocks with He initialisation and without normalisation?",
)
lesson.predict(
    "rate",
    "Such a network diverges in its first steps at a learning rate of 0.01. Which is the largest "
    "of these rates at which it does not?",
    choices=("0.001", "0.00001", "0.0000001", "none of them"),
)
lesson.predict(
    "zero",
    "If a factor α = 0 stands before each branch, every block is the identity. Which part of "
    "the weights inside the branches gets a gradient other than zero in the first step?",
    choices=("all of them", "the last layer of each branch", "none of them"),
)

# %% [markdown]
# ## Exercise 8.1: fifty blocks
#
# Every block doubles the mean square of the stream, and at the input its root mean square is 1. What is the root mean
# square after fifty blocks?


# %% tags=["exercise"]
@lesson.exercise("8.1")
def rms_after_fifty():
    """Return the root mean square of the stream after 50 blocks that each double E[x²], from 1."""
    # BEGIN SOLUTION
    return math.sqrt(2**50)
    # END SOLUTION


# %% [markdown]
# ## The measurement
#
# We walk along the stream, block by block, and write down how large it is; then we let a random gradient arrive at
# the end and walk back. The blocks here are $y = x + W_2 \max(W_1 \max(x, 0), 0)$, the ones for which the argument
# above is exact: each weight layer has a ReLU before it and nothing stands behind the addition. (The block of lesson
# 7 has a ReLU behind the addition. It is in the table too. Lesson 9 asks which is better.) Inputs and gradients are
# Gaussian numbers of RMS 1, the width is 256, the batch 128.

# %%
WIDTH, BATCH = 256, 128
B = P.blocks


def walk(net, seed):
    """Return the RMS of the stream and of its gradient: at the input, and after each block."""
    rng = np.random.default_rng(seed)
    x, g = rng.standard_normal((2, BATCH, WIDTH)).astype(np.float32)
    stream = [mr.tensor(x, requires_grad=True)]
    for block in net.body:
        stream.append(block(stream[-1]))
        stream[-1].retain_grad()
    stream[-1].backward(g)
    return [rms(t.data) for t in stream], [rms(t.grad) for t in stream]


def walks(skip="preact", **options):
    """Return signal and gradient, each (seeds, blocks + 1), of a fresh net for every seed."""
    nets = [models.mlp_stack(2 * B, WIDTH, skip, seed=s, **options) for s in range(P.seeds)]
    found = np.array([walk(net, seed) for seed, net in enumerate(nets)])
    return found[:, 0], found[:, 1]


def rounded(value):
    """Return a large number with two digits that count, e.g. 28,000,000."""
    return f"{float(f'{value:.2g}'):,.0f}"


def per_block(values):
    """Return the factor per block between the first and the last entry, one for each seed."""
    return (values[:, -1] / values[:, 0]) ** (1 / B)


signal, gradient = walks()
late_signal, late_gradient = walks("identity")  # ReLU behind the addition, as in lesson 7
no_skip, _ = walks("none")

growth = per_block(signal) ** 2
backward_growth = 1 / per_block(gradient)
lesson.reveal(
    "rms",
    f"{rounded(signal[:, -1].mean())} (from {rounded(signal[:, -1].min())} to "
    f"{rounded(signal[:, -1].max())}); theory {rounded(2 ** (B / 2))}",
    value=float(signal[:, -1].mean()),
)
lesson.table(
    [
        {
            "block": name,
            "E[x²] per block": spread(per_block(s) ** 2, "{:.3f}"),
            "theory": theory_s,
            "gradient per block": spread(1 / per_block(g), "{:.3f}"),
            "theory ": theory_g,
        }
        for name, s, g, theory_s, theory_g in (
            ("nothing behind the addition", signal, gradient, "2", "1.414"),
            ("ReLU behind the addition", late_signal, late_gradient, "1.5 to 3", "-"),
        )
    ]
)

# %%
lesson.say(f"""
The stream doubles: {spread(growth, "{:.3f}")} per block in mean square where the argument says 2, and the gradient
grows by {spread(backward_growth, "{:.3f}")} where it says 1.414. After {B} blocks the RMS of the signal is
{rounded(signal[:, -1].mean())} instead of 1, and the gradient at the input is {rounded(gradient[:, 0].mean())} times
as long as at the output. (For fifty blocks you have found {rounded(rms_after_fifty())}. That single networks end
between {rounded(signal[:, -1].min())} and {rounded(signal[:, -1].max())} is no contradiction: fifty factors that are
each a few percent off multiply as well.) The twin *without* the
skip, with the same weights, ends at an RMS of {no_skip[:, -1].mean():.2f}: He initialisation does for a plain network
what it promises.

With a ReLU behind the addition it is worse, {spread(per_block(late_signal) ** 2, "{:.2f}")} per block. There the
branch begins with weights, not with a ReLU that takes half of the mean square away. So the mean square of the branch is
*twice* that of the stream, and that of the sum three times; the ReLU behind it leaves something between half of it and
all of it, which is a factor between 1.5 and 3.
""")

# %% [markdown]
# ## What this does to a training
#
# The network classifies digits, has a hundred layers in fifty blocks, and is trained like those of lesson 5: SGD with
# momentum 0.9, weight decay `1e-4`, batches of 128, learning rate 0.01, cut to a tenth after a half and after three
# quarters of the steps. Whenever a network is trained in this lesson, its blocks are those of lesson 7, with the ReLU
# behind the addition. A training stops at the step whose loss is infinite or not a number. We add one rate that nobody
# would try.

# %%
digits = data.load_digits()
LAYERS = 2 * B


def train(seed, rate=0.01, epochs=P.epochs, **options):
    """Train one residual net of 2 · blocks layers, and return its curve."""
    values = {"skip": "identity", "norm": "none", "init": "he"} | options
    setting = Setting(arch="mlp", depth=LAYERS, activation="relu", width=64, **values)
    return degradation.train(setting, seed, digits, degradation.Recipe(epochs=epochs, lr=rate))


TINY = 1e-11
RATES = (1e-2, 1e-3, 1e-5, 1e-7)  # those of the prediction
unrepaired = {rate: [train(s, rate) for s in range(P.seeds)] for rate in (*RATES, TINY)}
lasting = [rate for rate in RATES[1:] if all(c.diverged_at is None for c in unrepaired[rate])]
largest = f"{max(lasting):.7f}".rstrip("0") if lasting else "none of them"
lesson.reveal("rate", largest, value=largest)
lesson.table(
    [
        {
            "learning rate": f"{rate:g}",
            "diverged": f"{sum(c.diverged_at is not None for c in curves)} of {P.seeds}",
            "after steps": ", ".join(str(c.diverged_at or "-") for c in curves),
        }
        for rate, curves in unrepaired.items()
    ]
)
fresh = [models.mlp_stack(LAYERS, 64, "identity", seed=s) for s in range(P.seeds)]
first_losses, first_steps = [], []
for net in fresh:
    logits = net(mr.tensor(digits.x_train[:128].reshape(128, -1)))
    loss = mr.functional.cross_entropy(logits, digits.y_train[:128])
    loss.backward()
    w = net.body[0].linear1.weight
    first_losses.append(loss.item())
    first_steps.append(float(np.linalg.norm(w.grad) / np.linalg.norm(w.data)))
stuck = [100 * c.final_error for c in unrepaired[TINY] if c.final_error is not None]
lesson.say(f"""
One step is enough, at each of the first four rates. The loss is about as large as the numbers at the end of the stream:
before the first step it is {rounded(min(first_losses))} at least. The gradient with respect to the first weights is
{rounded(min(first_steps))} times as long as these weights, or longer, so even the rate 1e-7 moves them by
{1e-7 * min(first_steps):.1f} times their length. A rate of {TINY:g} is small enough: {len(stuck)} of {P.seeds} networks
survive it. But they learn nothing with it, and after {P.epochs} epochs {spread(stuck, "{:.0f}")} % of the digits are
wrong, where guessing has 90. So the explosion is not a question of tuning the rate.
""")

# %% [markdown]
# ## Exercise 8.2: make the branch smaller
#
# If we cannot change the addition, we can change what is added. Let every block compute $y = x + s F(x)$ with a
# number $s$. The branch $F$ has the same mean square as its input, as before, and is independent of it. How large is
# the mean square of the stream after a number of blocks?


# %% tags=["exercise"]
@lesson.exercise("8.2")
def mean_square_after(start, s, blocks):
    """Return E[x²] after `blocks` blocks x + s F(x), if it is `start` at the input."""
    # BEGIN SOLUTION
    return start * (1 + s**2) ** blocks
    # END SOLUTION


# %% [markdown]
# ## Remedy one: divide by the root of the depth
#
# Choose $s = 1 / \sqrt{B}$ in a network of $B$ blocks. Then each block multiplies the mean square by $1 + 1/B$, and
# all of them together by $(1 + 1/B)^B$. This number has a limit: it is $2$ for one block, $2.25$ for two, $2.44$ for
# four, and never more than $e = 2.718$, however deep the network is. It is the compound interest of a bank that pays
# 100 percent a year in ever smaller portions. The RMS of the signal, being the root, grows to $\sqrt{e} = 1.65$ at
# most.
#
# ## Exercise 8.3: and the gradient
#
# The same holds on the way back. Let $g_l$ be the RMS of the gradient at the input of block $l$. Between the input of
# the first block and the input of the last one lie $B - 1$ blocks, each of which multiplies the mean square of the
# gradient by $1 + 1/B$. Which is the ratio $g_1 / g_B$?


# %% tags=["exercise"]
@lesson.exercise("8.3")
def gradient_ratio(blocks):
    """Return g_1 / g_B for B = `blocks` blocks with the factor 1 / √B before each branch."""
    # BEGIN SOLUTION
    return (1 + 1 / blocks) ** ((blocks - 1) / 2)
    # END SOLUTION


# %%
scaled_signal, scaled_gradient = walks(branch_scale="1/sqrt(blocks)")
ratio = scaled_gradient[:, 0] / scaled_gradient[:, -2]  # at the inputs of the first and last block
lesson.say(f"""
For {B} blocks your formula says {gradient_ratio(B):.4f}, and we measure {spread(ratio, "{:.4f}")}. For a thousand
blocks it would be {gradient_ratio(1000):.4f}, for a million {gradient_ratio(10**6):.4f}; the limit is
√e = {math.sqrt(math.e):.4f}. The signal grows to {spread(scaled_signal[:, -1], "{:.3f}")}.
""")

# %% [markdown]
# ## Remedy two: begin with nothing
#
# If a small branch is good, why not one that is zero? Put a number $\alpha$ before each branch, $y = x + \alpha F(x)$,
# let it be a weight that is trained like all others, and let it start at $\alpha = 0$. Then every block is exactly
# the identity, forward and backward, whatever the depth. **SkipInit** puts a learnable factor on every residual
# branch, which starts at zero (or at another small number). A month later the same idea appeared as ReZero.
#
# One can doubt that such a thing trains. What is the gradient of a weight *inside* the branch? By the chain rule it
# contains the factor $\alpha$, and that is zero. So in the first step *not one* weight of any branch moves. Let us do
# it by hand with the smallest block there is, $y = x + \alpha w x$, with $x = 1$, $w = 1$, $\alpha = 0$. We want
# $y = 2$, so the loss is $L = \frac{1}{2} (y - 2)^2$, and the learning rate is $0.5$.
#
# 1. Now $y = 1$, so $\partial L / \partial y = y - 2 = -1$. The gradient of $\alpha$ is $-1 \cdot w x = -1$; that of
#    $w$ is $-1 \cdot \alpha x = 0$. After the step $\alpha = 0.5$, and $w = 1$ has not moved.
# 2. Now $y = 1.5$ and $\partial L / \partial y = -0.5$. The gradient of $\alpha$ is $-0.5$, that of $w$ is
#    $-0.5 \cdot 0.5 = -0.25$. After this step $\alpha = 0.75$ and $w = 1.125$: both have moved.
#
# The first step wakes $\alpha$, and once it is not zero the rest wakes up. The point where nothing has a gradient
# would be another one: where $\alpha$ *and* the branch are zero. Keep that in mind for exercise 8.5.

# %%
net = models.mlp_stack(2 * B, 64, "preact", branch_scale="skipinit", seed=0)
logits = net(mr.tensor(digits.x_train[:128].reshape(128, -1)))
mr.functional.cross_entropy(logits, digits.y_train[:128]).backward()
inside = [p for name, p in net.body.named_parameters() if not name.endswith("alpha")]
moving = sum(int(np.count_nonzero(p.grad)) for p in inside)
alphas = sum(bool(block.alpha.grad) for block in net.body)
lesson.reveal("zero", f"{moving} of {sum(p.size for p in inside):,} numbers", value="none of them")
lesson.say(f"""
In the first step {moving} of the {sum(p.size for p in inside):,} weights and biases inside the branches have a
gradient other than zero, and {alphas} of the {B} factors α do.
""")

# %% [markdown]
# There are more ways to begin with nothing. With batch norm at the end of the branch no new number is needed: batch
# norm ends with a multiplication by a weight $\gamma$, which usually starts at 1. **Zero-γ** means that the weight
# $\gamma$ of the last batch norm in each residual branch starts at 0, so that each block starts as the identity. And
# the last weight layer of each branch could simply start at zero.
#
# **Fixup** is an initialisation for residual networks without normalisation, in which the last weight layer of each
# branch and the classifier start at zero, and the other layers of a branch start with smaller weights than He's. (It
# also has a few learnable numbers in the place of what batch norm would add and multiply.) In a network of $B$ blocks
# with $m$ layers each these other weights are multiplied by $B^{-1/(2m-2)}$, a strange exponent whose reason fits in
# three sentences. If those other layers are multiplied by $c$ each, the signal that arrives
# at the last layer is multiplied by $c^{m-1}$, and so is the gradient with which the last layer, zero so far, takes
# its first step; after this step the branch's output is of the order $c^{m-1} \cdot c^{m-1} = c^{2m-2}$. All $B$
# blocks together change the output of the network by about $B \cdot c^{2m-2}$. If that shall not depend on the depth,
# $c$ must be $B^{-1/(2m-2)}$: for the two layers of our blocks it is $1 / \sqrt{B}$ once more.
#
# ## Remedy three: batch norm, which you knew
#
# Where does batch norm help, then? It normalises the *branch*: whatever comes in, each weight layer of the branch gets
# numbers of a fixed size, and so the branch's output has a mean square of about 1. The stream is not normalised. It
# starts with mean square $1$, has $2$ after the first block, $3$ after the second, and $l$ at the input of block $l$.
# So it grows by *addition*, no longer by multiplication. The **relative branch size** of a block is the RMS of what the
# branch adds, divided by the RMS of the stream that it is added to. With batch norm it is $1 / \sqrt{l}$ in block $l$:
# the first block adds something as large as the stream, the ninth a third of it, the hundredth a tenth. Lesson 7 said
# that a residual net starts *near the identity*; this number says how near.
#
# ## Exercise 8.4: find the exponent
#
# Is that what happens? Write a function that finds the exponent of a power law $\text{size} = c \cdot l^p$ from
# measurements: an array of places $l$ and an array of relative branch sizes. (Taking logarithms turns it into a
# straight line; `np.polyfit(u, v, 1)` returns slope and intercept of the best line through points.) Then look at what
# it says about measured ones.


# %% tags=["exercise"]
@lesson.exercise("8.4")
def exponent(places, sizes):
    """Return p of the power law size = c · place^p that fits the arrays best, in logarithms."""
    # BEGIN SOLUTION
    return np.polyfit(np.log(places), np.log(sizes), 1)[0]
    # END SOLUTION


# %%
def relative_sizes(seed, **options):
    """Return RMS(branch) / RMS(stream) for every block of a fresh net."""
    net = models.mlp_stack(2 * B, WIDTH, "preact", seed=seed, **options)
    x = mr.tensor(np.random.default_rng(seed).standard_normal((BATCH, WIDTH)).astype(np.float32))
    found = []
    for block in net.body:
        found.append(rms(block.scaled(block.branch(x)).data) / rms(x.data))
        x = block(x)
    return found


place = np.arange(1, B + 1)
bn_sizes = np.array([relative_sizes(seed, norm="bn") for seed in range(P.seeds)])
he_sizes = np.array([relative_sizes(seed) for seed in range(P.seeds)])
default_sizes = np.array([relative_sizes(seed, init="default") for seed in range(P.seeds)])
exponents = [exponent(place, s) for s in bn_sizes]
lesson.table(
    [
        {
            "block l": i,
            "1/√l": f"{1 / math.sqrt(i):.3f}",
            "batch norm": spread(bn_sizes[:, i - 1], "{:.3f}"),
            "He init alone": spread(he_sizes[:, i - 1], "{:.2f}"),
            "PyTorch's init alone": spread(default_sizes[:, i - 1], "{:.3f}"),
        }
        for i in (1, 2, 4, 9, 16, 25, 49)
        if i <= B
    ]
)
lesson.say(f"""
With batch norm your fit finds the exponent {spread(exponents, "{:.3f}")}, where the argument says -0.5. Without it
and with He initialisation the relative size is about 1 in *every* block, the first as well as the last.
""")

# %% [markdown]
# ## Why you may never have noticed
#
# The table's last column is the initialisation that you get in PyTorch when you say nothing: weights of variance
# $1 / (3n)$ instead of $2/n$. Each layer of the branch then multiplies the mean square by $1/6$ instead of $1$ (lesson
# 2), two layers by $1/36$, and the relative branch size is $1/6$ in every block. The mean square of the stream grows by
# $1 + 1/36$ per block: for fifty blocks by a factor of $3.9$, which is harmless. So somebody who leaves out batch norm
# in PyTorch may find that everything works, as it did for the residual net with PyTorch's default in lesson 2. But the
# growth is still a multiplication, and the trap is only deeper down: after a thousand blocks the factor would be
# $(1 + 1/36)^{1000} = 8 \cdot 10^{11}$.
#
# ## All of them in one picture

# %%
default_signal, _ = walks(init="default")
bn_signal, _ = walks(norm="bn")
zero_signal, _ = walks(branch_scale="skipinit")
explosion = "He init, nothing else"
lesson.curves(
    "stream",
    f"A skip alone lets the signal grow from 1 to {rounded(signal[:, -1].mean())} in {B} blocks; "
    f"a small branch keeps it below {math.ceil(max(bn_signal.max(), default_signal.max()))}",
    np.arange(B + 1),
    {
        explosion: signal,
        "batch norm": bn_signal,
        "PyTorch's init": default_signal,
        "1/√blocks": scaled_signal,
        "α = 0": zero_signal,
    },
    x="block",
    y="RMS of the stream after the block",
    log="y",
    centre="geometric",
    highlight=[explosion],
)
lesson.say(f"""
From left to right we walk along the blocks of fresh networks; upward, on a logarithmic axis, is the size of the
stream. The coloured line is straight, and a straight line on such an axis is a multiplication by the same factor in
every block: it ends at {rounded(signal[:, -1].mean())}. The grey lines stay at the bottom. With batch norm the line
bends, because there each block *adds* the same amount, and ends at {bn_signal[:, -1].mean():.2f} (the root of {B + 1}
is {math.sqrt(B + 1):.2f}); with PyTorch's initialisation it ends at {default_signal[:, -1].mean():.2f}, with 1/√blocks
at {scaled_signal[:, -1].mean():.2f}, and with α = 0 where it began.
""")

# %% [markdown]
# ## Do they train?
#
# The same digits, the same rate for all, a hundred layers. Only the first line lacks a remedy. The error is that of
# the training samples in the last epoch, as they were seen.

# %%
REMEDIES = {
    explosion: {},
    "PyTorch's init": {"init": "default"},
    "batch norm": {"norm": "bn"},
    "batch norm, zero-γ": {"norm": "bn", "branch_scale": "zero-gamma"},
    "1/√blocks": {"branch_scale": "1/sqrt(blocks)"},
    "SkipInit, α = 0": {"branch_scale": "skipinit"},
    "Fixup": {"branch_scale": "fixup"},
}


def errors_at(rate):
    """Return the training errors in %, one per seed, of every remedy; None: diverged."""
    found = {}
    for name, options in REMEDIES.items():
        errors = [train(seed, rate, **options).final_error for seed in range(P.seeds)]
        found[name] = [None if e is None else 100 * e for e in errors]
    return found


errors = errors_at(P.rates[0])
worst = max(max(e) for name, e in errors.items() if name != explosion and None not in e)
lesson.bars(
    "remedies",
    f"{LAYERS} layers without a remedy diverge; with any of six they leave at most {math.ceil(worst)} % error",
    errors,
    x=f"training error after {P.epochs} epochs (%)",
    form="{:.1f} %",
    highlight=[explosion],
    note=f"Learning rate {P.rates[0]:g} for all.",
)
lesson.say(f"""
Each bar is a way to start the branches, its length the part of the training digits that are still wrong after
{P.epochs} epochs; guessing would leave 90 %. The first line has no bar: all {P.seeds} networks diverged. All others
train, and the worst single network has {worst:.1f} % error. Do not read much into the order of the six: one rate for
all suits some better than others.
""")

# %%
for rate in P.rates[1:]:
    others = errors_at(rate)
    lesson.table(
        [
            {
                f"at rate {rate:g}": name,
                "training error %": spread(e, "{:.1f}"),
                "diverged": sum(v is None for v in e),
            }
            for name, e in others.items()
        ]
    )

# %% [markdown]
# (`minires lessons run 8 --full` trains longer, with five seeds, and at ten times the rate as well. There the remedies
# do differ; look which ones stand it.)
#
# ## Exercise 8.5: find the bug
#
# A careful engineer reads all this and wants to be safe twice. She starts every $\alpha$ at zero, *and* the last
# weights of every branch at zero. Her network behaves perfectly at the start: it is the identity. It goes on behaving
# perfectly.

# %%
safe_twice = models.mlp_stack(2 * B, 64, "identity", branch_scale="skipinit", seed=0)
for block in safe_twice.body:
    mr.nn.init.zeros_(block.linear2.weight)
before = {name: p.data.copy() for name, p in safe_twice.body.named_parameters()}
sgd = mr.optim.SGD(safe_twice.parameters(), lr=0.01, momentum=0.9)
for _ in range(20):
    sgd.zero_grad()
    images = mr.tensor(digits.x_train[:128].reshape(128, -1))
    mr.functional.cross_entropy(safe_twice(images), digits.y_train[:128]).backward()
    sgd.step()
moved = max(
    float(np.abs(p.data - before[name]).max()) for name, p in safe_twice.body.named_parameters()
)
lesson.say(f"""
After 20 steps the largest change of any weight in the {B} blocks is {moved:g}. Only the classifier has learned
anything.
""")

# %% [markdown]
# Take the block apart: $y = x + \alpha \cdot v \cdot \max(w x, 0)$, three numbers $\alpha$, $v$ and $w$, and an input
# $x > 0$. Find starting values for which the block is the identity at the start *and* after two steps of gradient
# descent all three numbers have moved. There is more than one answer.


# %% tags=["exercise"]
@lesson.exercise("8.5")
def start():
    """Return (alpha, v, w): the block starts as the identity, and in two steps all three move."""
    # BEGIN SOLUTION
    return 0.0, 1.0, 1.0
    # END SOLUTION


# %% [markdown]
# ## Exercise 8.6: design a rule
#
# Somebody wants blocks that have not one branch but several, $y = x + s F_1(x) + s F_2(x) + \ldots$, all independent of
# each other and each as large as its input. There shall be no normalisation. The mean square of the stream may grow by
# a factor `limit` over the whole network, and not more. How large may $s$ be?


# %% tags=["exercise"]
@lesson.exercise("8.6")
def branch_factor(blocks, branches, limit):
    """Return the largest s for which E[x²] grows by at most `limit` over all blocks."""
    # BEGIN SOLUTION
    return math.sqrt((limit ** (1 / blocks) - 1) / branches)
    # END SOLUTION


# %% [markdown]
# A rule that was derived should be tried. Here is a network of such blocks with three branches, made of parts of
# minires, with your $s$ for a limit of 4.


# %%
class ManyBranches(mr.nn.Module):
    """x + s F₁(x) + s F₂(x) + …, each branch being that of a block of two layers."""

    def __init__(self, branches, s):
        super().__init__()
        self.s = s
        self.blocks = mr.nn.ModuleList(
            models.mlp_stack(2, WIDTH, "preact").body[0] for _ in range(branches)
        )

    def forward(self, x):
        y = x
        for block in self.blocks:
            y = y + self.s * block.branch(x)
        return y


LIMIT, BRANCHES = 4.0, 3
few = 20
designed = []
for seed in range(P.seeds):
    mr.manual_seed(seed)
    s = branch_factor(few, BRANCHES, LIMIT)
    x = mr.tensor(mr.random.generator().standard_normal((BATCH, WIDTH)).astype(np.float32))
    first = rms(x.data)
    for _ in range(few):
        x = ManyBranches(BRANCHES, s)(x)
    designed.append((rms(x.data) / first) ** 2)
lesson.say(f"""
After {few} blocks of {BRANCHES} branches the mean square has grown by {spread(designed, "{:.2f}")}; the limit was
{LIMIT:g}.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
*"With a skip the gradient can no longer explode or vanish."* The gradient at a block's input is $g + J^T g$, and the
second part can be anything. In lesson 7 you made it cancel the first. In the random networks above it does the
opposite: the gradient was {rounded(gradient[:, 0].mean())} times as long at the input, and nothing could be trained.
The 1 guarantees that there is a way along which the gradient passes unchanged; not what the sum is.

*"Skip connections make normalisation unnecessary."* Without anything else
{sum(c.diverged_at is not None for c in unrepaired[0.01])} of {len(unrepaired[0.01])} networks diverged at the rate
0.01. What is unnecessary is normalisation *as such*: 1/√blocks, SkipInit and Fixup have none. What they share with
batch norm is that the branch starts small.

*"A residual branch only makes small corrections."* With batch norm and before any training the branch of the first
block is {bn_sizes[:, 0].mean():.2f} times as large as the stream, that of block {min(B, 49)} still
{bn_sizes[:, min(B, 49) - 1].mean():.2f} times. Batch norm makes most branches small, not all of them.
""")

# %% [markdown]
# ## What the paper found
#
# * De and Smith 2020 (arXiv 2002.10444, abstract) show that batch norm makes the branch smaller, relative to the
#   skip, by a factor of the order of the square root of the depth, and that this is why deep residual networks with
#   batch norm train. Their SkipInit trains networks of a thousand layers without normalisation (§1).
# * Bachlechner et al. 2020 (arXiv 2003.04887) call the factor that starts at zero ReZero, and train fully connected
#   networks of 10,000 layers with it.
# * Zhang et al. 2019 (arXiv 1901.09321, abstract) find training with Fixup as stable as with normalisation, even for
#   networks of 10,000 layers.
# * Zero-γ is credited to Goyal et al. 2017 (arXiv 1706.02677) by torchvision, where its name is
#   `zero_init_residual`.
# * He et al. 2015 (arXiv 1512.03385) use batch norm after every convolution, so the explosion of this lesson does not
#   meet them.
#
# ## Remember
#
# - A sum of two independent things is larger than each: with branches as large as the stream every residual block
#   doubles the mean square forward and the squared gradient backward, and depth turns that into an explosion.
# - Every remedy of this lesson makes the branches small at the start: a factor $1/\sqrt{B}$, a factor or last weights
#   that start at zero, smaller weights, or batch norm, with which the relative branch size falls like $1/\sqrt{l}$.
# - A branch that starts at zero still learns, as long as only *one* factor of it is zero.
#
# ## Read next
#
# * Lesson 9: the skip itself. What happens if something other than $x$ is put on it?
# * De and Smith 2020 (arXiv 2002.10444): short.
# * Zhang et al. 2019 (arXiv 1901.09321), §2 and §3: the argument for Fixup's exponent in full.
