# ---
# title: Is what is missing easier to learn than the picture?
# minutes: 55
# seconds: 40
# needs: lessons 6 and 7
# ---
# %% [markdown]
# # Lesson 13: Is what is missing easier to learn than the picture?
#
# So far our networks looked at a picture and gave a class. In this lesson they give back a picture: one that was too
# small, or noisy, and is to become what it was. **Super-resolution** makes a picture with more pixels out of one with
# fewer. **Denoising** takes the noise away from a picture, so that what was there before it remains.
#
# In both cases the network is given nearly the answer. A picture that was enlarged looks like the sharp one, except
# at its edges. Lesson 7 found that residual blocks help most where the output is close to the input. So let us make
# the *whole network* one residual block, and add its input to what comes out of its last layer:
#
# $$\text{residual:} \quad y = x + F(x), \qquad \text{direct:} \quad y = F(x).$$
#
# A **global skip** leads around a whole network, from its input to its output. The **direct twin** of a network with
# a global skip has the same layers and the same weights at the start, but not the skip. The residual net has to learn
# what is missing in $x$. The direct twin has to carry all of the picture through all of its layers, and to add what is
# missing on the way.
#
# Kim, Lee and Lee trained such twins in 2016 and found that the residual net "converges much faster" (arXiv
# 1511.04587, §4.2). You will repeat that in less than a minute, with a fair chance for the direct net. Then you find
# out how much of it is the skip, what the network has really learned, and what happens with noise.
#
# You should know lesson 6 (a start at the identity) and lesson 7 (the residual function). Plan an hour.
#
# ## How good is a picture?
#
# Take a picture of four grey pixels, where 0 is black and 1 is white: $0.2, 0.4, 0.6, 0.8$. Somebody restores it as
# $0.3, 0.4, 0.5, 0.8$. The differences are $0.1, 0, -0.1, 0$, and the mean squared error is
# $(0.01 + 0 + 0.01 + 0) / 4 = 0.005$. That is small, but small beside what? Beside the largest difference that there
# can be, which is from black to white. The **PSNR** of a picture, short for peak signal-to-noise ratio, is ten times
# the decimal logarithm of the squared difference from black to white, divided by the mean squared error. In our case
#
# $$\mathrm{PSNR} = 10 \, \log_{10} \frac{\mathrm{peak}^2}{\mathrm{MSE}}, \qquad 10 \, \log_{10} \frac{1^2}{0.005} = 23.0.$$
#
# Its unit is the decibel, dB. More is better, and ten decibels more are a tenth of the squared error.
#
# ### Exercise 13.1: decibels by hand
# The peak is 1. What is the PSNR of a picture of which every pixel is wrong by $0.1$? And how many decibels does it
# gain if all errors become half as large? A pocket calculator is enough.

# %%
import itertools
import math

import numpy as np

from minires import functional as F
from minires import models, nn, optim
from minires.experiments import pictures, superres
from minires.lessons import Lesson, spread
from minires.train import train

lesson = Lesson(13)
P = lesson.params(
    depths=(5, 10),
    seeds=2,
    steps=300,
    rates=(0.01, 0.003, 0.001),
    data="leaves",
    train_on=400,
    test_on=24,
    fast={
        "depths": (3, 5),
        "seeds": 1,
        "steps": 50,
        "rates": (0.003,),
        "train_on": 100,
        "test_on": 12,
    },
    full={"depths": (5, 10, 20), "seeds": 3, "steps": 800, "rates": (0.01, 0.003, 0.001, 0.0003)},
    browser={"depths": (3, 6), "steps": 100, "rates": (0.01, 0.003), "test_on": 12},
)
AT = sorted({step for step in (25, 50, 100, 200, 400) if step < P.steps} | {P.steps})
EARLY = AT[min(1, len(AT) - 1)]
STEPS = AT[-2] if len(AT) > 1 else AT[-1]  # of Experiments 2 and 3
SHORT = min(STEPS, 100)  # of Experiment 4
DEEP, WIDTH, BATCH = max(P.depths), 8, 4


# %% tags=["exercise"]
@lesson.exercise("13.1")
def decibels():
    """Return (PSNR if all pixels are wrong by 0.1, what halving all errors adds), in dB."""
    # BEGIN SOLUTION
    return 20.0, 20 * math.log10(2)
    # END SOLUTION


# %% [markdown]
# ### Exercise 13.2: PSNR
# Now write it for arrays. Both pictures have the same shape, and `peak` is the difference from black to white.


# %% tags=["exercise"]
@lesson.exercise("13.2")
def psnr(x, y, peak):
    """Return the PSNR in dB between two pictures of the same shape."""
    # BEGIN SOLUTION
    return 10 * np.log10(peak**2 / np.mean((x - y) ** 2))
    # END SOLUTION


# %%
def quality(x, y):
    """Return the mean PSNR of pictures (N, ...) with values from 0 to 1."""
    return float(np.mean([psnr(one, other, 1.0) for one, other in zip(x, y, strict=True)]))


some = np.random.default_rng(13).random((4, 1, 8, 8))
near = some + 0.05 * np.random.default_rng(14).standard_normal(some.shape)
wrong_peak = float(psnr(near[0], some[0], 255) - psnr(near[0], some[0], 1))
lesson.say(f"""
Yours differs from minires's own PSNR by {abs(quality(near, some) - superres.psnr(near, some)):.1g} dB. One warning:
the peak belongs to the pictures. For bytes it is 255. Who takes 255 for pictures from 0 to 1 gains {wrong_peak:.1f} dB
with a line of code, for every picture, good or bad.
""")

# %% [markdown]
# ## The pictures
#
# We need pictures with edges. So that nothing has to be downloaded, they are made here: random discs of random grey
# that cover each other, like leaves on the ground. This is the *dead-leaves model* of Lee, Mumford and Huang (2001).
# Its edges and sizes are distributed much as in photographs. (With CIFAR-10 on your computer, `data=cifar10` trains on
# photographs.) The network is trained on patches, quarters of pictures with 16 × 16 pixels, and is tested on whole
# pictures of 32 × 32 which it has never seen. That is no difficulty for convolutions, as they do not care how large a picture is.
#
# ### Exercise 13.3: make them smaller
# Each pixel of the small picture is the mean of a square of 2 × 2 pixels of the large one. With a `reshape` that is
# two lines. (Where 2 × 2 pixels become four numbers in a row, something went wrong.)


# %% tags=["exercise"]
@lesson.exercise("13.3")
def smaller(x):
    """Return pictures (N, H, W) at half the height and width, as means of 2 × 2 pixels."""
    # BEGIN SOLUTION
    n, h, w = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2).mean(axis=(2, 4))
    # END SOLUTION


# %% [markdown]
# To enlarge a picture again one could make each pixel a square of 2 × 2 equal ones. Smoother is **bicubic
# interpolation**, in which each new pixel is a weighted mean of the $4 \times 4$ pixels around its place, with weights
# from a cubic polynomial. It works along the rows first, and then along the columns. The new pixels stand a quarter of
# an old pixel to the left and to the right of the centre of an old one. For those on the right, the polynomial gives
# the four old pixels around them the weights $-9, 111, 29, -3$, all divided by 128; for those on the left the same
# ones in reverse. Their sum is 1, so a grey wall stays as grey as it was. The negative ones make edges steeper.
#
# A **baseline** is what is reached without learning, and so what learning has to beat.

# %%
WEIGHTS = np.array([-9, 111, 29, -3], np.float32) / 128


def doubled(x):
    """Return x (..., n) with twice as many values in its last dimension."""
    n, known = x.shape[-1], np.pad(x, [(0, 0)] * (x.ndim - 1) + [(2, 2)], mode="edge")
    left = sum(w * known[..., k : k + n] for k, w in enumerate(WEIGHTS[::-1]))
    right = sum(w * known[..., k : k + n] for k, w in enumerate(WEIGHTS, start=1))
    return np.stack([left, right], axis=-1).reshape(*x.shape[:-1], 2 * n)


def larger(x):
    """Return pictures (N, H, W) at twice the height and width, by bicubic interpolation."""
    return doubled(doubled(x).swapaxes(1, 2)).swapaxes(1, 2)


def blurred(x):
    """Return pictures (N, 1, H, W) made smaller and larger again: what the networks see."""
    return np.ascontiguousarray(larger(smaller(x[:, 0]))[:, None], np.float32)


whole, test, note = pictures.load(P.data, P.train_on, P.test_on)
patches = whole.reshape(-1, 1, 2, 16, 2, 16).transpose(0, 2, 4, 1, 3, 5).reshape(-1, 1, 16, 16)
patches = np.ascontiguousarray(patches)
sharp_or_not = {True: (blurred(patches), patches), False: (blurred(test), test)}  # by "to train?"
bicubic = quality(blurred(test), test)
squares = quality(smaller(test[:, 0]).repeat(2, axis=1).repeat(2, axis=2), test[:, 0])
shifted = quality(np.roll(blurred(test), 1, axis=3), test)
lesson.say(f"""
{note} Enlarged again, the test pictures have {squares:.2f} dB with squares of equal pixels, and {bicubic:.2f} dB with
bicubic interpolation. That is our baseline. A baseline has to be done well. If the enlarged picture is moved by a
single pixel to the right, it has {shifted:.2f} dB, and looks the same to you. A network that only learns to move it
back would then "gain" {bicubic - shifted:.1f} dB.
""")

# %% [markdown]
# ## What is missing
#
# Let $c$ be the original picture, and $x$ the one that was made smaller and larger again.
#
# ### Exercise 13.4: what is there to learn?
# Return what $F$ must give for the output $y$ to equal the original: for the residual net, and for its direct twin.


# %% tags=["exercise"]
@lesson.exercise("13.4")
def target(x, original, residual):
    """Return what F(x) should be, for the residual net (True) or its direct twin (False)."""
    # BEGIN SOLUTION
    return original - x if residual else original
    # END SOLUTION


# %%
x_test = blurred(test)
missing, everything = target(x_test, test, True), target(x_test, test, False)
part = float((missing**2).mean() / everything.var())
slope = np.hypot(*np.gradient(x_test[:, 0], axis=(1, 2)))
steep = slope > np.quantile(slope, 0.8)
at_edges = float((missing[:, 0][steep] ** 2).sum() / (missing**2).sum())
lesson.pictures(
    "missing",
    f"What is missing has {100 * part:.0f} % of the variance of the pictures, and lies at their edges",
    {
        "": {
            "original": (test[0, 0], ""),
            "small, and enlarged": (x_test[0, 0], f"{psnr(x_test[0], test[0], 1.0):.1f} dB"),
            "what is missing": (missing[0, 0], ""),
        }
    },
    signed=["what is missing"],
    note="The first test picture.",
)
lesson.say(f"""
Compare the first two pictures: the second is the blurred one that the network gets. The third is their difference, the
target of the residual net. Where it is grey there is nothing to add. {100 * at_edges:.0f} % of its squares lie in the
fifth of the pixels where the blurred picture is steepest. Its mean over all test pictures is {missing.mean():+.5f},
because bicubic interpolation does not make pictures brighter or darker, and its mean square is {100 * part:.0f} % of
the variance of the pictures. The direct twin has to produce that, *and* the rest.
""")

# %% [markdown]
# ## Predict
#
# The networks are chains of 3 × 3 convolutions with ReLU between them and 8 filters in each. They are trained with
# Adam on the mean squared error, in batches of 4 patches. Ours are small: the paper's have 5 to 20 layers of 64 filters,
# and see more than 600,000 patches (Kim et al. 2016, §4.1 and §5.2).

# %%
lesson.predict(
    "direct",
    f"Bicubic interpolation has {bicubic:.1f} dB. How many dB has the direct net of {DEEP} layers "
    f"after {EARLY} steps of training?",
)
lesson.predict(
    "depth",
    "By how much the residual net is ahead of its twin: with more layers this becomes ...",
    choices=("smaller", "larger", "neither"),
)
lesson.predict(
    "where",
    "A direct net whose weights are chosen such that it returns its input before the first step, "
    "and that has no skip at all: how does it train?",
    choices=("like the direct net", "between the two", "like the residual net"),
)
lesson.predict(
    "noise",
    "Now noise is to be removed. What brings more in this short training, the global skip or batch norm?",
    choices=("the skip", "batch norm", "about equal"),
)

# %% [markdown]
# ## Before the first step
#
# In lesson 8 a block whose last layer starts at zero was the identity at the start. We do the same with the whole
# network: the weights of its last convolution start at zero, in both twins, and all others are drawn by He
# initialisation.
#
# ### Exercise 13.5: the step 0
# What is the PSNR of both twins before any training? You have `psnr`, a blurred picture and its original.


# %% tags=["exercise"]
@lesson.exercise("13.5")
def before_training(x, original):
    """Return (PSNR of the residual net, PSNR of the direct net) if F gives zero everywhere."""
    # BEGIN SOLUTION
    return psnr(x, original, 1.0), psnr(0 * x, original, 1.0)
    # END SOLUTION


# %%
def start_at_zero(net):
    """Set the weights of a net's last convolution to zero, and return the net."""
    nn.init.zeros_([m for m in net.modules() if isinstance(m, nn.Conv2d)][-1].weight)
    return net


def twin(residual, depth, seed, norm="none"):
    """Return the residual net of this depth or its direct twin."""
    return start_at_zero(
        models.vdsr(depth, width=WIDTH, residual=residual, norm=norm, init="he", seed=seed)
    )


by_formula = np.mean([before_training(x, y) for x, y in zip(x_test, test, strict=True)], axis=0)
by_net = [quality(superres.restore(twin(r, DEEP, 0), x_test), test) for r in (True, False)]
lesson.say(f"""
Your two numbers, as means over the test pictures: {by_formula[0]:.2f} and {by_formula[1]:.2f} dB. Real networks:
{by_net[0]:.2f} and {by_net[1]:.2f} dB. The residual net starts *at* the baseline, and can only go up from there if
training is any good. Its twin starts with a black picture.
""")

# %% [markdown]
# ## Experiment 1: the twins
#
# Both twins of a seed start with the same weights and see the same batches in the same order. Whether one of them is
# better may depend on the learning rate, and what is best for one need not be best for the other. So both get the same
# rates with the first seed, and each is shown at its own best one. It is chosen by the PSNR at the end, and the
# other seeds are trained with it.


# %%
def fit(net, rate, seed, pairs=sharp_or_not, at=AT):
    """Train a net; return its PSNR on the test pictures after the steps in at, NaN if it diverged."""
    adam = optim.Adam(net.parameters(), lr=rate)
    batches = itertools.islice(superres.batches(*pairs[True], BATCH, seed), at[-1])
    (x, y), found = pairs[False], {}
    for step in train(net, adam, batches, loss=F.mse_loss):
        if step.index + 1 in at and not step.diverged:
            found[step.index + 1] = superres.psnr(superres.restore(net, x), y)
    return [found.get(step, math.nan) for step in at]


nets = {}  # the nets of the first seed, by the name of their kind


def sweep(name, make, rates=P.rates, **options):
    """Return (curves of the seeds at the best rate, {rate: curve of the first seed})."""
    first, best = {}, rates[0]
    for rate in rates:
        net = make(0)
        first[rate] = fit(net, rate, 0, **options)
        if rate == max(first, key=lambda r: np.nan_to_num(first[r][-1])):
            nets[name], best = net, rate
    others = [fit(make(seed), best, seed, **options) for seed in range(1, P.seeds)]
    return np.array([first[best], *others]), first


KINDS = {"residual": True, "direct": False}
found = {
    (kind, depth): sweep((kind, depth), lambda seed, r=r, d=depth: twin(r, d, seed))
    for depth in P.depths
    for kind, r in KINDS.items()
}
curves = {key: curve for key, (curve, _) in found.items()}
leads = {d: curves["residual", d] - curves["direct", d] for d in P.depths}
gaps = {d: lead.mean(axis=0) for d, lead in leads.items()}
late = {d: float(gaps[d][-1]) for d in P.depths}
change = late[DEEP] - late[min(P.depths)]
wider = int((gaps[DEEP] > gaps[min(P.depths)]).sum())
early = float(curves["direct", DEEP][:, AT.index(EARLY)].mean())
lesson.reveal("direct", f"{early:.1f} dB", value=early)
lesson.reveal(
    "depth",
    ", ".join(f"{late[d]:.1f} dB at the end with {d} layers" for d in P.depths),
    value="larger" if change > 0.1 else "smaller" if change < -0.1 else "neither",
)
lesson.curves(
    "twins",
    f"With {DEEP} layers the skip is {gaps[DEEP][0]:.1f} dB ahead after {AT[0]} steps, "
    f"{late[DEEP]:.1f} dB after {AT[-1]}",
    AT,
    {f"{d} layers": {kind: curves[kind, d] for kind in KINDS} for d in P.depths},
    x="training step",
    y="PSNR of test pictures (dB)",
    log="x",
    highlight=["direct"],
    levels={"bicubic": bicubic},
    note="Each net at the best of the same learning rates.",
)
lesson.table(
    [
        {
            "layers": d,
            **{f"gap after {step}": spread(leads[d][:, i], "{:.2f}") for i, step in enumerate(AT)},
            "best rates, residual and direct": " and ".join(
                f"{max(rates, key=lambda r: np.nan_to_num(rates[r][-1])):g}"
                for rates in (found[kind, d][1] for kind in KINDS)
            ),
        }
        for d in P.depths
    ]
)
lesson.say(f"""
Follow the two lines in a panel from left to right. The residual net begins at the dotted line, the baseline, and
climbs. The direct net begins far below (its black picture is outside of the figure), climbs steeply, and is still
behind at the end. The table has the differences. Read it along a row, and the lead of the residual net shrinks: with
{DEEP} layers from {gaps[DEEP][0]:.1f} dB after {AT[0]} steps to {late[DEEP]:.1f} dB after {AT[-1]}. Read it down a
column: in {wider} of {len(AT)} columns the lead is larger with {DEEP} layers than with {min(P.depths)}.
""")

# %% [markdown]
# That the lead shrinks is no accident. The direct net needs time to learn what the other one has from the beginning, to
# hand the picture on. Once it can, both learn the same thing. So the lead is one of *time*, and should be measured as
# such.
#
# ### Exercise 13.6: how many steps?
# `steps` are the steps at which a net was tested, in ascending order, and `psnrs` what was measured there. Return the
# first of these steps at which the PSNR is at least `wanted`, and 0 if there is none.


# %% tags=["exercise"]
@lesson.exercise("13.6")
def steps_to_reach(steps, psnrs, wanted):
    """Return the first step at which the PSNR is at least `wanted`, or 0."""
    # BEGIN SOLUTION
    return next((s for s, value in zip(steps, psnrs, strict=True) if value >= wanted), 0)
    # END SOLUTION


# %%
reached = []
for d in P.depths:
    mean = {kind: curves[kind, d].mean(axis=0) for kind in KINDS}
    final = float(mean["direct"][-1])
    reached.append(
        {
            "layers": d,
            "direct net at the end (dB)": f"{final:.2f}",
            "steps of the direct net": AT[-1],
            "steps of the residual net": steps_to_reach(AT, mean["residual"], final),
            "steps of the direct net to bicubic": steps_to_reach(AT, mean["direct"], bicubic),
        }
    )
lesson.table(reached)
lesson.say("""
The third and the fourth column say how long it takes to become as good as the direct net is at the end. (The networks
are tested at a few steps only, so these are upper bounds. A 0 means that it never got there.)
""")

# %% [markdown]
# ## What the network has learned
#
# Here are two test pictures, restored by both twins of the first seed. The last two columns are what comes out of the
# last layer of the residual net, $F(x)$, and what it should have been.

# %%
restored = {kind: superres.restore(nets[kind, DEEP], x_test) for kind in KINDS}
added = restored["residual"] - x_test
similar = float(np.corrcoef(added.ravel(), missing.ravel())[0, 1])
removed = 1 - float(((restored["residual"] - test) ** 2).mean() / (missing**2).mean())


def row(i):
    """Return a test picture, and what becomes of it, with its PSNR."""
    shown = {"blurred": x_test, "direct": restored["direct"], "residual": restored["residual"]}
    return {
        "original": (test[i, 0], ""),
        **{name: (x[i, 0], f"{psnr(x[i], test[i], 1.0):.1f} dB") for name, x in shown.items()},
        "F(x)": (added[i, 0], ""),
        "what is missing": (missing[i, 0], ""),
    }


lesson.pictures(
    "restored",
    f"The residual net draws edges: its F(x) has a correlation of {similar:.2f} with what is missing",
    {"picture 1": row(0), "picture 2": row(1)},
    signed=["F(x)", "what is missing"],
    note=f"{DEEP} layers after {P.steps} steps.",
)
lesson.say(f"""
The fifth column is a faint version of the last one: the net has learned to draw a thin light line on one side of an
edge and a dark one on the other, which makes the edge steeper. It is careful. Where it cannot know what is missing, the
smallest squared error is to add nothing. Of the squared error it has removed {100 * removed:.0f} %. The mean of F(x)
is {added.mean():+.4f}, near zero as it should be.
""")

# %% [markdown]
# ### Exercise 13.7: find the bug
# Grey values lie between 0 and 1, but nothing keeps a network's output there. Somebody has therefore limited it, as
# below. `x` is the blurred picture, and `f` what the network gives for it.


# %% tags=["show"]
def restored_with_a_bug(x, f):
    return x + np.clip(f, 0, 1)


# %%
bug = quality(restored_with_a_bug(x_test, added), test)
no_limit = quality(restored["residual"], test)
lesson.say(f"""
The residual net has {no_limit:.2f} dB, and with these lines {bug:.2f} dB; bicubic interpolation had {bicubic:.2f} dB.
""")

# %% [markdown]
# Write it without the bug: the restored picture, with values from 0 to 1.


# %% tags=["exercise"]
@lesson.exercise("13.7")
def limited(x, f):
    """Return the restored picture of a residual net, with values from 0 to 1."""
    # BEGIN SOLUTION
    return np.clip(x + f, 0, 1)
    # END SOLUTION


# %%
lesson.say(f"""
With yours it is {quality(limited(x_test, added), test):.2f} dB.
""")

# %% [markdown]
# ## Experiment 2: is it the skip, or is it the start?
#
# That was the question of lesson 7, and it can be asked here. The direct net lags behind because it first has to learn
# to hand the picture on. What if its weights do that from the beginning? A 3 × 3 filter with a 1 in its middle and
# zeros around it copies a channel. Grey values are not negative, so the ReLU lets them pass. We take the direct net
# from He initialisation and change one thing: in every layer the *first* channel is a copy of the first channel of the
# layer before, and the output is a copy of that. The other seven channels are as they were. No skip, but before the
# first step this net returns its input.
#
# And a third one: a direct net without a global skip, but with residual blocks of two layers inside, as in lesson 7,
# with branches divided by the root of their number (lesson 8). Each gets the same rates as the twins.

# %%


def copying(depth, seed):
    """Return the direct net, started so that its first channel carries the picture through."""
    net = twin(False, depth, seed)
    for conv in (m for m in net.modules() if isinstance(m, nn.Conv2d)):
        weight = conv.weight.data.copy()
        weight[0] = 0
        weight[0, 0, 1, 1] = 1
        conv.weight.update_(weight)
    return net


class DirectWithBlocks(nn.Module):
    """A convolution, residual blocks of two, and a convolution: no skip around all of them."""

    def __init__(self, depth, seed):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.head = nn.Conv2d(1, WIDTH, 3, padding=1)
        self.inner = nn.ModuleList(
            [nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(2 * ((depth - 2) // 2))]
        )
        self.tail = nn.Conv2d(WIDTH, 1, 3, padding=1)
        for conv in (self.head, *self.inner, self.tail):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu", rng=rng)
            nn.init.zeros_(conv.bias)

    def forward(self, x):
        h = self.head(x)
        for first, second in zip(self.inner[::2], self.inner[1::2], strict=True):
            h = h + second(F.relu(first(F.relu(h)))) / (len(self.inner) / 2) ** 0.5
        return self.tail(F.relu(h))


after = AT.index(STEPS)
places = {
    "direct": curves["direct", DEEP][:, after],
    "direct, skips in blocks": sweep(
        "blocks", lambda seed: start_at_zero(DirectWithBlocks(DEEP, seed)), at=[STEPS]
    )[0][:, -1],
    "direct, starts as a copy": sweep("copy", lambda seed: copying(DEEP, seed), at=[STEPS])[0][
        :, -1
    ],
    "residual": curves["residual", DEEP][:, after],
}
above = {name: values - bicubic for name, values in places.items()}
ahead = {name: float(np.mean(found)) for name, found in above.items()}
covered = (ahead["direct, starts as a copy"] - ahead["direct"]) / (
    ahead["residual"] - ahead["direct"]
)
lesson.reveal(
    "where",
    f"{ahead['direct, starts as a copy'] + bicubic:.2f} dB; direct {ahead['direct'] + bicubic:.2f}, "
    f"residual {ahead['residual'] + bicubic:.2f}",
    value="like the residual net"
    if covered > 0.75
    else "between the two"
    if covered > 0.25
    else "like the direct net",
)
lesson.bars(
    "where",
    f"Started as a copy, a net without any skip gains {ahead['direct, starts as a copy']:+.1f} dB; "
    f"the residual net {ahead['residual']:+.1f} dB",
    {name: list(found) for name, found in above.items()},
    x=f"PSNR after {STEPS} steps, above bicubic (dB)",
    form="{:+.2f} dB",
    highlight=["direct, starts as a copy"],
    note=f"{DEEP} layers, best rate for each.",
)
lesson.say(f"""
Zero is bicubic interpolation. The top bar is the direct net, the bottom one the residual net, and the bar above the
bottom has no skip at all: it differs from the top one only in the weights with which it began. It is at
{ahead["direct, starts as a copy"]:+.2f} dB, where the direct net has {ahead["direct"]:+.2f} and the residual net
{ahead["residual"]:+.2f}. So it is the start again. As in lesson 7, the skip is the simplest way to such a start, and
one that needs no special weights. Skips inside of the blocks alone give {ahead["direct, skips in blocks"]:+.2f} dB.
They help too, although this net begins with a black picture like the direct one, and has to learn to copy.
""")

# %% [markdown]
# ## Experiment 3: noise
#
# Zhang et al. 2017 (arXiv 1608.03981) took the same kind of network for denoising, with batch norm in all layers but
# the first and the last. To each pixel we add a Gaussian random number with the standard deviation $\sigma = 25 / 255$.
# The baseline is to do nothing, and its PSNR needs no measurement: the mean squared error is $\sigma^2$. What is
# missing is now minus the noise, which has nothing to do with the picture. To predict it, the layers of the residual
# net have to *remove* the picture.

# %%
SIGMA = 25 / 255
rng = np.random.default_rng(13)
noisy_or_not = {
    to_train: ((x + SIGMA * rng.standard_normal(x.shape)).astype(np.float32), x)
    for to_train, x in ((True, patches), (False, test))
}
noisy = quality(noisy_or_not[False][0], test)
in_theory = 20 * math.log10(255 / 25)
FOUR = {
    f"{kind} net{' with batch norm' if norm == 'bn' else ''}": (r, norm)
    for norm in ("none", "bn")
    for kind, r in KINDS.items()
}
to_denoise = {"rates": P.rates[-2:], "pairs": noisy_or_not, "at": [STEPS]}
denoised = {
    name: sweep(
        (name, "noise"), lambda seed, r=r, norm=norm: twin(r, DEEP, seed, norm), **to_denoise
    )
    for name, (r, norm) in FOUR.items()
}
better = {name: curve[:, -1] - noisy for name, (curve, _) in denoised.items()}
means = {name: float(np.mean(values)) for name, values in better.items()}
best = max(means, key=means.get)
gain = {
    "none": means["residual net"] - means["direct net"],
    "bn": means["residual net with batch norm"] - means["direct net with batch norm"],
}
by_norm = [means[f"{kind} net with batch norm"] - means[f"{kind} net"] for kind in KINDS]
more = float(np.mean(list(gain.values())) - np.mean(by_norm))
lesson.reveal(
    "noise",
    f"the skip {gain['none']:+.1f} and {gain['bn']:+.1f} dB, batch norm {by_norm[0]:+.1f} and {by_norm[1]:+.1f} dB",
    value="the skip" if more > 0.3 else "batch norm" if more < -0.3 else "about equal",
)
lesson.bars(
    "noise",
    f"Against noise the skip brings {gain['none']:+.1f} dB, with batch norm {gain['bn']:+.1f} dB",
    {name: list(values) for name, values in better.items()},
    x=f"PSNR after {STEPS} steps, above the noisy pictures (dB)",
    form="{:+.2f} dB",
    note=f"{DEEP} layers, noise of 25 / 255, best rate for each.",
)
lesson.say(f"""
The noisy pictures have {noisy:.2f} dB; theory says 20 log (255 / 25) = {in_theory:.2f}. The skip helps without batch
norm ({gain["none"]:+.2f} dB) and with it ({gain["bn"]:+.2f} dB). The best of the four is the {best}, with
{means[best]:+.2f} dB; the next is {means[best] - sorted(means.values())[-2]:.2f} dB behind.
""")

# %% [markdown]
# According to Zhang et al. residual learning and batch norm together "speed up the training process as well as boost
# the denoising performance" (abstract). Does batch norm do so here? `minires reproduce denoise` has asked that before,
# with somewhat larger nets, and its verdict is "differs": the residual net *without* batch norm was best, by two
# decibels. There the weights began as PyTorch draws them, the last layer did not begin at zero, and all nets had
# the same rate. So let us look at the residual net with that start as well, and at each rate by itself.

# %%
as_pytorch = {
    norm: sweep(
        (norm, "default"),
        lambda seed, norm=norm: models.vdsr(
            DEEP, width=WIDTH, norm=norm, init="default", seed=seed
        ),
        **to_denoise,
    )
    for norm in ("none", "bn")
}
starts = {
    "He, last layer zero": {
        "none": denoised["residual net"],
        "bn": denoised["residual net with batch norm"],
    },
    "PyTorch's default": as_pytorch,
}
lesson.table(
    [
        {
            "start of the residual net": start,
            "rate": f"{rate:g}",
            "no norm": f"{found['none'][1][rate][-1] - noisy:+.2f} dB",
            "batch norm": f"{found['bn'][1][rate][-1] - noisy:+.2f} dB",
        }
        for start, found in starts.items()
        for rate in P.rates[-2:]
    ]
)
of_norm = {
    start: [float(b - a) for a, b in zip(*(f[n][0][:, -1] for n in ("none", "bn")), strict=True)]
    for start, f in starts.items()
}
moved = float(np.mean(of_norm["He, last layer zero"]) - np.mean(of_norm["PyTorch's default"]))


def of_seeds(start):
    """Return what batch norm changes, for each seed."""
    return " and ".join(f"{change:+.2f}" for change in of_norm[start])


lesson.say(f"""
(The table has the first seed, above the noisy pictures.) At its best rates, batch norm changes the residual net by
{of_seeds("He, last layer zero")} dB with the start of this lesson, and by {
    of_seeds("PyTorch's default")
} dB with the
other one. {
    "So whether batch norm helps in so short a training is decided by the start and by the rate, and two experiments can "
    "both be right with opposite verdicts."
    if max(of_norm["PyTorch's default"]) < 0 < min(of_norm["He, last layer zero"])
    else "The seeds do not all agree in sign: for a verdict on batch norm they are too few. But the start alone moves it "
    f"by {moved:.1f} dB."
} What it
does in a long training of a large net, which is what the paper is about, neither experiment has tested.
""")

# %% [markdown]
# ## Experiment 4: large steps, made safe
#
# Kim et al. trained with SGD at the rate 0.1, ten thousand times that of the networks before them. For that they limit
# the gradients, but not to a fixed size. With a fixed limit, a large rate would need a small limit, and
# then, when the rate is lowered in the course of the training, the steps become tiny. **Adjustable clipping** limits
# each entry of the gradient to $\pm \theta / \gamma$, where $\gamma$ is the learning rate of the moment. (It is another
# kind than the one in lesson 5, which limits the norm of all gradients together.) The loss is as in the paper too: half
# the *sum* of the squared errors of a patch, which makes the gradients a hundred times larger than those of the mean.
#
# ### Exercise 13.8: adjustable clipping
# Write it, for an array of gradients. Then look at what SGD subtracts from the weights, rate times gradient. How large
# can that be?


# %% tags=["exercise"]
@lesson.exercise("13.8")
def clipped(gradient, rate, theta):
    """Return (the clipped gradient, the largest step that SGD can take with it at this rate)."""
    # BEGIN SOLUTION
    return np.clip(gradient, -theta / rate, theta / rate), theta
    # END SOLUTION


# %%
THETA = 1e-3


def with_sgd(rate, theta, seed):
    """Train a residual net as the paper does; return its PSNR, or in words how it failed."""
    net = twin(True, DEEP, seed)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    limit = None if theta is None else superres.AdjustableClipping(sgd, theta)
    batches = itertools.islice(superres.batches(*sharp_or_not[True], BATCH, seed), SHORT)
    for step in train(net, sgd, batches, loss=half_sum, watch=lambda _: limit):
        if step.diverged:
            return f"diverged at step {step.index + 1}"
    value = quality(superres.restore(net, x_test), test)
    return value if value > by_formula[1] else "worse than black"


def half_sum(y, original):
    """Return half the sum of the squared errors of a patch, averaged over the batch."""
    return F.mse_loss(y, original) * (original[0].size / 2)


def worded(values):
    """Return the spread of the PSNRs, or what happened to those that have none."""
    numbers = [v for v in values if not isinstance(v, str)]
    lost = [v for v in values if isinstance(v, str)]
    return "; ".join(([spread(numbers, "{:.2f}")] if numbers else []) + lost)


large = {
    (rate, theta): [with_sgd(rate, theta, seed) for seed in range(P.seeds)]
    for rate in (0.1, 0.01)
    for theta in (None, THETA)
}
lesson.table(
    [
        {
            "rate of SGD": f"{rate:g}",
            "theta": "no limit" if theta is None else f"{theta:g}",
            f"PSNR after {SHORT} steps (dB)": worded(values),
        }
        for (rate, theta), values in large.items()
    ]
)
by_adam = curves["residual", DEEP][:, np.searchsorted(AT, SHORT)]
free = [v for rate in (0.1, 0.01) for v in large[rate, None]]
lost = sum(isinstance(v, str) for v in free)
survived = [v - bicubic for v in free if not isinstance(v, str)]
lesson.say(f"""
Without the limit {lost} of {len(free)} runs fail{
    ""
    if not survived
    else f", and what survives has gained {max(survived):.2f} dB over bicubic interpolation"
}. With it the rate 0.1 gives
{worded(large[0.1, THETA])} dB, where Adam had {
    spread(by_adam, "{:.2f}")
} dB after as many steps. Your second number
says why it is safe: whatever the gradient is, no weight moves by more than theta in a step. (With momentum, many steps
in the same direction add up to ten times that.)
""")

# %% [markdown]
# ## What people get wrong

# %%
end = AT[-1]
by_rate = {
    rate: found["residual", DEEP][1][rate][-1] - found["direct", DEEP][1][rate][-1]
    for rate in P.rates
}
lesson.say(f"""
- *"Residual learning gives better pictures."* What it gives here is time. With {DEEP} layers the lead falls from
  {gaps[DEEP][0]:.1f} dB after {AT[0]} steps to {late[DEEP]:.1f} dB after {end}, and nothing says that it stops there.
- *"The difference is so and so many dB."* It depends on the learning rate. With {DEEP} layers and the first seed it is
  {", ".join(f"{g:+.1f} dB at {rate:g}" for rate, g in by_rate.items())}; each at its own best rate,
  {max(r[-1] for r in found["residual", DEEP][1].values()) - max(r[-1] for r in found["direct", DEEP][1].values()):+.1f}.
- *"The skip is what helps."* The direct net that starts as a copy has no skip, and gains
  {ahead["direct, starts as a copy"]:+.2f} dB over bicubic, where the residual net gains {ahead["residual"]:+.2f}.
- *"So and so many dB more than interpolation."* Than which one? Bicubic has {bicubic:.2f} dB here, equal squares
  {squares:.2f}, and bicubic that is off by one pixel {shifted:.2f}.
- *"The output has to be limited to what is possible."* The picture has, F(x) has not: limited before the addition it
  costs {no_limit - bug:.2f} dB.
""")

# %% [markdown]
# ## What the paper found
#
# * Kim, Lee and Lee 2016 (arXiv 1511.04587, §4.2) compare the twins with 10 layers: after 10 epochs at the rate 0.1 the
#   residual net has 36.90 dB and the direct one 27.42 dB, on photographs enlarged by 2. With the rate 0.001 the residual
#   net has 36.52 dB after 80 epochs. They add that the residual net is better at the end of the
#   training as well. Their dB and ours are of other pictures, and cannot be compared; the order can.
# * The same paper (§3.2): gradients limited to $\pm \theta / \gamma$, and a rate of 0.1 with 20 layers (§5.2).
# * Zhang et al. 2017 (arXiv 1608.03981): residual learning and batch norm for denoising, with the result of Experiment 3 above.
#
# ## Remember
# - If the answer is nearly the input, let the network learn the difference: with a global skip and a last layer that
#   starts at zero it begins at the baseline, where its direct twin begins with a black picture.
# - What is missing is not easier to learn as such: the direct net loses time with handing the picture on, the more the
#   deeper it is, and a start at the identity saves it that time without any skip.
# - A baseline, a peak and a learning rate that are badly chosen make any method look good: give both twins their best.
#
# ## Read next
# Kim, Lee and Lee 2016, §3 and §4: five pages, with the figures to compare yours with. For a net that has both kinds of
# skips, in its blocks and around all of them, see `models.edsr` (Lim et al. 2017, arXiv 1707.02921).
