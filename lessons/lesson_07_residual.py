# ---
# title: F(x) = H(x) − x: why does +x help?
# minutes: 60
# seconds: 40
# needs: lessons 4, 5 and 6
# ---
# %% [markdown]
# # Lesson 7: F(x) = H(x) − x: why does `+x` help?
#
# Lesson 6 ended with a fact and a wish. The fact: deep plain ReLU nets train if their layers *start near the identity*,
# and the same nets fail from He init. The wish: a net in which that is not a special choice of weights, but what every
# small weight means. The residual network is that wish, written as one line of code:
#
# $$y = \mathrm{relu}(x + F(x)) \quad \text{instead of} \quad y = \mathrm{relu}(F(x)).$$
#
# You have probably read why this helps: "the gradient can flow through the skip". That is not wrong, but it is not
# yet an answer. In this lesson you follow the gradient through both ways by hand, measure how much of it takes which
# way, and see what the sum does *not* guarantee. Then comes a test: if a start near the
# identity is the point, does a net *without* any skip train as well when its weights start at the identity?
#
# You should know the residual add (lesson 0), batch norm (lesson 4), and what lesson 6 found. Plan an hour.

# %%
import numpy as np

from minires import Tensor, data, gradflow, models, nn, optim, tensor
from minires import functional as F
from minires.lessons import Lesson, spread
from minires.train import train

lesson = Lesson(7)
P = lesson.params(
    depths=(54,),
    seeds=3,
    epochs=10,
    rates=(0.03, 0.01, 0.003),
    steps=250,
    twins=18,
    fast={
        "depths": (6, 30),
        "seeds": 1,
        "epochs": 3,
        "rates": (0.01,),
        "steps": 60,
        "twins": 6,
    },
    browser={"seeds": 2, "epochs": 3, "rates": (0.01, 0.003), "steps": 120},
    full={
        "depths": (18, 54, 108),
        "seeds": 5,
        "epochs": 20,
        "rates": (0.1, 0.03, 0.01, 0.003, 0.001),
    },
)
DEPTH = 54 if 54 in P.depths else max(P.depths)  # where the claims are made
BLOCKS, WIDTH = DEPTH // 2, 64

# %% [markdown]
# ## Move the target
#
# Let two layers of a deep net have the job of computing some function $H(x)$ of their input. In a plain net they
# compute $H$ themselves. In a residual block they compute only what is missing. The **residual function** of a block
# is the difference $F(x) = H(x) - x$ between what the block is to compute and what it was given.
#
# For most jobs that changes nothing: whoever can compute $H$ can compute $H - x$. But look at the job "do nothing",
# $H(x) = x$. The plain layers have to become the identity, of which lesson 6 showed how hard it is. The layers of
# the residual block have to become *zero*. And zero is the easiest thing for a layer to be, since small weights are
# enough. He et al. 2015 (arXiv 1512.03385, §3.1) say it so: "if identity mappings are optimal, the solvers may simply
# drive the weights of the multiple nonlinear layers toward zero".
#
# ### Exercise 7.1: what does it cost?
# A net of width `width` has residual blocks in place of plain pairs of layers. How many more parameters has it got,
# and how many more additions does its forward pass take for a batch?


# %% tags=["exercise"]
@lesson.exercise("7.1")
def cost_of_skips(width, blocks, batch):
    """Return (extra parameters, extra additions) of adding x in every block."""
    # BEGIN SOLUTION
    return 0, width * blocks * batch
    # END SOLUTION


# %%
sizes = {
    skip: sum(p.size for p in models.mlp_stack(DEPTH, WIDTH, skip=skip, norm="bn").parameters())
    for skip in ("none", "identity")
}
lesson.say(f"""
minires agrees, as it did in lesson 5. With {DEPTH} layers and batch norm, the plain net has {sizes["none"]} parameters
and its residual twin has {sizes["identity"]} of them. Whatever the skip does, it is not capacity.
""")

# %% [markdown]
# ### Which jobs become easier?
#
# If the reason is that the target moves, then the skip should help most where the target is close to the input, and
# less where it is far away. That can be tested, with the data and the normalised error of lesson 6. Eight layers learn
# to return a mixture of their input and of the input with its 32 numbers shuffled,
# $(1 - t)\,x + t\,\mathrm{shuffle}(x)$. With $t = 0$ the job is "do nothing", and with $t = 1$ hardly a number stays in
# its place. In the residual net, each of the four blocks computes $x + F(x) / \sqrt{4}$; why the branch is divided is
# lesson 8. Each net gets the better of two rates, found with the first seed. An error of 1 is what the mean reaches.

# %%
FEATURES, LAYERS = 32, 8


def learn_mixture(t, skip, rate, seed):
    """Return the normalised error, over the last steps, of eight layers that learn the mixture."""
    rng = np.random.default_rng(seed)
    layers = [nn.Linear(FEATURES, FEATURES) for _ in range(LAYERS)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", rng=rng)
        nn.init.zeros_(layer.bias)
    order = rng.permutation(FEATURES)
    adam = optim.Adam([p for layer in layers for p in layer.parameters()], lr=rate)
    errors = []
    for _ in range(P.steps):
        x = np.abs(rng.standard_normal((128, FEATURES), dtype=np.float32))
        target, y = (1 - t) * x + t * x[:, order], Tensor(x)
        for first, second in zip(layers[::2], layers[1::2], strict=True):
            f = second(F.relu(first(y)))
            y = y + f / (LAYERS // 2) ** 0.5 if skip else f
            if second is not layers[-1]:
                y = F.relu(y)
        adam.zero_grad()
        loss = ((y - Tensor(target)) ** 2).mean()
        loss.backward()
        adam.step()
        errors.append(float(loss.item()) / float(target.var()))
    return float(np.mean(errors[-20:]))


mixtures = {}
for t in (0.0, 0.5, 1.0):
    for kind, skip in (("plain", False), ("residual", True)):
        first = {rate: learn_mixture(t, skip, rate, 0) for rate in (0.01, 0.003)}
        best = min(first, key=first.get)
        others = [learn_mixture(t, skip, best, seed) for seed in range(1, P.seeds)]
        mixtures[kind, t] = [first[best], *others]
lesson.table(
    [
        {"t": t, **{k: spread(mixtures[k, t], "{:.3f}") for k in ("plain", "residual")}}
        for t in (0.0, 0.5, 1.0)
    ]
)
same, half, far = (float(np.mean(mixtures["residual", t])) for t in (0.0, 0.5, 1.0))
lesson.say(f"""
The table shows normalised errors. For the plain layers the three jobs are about equally hard. For the residual ones
"do nothing" is solved ({same:.3f}), the half-way job nearly ({half:.3f}), and the shuffle is hard ({far:.2f}). The skip
gives most where the target is close to the input, as expected. But it still helps in the last row, where the target is
far away. So moving the target is not all that it does, and the next pages look at the gradients.
""")

# %% [markdown]
# ## The gradient of a block, by hand
#
# Take the smallest block there is, with one unit in each layer:
# $z = w_1 x$, $a = \mathrm{relu}(z)$, $F = w_2 a$, $s = x + F$, $y = \mathrm{relu}(s)$. Let $x = 2$, $w_1 = 0.5$ and
# $w_2 = -0.5$. Forward this gives $z = 1$, $a = 1$, $F = -0.5$, $s = 1.5$, $y = 1.5$.
#
# Backward, let the upstream gradient be $\partial L/\partial y = 4$. The last ReLU had a positive input, so
# $\partial L/\partial s = 4$. From $s$ the gradient takes two ways to $x$. The skip hands it on unchanged: $4$. The
# branch multiplies it by $w_2$, by the slope 1 of the inner ReLU, and by $w_1$:
# $4 \cdot (-0.5) \cdot 1 \cdot 0.5 = -1$. Since $x$ was used twice, the two parts add up,
# $\partial L/\partial x = 4 - 1 = 3$.
#
# Both parts have names that we need again and again. The **skip part** of a block's gradient is what arrives at the
# block's input along the skip. The **branch part** of a block's gradient is what arrives at the block's input through
# the layers of the branch. With $J$ for the Jacobian of the branch, they are the two terms of
#
# $$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial s} + J^\top \frac{\partial L}{\partial s}.$$
#
# ### Exercise 7.2: another block
# Now $x = 3$, $w_1 = 4$, $w_2 = 0.75$ and $\partial L/\partial y = 2$.


# %% tags=["exercise"]
@lesson.exercise("7.2")
def parts_by_hand():
    """Return (skip part, branch part, dL/dx) as three numbers."""
    # BEGIN SOLUTION
    return 2.0, 6.0, 8.0
    # END SOLUTION


# %% [markdown]
# ### Exercise 7.3: two ways, one sum
# From here on $x$ is an array, a row for each sample. `branch_backward(d)` is the backward pass of the branch: it
# takes the gradient by the branch's output and returns the one by the branch's input. Return the gradient by $x$.


# %% tags=["exercise"]
@lesson.exercise("7.3")
def sum_of_paths(ds, branch_backward):
    """Return dL/dx of s = x + F(x), from ds = dL/ds."""
    # BEGIN SOLUTION
    return ds + branch_backward(ds)
    # END SOLUTION


# %% [markdown]
# ### Exercise 7.4: the whole block
# In the net of 2015 a ReLU follows the addition, $y = \mathrm{relu}(x + F(x))$. It stands behind the place where the
# two ways meet. Which of them does it block where its input was negative? Write the
# backward pass of the whole block.


# %% tags=["exercise"]
@lesson.exercise("7.4")
def block_backward(dy, x, f, branch_backward):
    """Return dL/dx of y = relu(x + f), where f = F(x) was kept from the forward pass."""
    # BEGIN SOLUTION
    ds = dy * (x + f > 0)
    return sum_of_paths(ds, branch_backward)
    # END SOLUTION


# %%
rng = np.random.default_rng(7)
w1, w2 = 0.5 * rng.standard_normal((2, 5, 5))
x, dy = rng.standard_normal((2, 8, 5))
hidden = np.maximum(x @ w1.T, 0)
ours = block_backward(dy, x, hidden @ w2.T, lambda d: ((d @ w2) * (hidden > 0)) @ w1)
leaf = tensor(x, requires_grad=True)
F.relu(leaf + F.relu(leaf @ tensor(w1.T)) @ tensor(w2.T)).backward(dy)
difference = float(np.abs(ours - leaf.grad).max())
lesson.say(f"""
Your backward pass and the one that minires derives from the recorded graph differ by {difference:g} at most, on a
block of five units and eight samples in float64.
""")

# %% [markdown]
# ## Predict
# Now put many such blocks on top of each other: the residual net of lesson 5, with batch norm, before any training.

# %%
lesson.predict(
    "part",
    "In a block in the middle of the net, which part of the gradient is larger?",
    choices=("the skip part", "the branch part", "both are about equal"),
)

# %% [markdown]
# ## Experiment 1: which way does the gradient take?
#
# `minires gradflow` records both parts for every block, and `gradflow.run` returns the records. We take
# them before training and after a hundred steps.
#
# How should one say which part is larger? If the two parts are at right angles, the squared norm of their sum is the
# sum of their squared norms, and each part has its share. (Their cosine is recorded too, so that this can be checked.)
# The **gradient share** of a branch is the squared norm of the branch part, divided by the sum of the squared norms of
# both parts: it is 0 if everything takes the skip, and 1 if everything takes the branch.
#
# There is a theory for it. Batch norm makes the branch's output equally large in every block, with variance 1. What
# comes in, the sum of all that was added before, becomes larger from block to block. The first batch norm of the
# branch divides by the size of its input, and so the backward pass divides by it too. With lesson 4's factor
# $\pi/(\pi - 1)$ for the rest of the branch, the squared branch part is
#
# $$\lVert \text{branch part} \rVert^2 = \frac{\pi}{\pi - 1} \cdot \frac{1}{v} \, \lVert \text{skip part} \rVert^2,$$
#
# where $v$ is the variance of the block's input over the batch. We find $v$ without building a net: start from the
# digits and, again and again, add standard Gaussian noise and apply the ReLU.

# %%
STEP = 20 if lesson.fast else 100
runs = gradflow.run(
    "mlp", [DEPTH], ["identity"], ["bn"], width=WIDTH, seeds=P.seeds, steps=(0, STEP), lr=0.01
)


def of_blocks(step, quantity):
    """Return quantity(block) for all blocks, with shape (seeds, blocks)."""
    return np.array([[quantity(b) for b in run.blocks] for run in runs if run.step == step])


def gradient_share(block):
    return block.branch_norm**2 / (block.branch_norm**2 + block.skip_norm**2)


def shares_in_theory():
    """Return the gradient share of every branch from the variance of a simulated stream."""
    digits, rng, found = data.load_digits(), np.random.default_rng(0), []
    x = digits.x_train.reshape(len(digits.x_train), -1)
    for _ in range(BLOCKS):
        ratio = np.pi / (np.pi - 1) / x.var(axis=0).mean()
        found.append(ratio / (1 + ratio))
        x = np.maximum(x + rng.standard_normal(x.shape), 0)
    return np.array(found)


shares = {step: of_blocks(step, gradient_share) for step in (0, STEP)}
theory = shares_in_theory()
middle = float(shares[0][:, BLOCKS // 2].mean())
cosines = of_blocks(0, lambda block: block.cosine or 0.0)
lesson.reveal(
    "part",
    f"the branch has {100 * middle:.0f} % of the squared gradient there, theory {100 * theory[BLOCKS // 2]:.0f} %",
    value="the skip part"
    if middle < 0.4
    else "the branch part"
    if middle > 0.6
    else "both are about equal",
)
gap = 100 * float(np.abs(shares[0].mean(axis=0) - theory).max())
first_ratio = theory[0] / (1 - theory[0])
above = int((shares[0].mean(axis=0) < 0.5).sum())
shrunk = int((shares[STEP].mean(axis=0) < shares[0].mean(axis=0)).sum())
untrained = "before training"
lesson.curves(
    "skip_and_branch",
    f"In {above} of {BLOCKS} blocks most of the gradient takes the skip, and theory knows how much",
    np.arange(1, BLOCKS + 1),
    {
        untrained: 100 * shares[0],
        f"after {STEP} steps": 100 * shares[STEP],
        "theory, before training": 100 * theory[None].repeat(P.seeds, axis=0),
    },
    x="block (1 is nearest the input)",
    y="gradient share of the branch (%)",
    highlight=[untrained],
    levels={"half": 50},
)
lesson.say(f"""
The horizontal axis counts the blocks from the input upwards, the vertical one is the share of the squared gradient that
arrives through the branch. Look at the left end first: in the first block the branch carries
{100 * shares[0][:, 0].mean():.0f} %, more than the skip. Then follow the coloured line to the right: in the last block
it is {100 * shares[0][:, -1].mean():.0f} %. In {shrunk} of the {BLOCKS} blocks training makes the branch's share
smaller still.

The line from theory is nowhere more than {gap:.0f} points away. For the first block you can check it: the digits have
v = {np.pi / (np.pi - 1) / first_ratio:.2f}, the two squared parts have the ratio {np.pi / (np.pi - 1):.2f} / v =
{first_ratio:.2f}, and the share is {first_ratio:.2f} / {1 + first_ratio:.2f} = {100 * theory[0]:.0f} %. The cosines of
the two parts, averaged over the seeds, lie between {cosines.mean(axis=0).min():+.2f} and
{cosines.mean(axis=0).max():+.2f}, so adding squares was allowed.
""")

# %% [markdown]
# ## The gradient as a sum over paths
#
# Two blocks of one unit, without the ReLU behind the addition, have the derivative $(1 + j_1)(1 + j_2)$, where $j_1$
# and $j_2$ are the derivatives of their branches. Multiply it out:
#
# $$(1 + j_1)(1 + j_2) = 1 + j_1 + j_2 + j_1 j_2.$$
#
# Each term is one way through the two blocks, a *path*, as you counted them in lesson 0. The **length of a path** is
# the number of branches that it passes: there is one path of length 0, there are two of length 1, and one of length 2.
# With $n$ blocks there are $2^n$ paths, and $n! / (k!\,(n-k)!)$ of them have length $k$, so if you draw a path by
# tossing a coin at every block, its length is $n/2$ on average.
#
# But the gradient does not toss coins. A block sends only the gradient share of its branch that way. If the pieces
# that arrive along different paths are at right angles, as the two parts of one block are, then the average length of
# the paths, each weighted with the squared gradient it carries, is the sum of all gradient shares.

# %%
mean_length = {step: shares[step].sum(axis=1) for step in shares}
lesson.say(f"""
Among the 2^{BLOCKS} = {2**BLOCKS:,} paths the average length is {BLOCKS / 2:g}. Weighted with the gradient it is
{spread(mean_length[0], "{:.1f}")} before training, {theory.sum():.1f} in theory, and
{spread(mean_length[STEP], "{:.1f}")} after {STEP} steps. On its way through the {DEPTH} layers the gradient then passes
about {2 * mean_length[STEP].mean():.0f} of them, on average.
""")

# %% [markdown]
# Veit et al. 2016 (arXiv 1605.06431) measured this on a trained residual net with 54 blocks, by sending gradients
# through paths of one length only: the paths that carry nearly all of it pass 5 to 17 blocks, and make up 0.45 % of all
# paths. So one thing that `+x` does is to make a deep net *shallow for its gradient*, without making it shallow.
#
# ## What the 1 does not guarantee
#
# It is tempting to read the formula as a promise. "The bias towards the identity matrix guarantees a stable gradient
# propagation", says a good tutorial on residual nets (Lippe, UvA Deep Learning Tutorials, Tutorial 5). What does the
# sum really promise? Does it, for example, keep the gradient from becoming smaller than what comes in, since a 1 is
# added?
#
# ### Exercise 7.5: find the hole in the proof
# The block is $y = \mathrm{relu}(x + w_2\, \mathrm{relu}(w_1 x) + b)$, with one unit, at $x = 1$. Choose $w_1$, $w_2$
# and $b$ such that both ReLUs are open, so nothing is blocked, the branch part is not 0, and $\partial y/\partial x$
# is exactly 0 all the same.


# %% tags=["exercise"]
@lesson.exercise("7.5")
def counterexample():
    """Return (w1, w2, b) of a block whose gradient is 0 at x = 1, with both ReLUs open."""
    # BEGIN SOLUTION
    return 1.0, -1.0, 1.0
    # END SOLUTION


# %%
smaller = of_blocks(STEP, lambda block: float(block.dx_norm < block.skip_norm)).sum()
gates = [
    np.prod(
        [
            below.skip_norm / above.dx_norm
            for below, above in zip(run.blocks, run.blocks[1:], strict=False)
        ]
    )
    for run in runs
    if run.step == 0
]
lesson.say(f"""
So the sum guarantees nothing: the branch may cancel the skip. In the trained nets of Experiment 1 that is rare. Of
{P.seeds * BLOCKS} blocks, {smaller:.0f} had a gradient smaller than its skip part.

The ReLU behind the addition matters more. In each block it stops a part of what comes down, before the two ways
separate. Multiply what the {BLOCKS} blocks let through before training, and you find that the gradient which takes
every skip and no branch arrives with about {np.mean(gates):.2f} of its norm. The direct way is not a wire.
""")

# %% [markdown]
# Two more limits. The formula is about $\partial L/\partial x$. A weight learns from $\partial L/\partial W$, and in
# the block above, $\partial L/\partial w_1 = \partial L/\partial s \cdot w_2 \cdot x$ has no 1 in it: if $w_2 = 0$,
# then $w_1$ does not learn at all. And nothing bounds the gradient from *above*: lesson 8 is about residual nets that
# explode.
#
# He et al. 2016 (arXiv 1603.05027, §2) say what does hold. If nothing stands on the skip and nothing after the
# addition, then $x_L = x_l + \sum F(x_i)$, the sum running over the blocks from $l$ to $L$, and the gradient contains
# the term $\partial L/\partial x_L$ unchanged. That it cancels for a whole batch is then "unlikely", not impossible.
#
# ## Is it the skip, or is it the start?
#
# Now to the question behind the whole lesson. There are two things that `+x` changes. It is there in *every* forward
# and backward pass, as a way around the layers. And it puts the *start* of the training near the identity: in most
# blocks $x$ outweighs what the branch adds ($v > 1$ in Experiment 1). Lesson 6 has shown that such a start is enough to
# make a net trainable that has no skip. It has also shown that level signals and level gradients are *not* enough, so
# "the skip stops the explosion" cannot be the whole answer. Which of the two is it, the way around the layers or the
# start?
#
# ### A case where the answer is exact
#
# Take blocks of a single layer, $y = \mathrm{relu}(x + Vx + c)$. There is a plain layer
# $y = \mathrm{relu}(Wx + b)$ that computes the same.
#
# ### Exercise 7.6: the plain twin
# Write the weights of that plain layer.


# %% tags=["exercise"]
@lesson.exercise("7.6")
def plain_twin(v, c):
    """Return (w, b) such that relu(w @ x + b) equals relu(x + v @ x + c) for every x."""
    # BEGIN SOLUTION
    return np.eye(len(v)) + v, c
    # END SOLUTION


# %% [markdown]
# Not only their outputs agree. Since $W = I + V$, the gradient by $W$ *is* the gradient by $V$, so a step of SGD moves
# both by the same amount, and after the step they agree again, and so on to the end of training. A skip around
# *one* layer is therefore not an architecture. It is an initialisation, one around the identity matrix, up to one
# detail, weight decay, which pulls every weight a little towards zero in each step. In the net with the skip it pulls
# $V$ to zero and so the layer to the identity. In the plain twin it pulls $W$ to zero, and so the layer to one that
# forgets its input.
#
# The proof is short, but nobody has to believe it. Train both, from the same start, on the same batches. The net with
# skips starts at $V = 0$, the one without at your `plain_twin` of it.
#
# The plain digits are too easy for the question of this section: a net whose layers are near the identity is nearly a
# linear classifier, and digits of 64 pixels can nearly be told apart by a linear classifier. So every second picture,
# drawn at random, is shown as a *negative*, with its sign turned. What speaks for a class in one half of the pictures
# speaks against it in the other half, and now the layers have to work.

# %%
digits = data.load_digits()
negative = np.random.default_rng(7).integers(0, 2, len(digits.x_train)) == 1
x_train, y_train = digits.x_train.reshape(len(digits.x_train), -1).copy(), digits.y_train
x_train[negative] *= -1


def fit(net, rate, seed, weight_decay=0.0):
    """Train a net with SGD; return its training error in % over the last epoch, 90 if it diverged."""
    loader = data.DataLoader(
        x_train, y_train, batch_size=128, shuffle=True, seed=seed, drop_last=True
    )
    batches = (batch for _ in range(P.epochs) for batch in loader)
    sgd = optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=weight_decay)
    total = P.epochs * len(loader)
    schedule = optim.lr_scheduler.MultiStepLR(sgd, [total // 2, total * 3 // 4])
    wrong = [90.0] * len(loader)
    for step in train(net, sgd, batches, schedule=schedule):
        wrong.append(90.0 if step.diverged else 100 * step.errors / len(step.y))
        if step.diverged:
            return 90.0
    return float(np.mean(wrong[-len(loader) :]))


class OneLayerBlocks(nn.Module):
    """Layers relu(x + V x + c), or relu(W x + b) without the skip, and a linear head."""

    def __init__(self, skip, seed):
        super().__init__()
        self.skip = skip
        self.layers = nn.ModuleList([nn.Linear(WIDTH, WIDTH) for _ in range(P.twins)])
        self.head = nn.Linear(WIDTH, 10)
        nn.init.kaiming_normal_(self.head.weight, rng=seed)
        nn.init.zeros_(self.head.bias)
        v, c = np.zeros((WIDTH, WIDTH)), np.zeros(WIDTH)
        w, b = (v, c) if skip else plain_twin(v, c)
        for layer in self.layers:
            layer.weight.update_(np.asarray(w, np.float32))
            layer.bias.update_(np.asarray(b, np.float32))

    def forward(self, x):
        x = F.relu(x)
        for layer in self.layers:
            x = F.relu(layer(x) + x if self.skip else layer(x))
        return self.head(x)


def distance_of_twins(seed, weight_decay):
    """Train the twins; return (error with skips, error without, ‖W - I - V‖ / ‖V‖ over all layers)."""
    with_skip, without = OneLayerBlocks(True, seed), OneLayerBlocks(False, seed)
    errors = [fit(net, 0.003, seed, weight_decay) for net in (with_skip, without)]
    v = np.array([layer.weight.data for layer in with_skip.layers], np.float64)
    w = np.array([layer.weight.data for layer in without.layers], np.float64)
    return *errors, float(np.linalg.norm(w - np.eye(WIDTH) - v) / np.linalg.norm(v))


DECAY = 0.01
twins = {decay: [distance_of_twins(s, decay) for s in range(P.seeds)] for decay in (0.0, DECAY)}
lesson.table(
    [
        {
            "weight decay": decay,
            "error with +x (%)": spread([t[0] for t in found], "{:.2f}"),
            "without, from I (%)": spread([t[1] for t in found], "{:.2f}"),
            "‖W − I − V‖ / ‖V‖": spread([t[2] for t in found], "{:.1e}"),
        }
        for decay, found in twins.items()
    ]
)
apart = {decay: float(np.mean([t[2] for t in found])) for decay, found in twins.items()}
lesson.say(f"""
Without weight decay the two nets of {P.twins} layers end with weights that differ by {apart[0.0]:.0e} of the way they
have gone; theory says 0, and the rest is rounding in float32. With a weight decay of {DECAY} they differ by
{apart[DECAY]:.2f} of the way: there the skip matters, because it decides where the decay pulls to.
""")

# %% [markdown]
# He et al. 2015 (§3.2) knew this case. If $F$ has only a single layer, they write, the block "is similar to a linear
# layer: $y = W_1 x + x$, for which we have not observed advantages".
#
# ### The case of two layers
#
# For the blocks that are really used, with two layers, there is no such identity of functions, and an experiment has to
# decide. Five nets are trained alike: two plain ones from He initialisation, without and with batch norm; two without a
# skip whose matrices all start at $W = I$, again without and with batch norm; and the residual net with batch norm,
# from He initialisation. (The start at $W = I$ is the identity initialisation of lesson 3.) Half of the digits are
# negatives, as before. Each net gets the best of the same learning rates, chosen with the first seed.

# %%
lesson.predict(
    "lever",
    f"Training error in % of {DEPTH} layers without any skip, from identity initialisation?",
)

# %%
ARMS = {
    "plain, He init": {"init": "he"},
    "plain, He init, batch norm": {"init": "he", "norm": "bn"},
    "no skip, identity init, batch norm": {"init": "identity", "norm": "bn"},
    "no skip, identity init": {"init": "identity"},
    "residual, He init, batch norm": {"init": "he", "norm": "bn", "skip": "identity"},
}
PLAIN, NORMED, START_NORMED, START, RESIDUAL = ARMS


nets = {}  # all that were trained, to look into some of them later


def sweep(arm, depth):
    """Return (best rate, its error for each seed, how many rates get below 20 %)."""

    def error(rate, seed):
        nets[arm, depth, rate, seed] = models.mlp_stack(depth, WIDTH, seed=seed, **ARMS[arm])
        return fit(nets[arm, depth, rate, seed], rate, seed)

    first = {rate: error(rate, 0) for rate in P.rates}
    best = min(first, key=first.get)
    errors = [first[best], *(error(best, seed) for seed in range(1, P.seeds))]
    return best, errors, sum(e < 20 for e in first.values())


lever = {(arm, depth): sweep(arm, depth) for depth in P.depths for arm in ARMS}
linear = [
    min(fit(nn.Sequential(nn.ReLU(), nn.Linear(WIDTH, 10)), rate, s) for rate in (1.0, 0.3, 0.1))
    for s in range(P.seeds)
]
at_depth = {arm: lever[arm, DEPTH][1] for arm in ARMS}
mean = {arm: float(np.mean(errors)) for arm, errors in at_depth.items()}
covered = 100 * (mean[PLAIN] - mean[START]) / (mean[PLAIN] - mean[RESIDUAL])
lesson.reveal("lever", f"{spread(at_depth[START], '{:.1f}')} %", value=mean[START])
lesson.table(
    [
        {"net": arm, "layers": depth, "best rate": rate, "training error (%)": spread(errors, "{:.1f}"),
         f"rates below 20 %, of {len(P.rates)}": good}
        for (arm, depth), (rate, errors, good) in lever.items()
    ]
)  # fmt: skip
lesson.bars(
    "lever",
    f"From the identity {DEPTH} layers train without any skip: {mean[START]:.1f} % errors; from He init {mean[PLAIN]:.0f} %",
    at_depth,
    x="training error in the last epoch (%)",
    form="{:.1f} %",
    highlight=[START],
    note=f"{DEPTH} layers, best rate for each.",
)
lesson.say(f"""
Each bar is one kind of net with {DEPTH} layers; its length is the training error at the end, so short is good. The two
bars at the top are plain nets, without batch norm as in lesson 6 and with it as in lesson 5: {mean[PLAIN]:.0f} % and
{mean[NORMED]:.0f} %. The third one is explained below. The coloured bar has no skip either. But for its learning rate
it differs from the one at the top in nothing but the numbers with which its matrices began, and it ends at
{mean[START]:.1f} %. The residual net at the bottom ends at {mean[RESIDUAL]:.1f} %. Of the way from the first bar to the
last, the start alone covers {covered:.0f} per cent. And the layers do work: a single linear layer behind a ReLU,
trained alike, stops at {np.mean(linear):.0f} %.
""")

# %% [markdown]
# So on this task the start is nearly all of it, and a skip in every forward pass is not needed. Does the net also
# *stay* near the identity, as if a skip were holding it there?


# %%
def distance(net):
    """Return ‖W - I‖ / ‖I‖ of the layers of a net, as their median."""
    matrices = [m.weight.data for m in net.modules() if isinstance(m, nn.Linear)][:-1]
    return np.median([np.linalg.norm(w - np.eye(WIDTH)) for w in matrices]) / WIDTH**0.5


rate = lever[START, DEPTH][0]
stays = [distance(nets[START, DEPTH, rate, seed]) for seed in range(P.seeds)]
he_start = models.mlp_stack(2, WIDTH, init="he", seed=0).body[0].linear1.weight.data
he_distance = float(np.linalg.norm(he_start - np.eye(WIDTH)) / WIDTH**0.5)
lesson.say(f"""
It does. After training, a typical layer is {spread(stays, "{:.3f}")} away from the identity, as a part of the
identity's own norm. A He matrix starts at a distance of {he_distance:.2f}, since its own squared norm is about 2 in
these units, and √(1 + 2) is {3**0.5:.2f}. The net has learned its task by changing a typical one of its {DEPTH} layers
by {100 * np.mean(stays):.0f} per cent, which is what the residual net was meant to do: many small corrections.
""")

# %% [markdown]
# ### What remains for the skip
#
# If an initialisation can do nearly all of it, what is the skip still good for? For three things.
#
# First, identity initialisation does not survive batch norm. Two samples with the values 1 and 3 in a unit have the
# mean 2 and the standard deviation 1. Batch norm makes $-1$ and $1$ of them, and the ReLU then 0 and 1: the layer with
# $W = I$ has *not* done nothing. (In lesson 5 batch norm's own weight and bias undid this. But they had to be the
# deviation and the mean of the data, which no initialisation knows.) The skip of a residual block passes around the
# batch norm, so whatever stands in the branch, $x$ arrives.
#
# Second, identity initialisation needs layers whose input and output have the same size and meaning. Third, it is a
# property of one moment: nothing but the small steps of the optimiser keeps the net there, and weight decay pulls it
# away, as the table of the twins showed. With the skip, near zero *is* near the identity, at any time.

# %%
lesson.say(f"""
In numbers: with batch norm the start at the identity reaches {mean[START_NORMED]:.0f} % with {DEPTH} layers, where the
residual net reaches {mean[RESIDUAL]:.1f} %. Of the {len(P.rates)} learning rates, {lever[START, DEPTH][2]} bring the
net without skip and batch norm below 20 %, and {lever[RESIDUAL, DEPTH][2]} the residual net. `--full` adds 18 and 108
layers and two more rates.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
- *"The +1 guarantees that the gradient is at least 1."* Your block of exercise 7.5 has the gradient 0. In the
  measured net the direct way delivers {np.mean(gates):.2f} of what is put in at the top.
- *"Skips help because the gradient goes through the skip instead of the layers."* It takes both: in the first block
  {100 * shares[0][:, 0].mean():.0f} % of the squared gradient takes the branch, in the last
  {100 * shares[0][:, -1].mean():.0f} %. And a net without any skip, from the identity, trains to {mean[START]:.1f} %.
- *"Residual nets are better because they can represent more."* They have as many parameters, {sizes["identity"]} and
  {sizes["none"]}, and with blocks of one layer they even compute the same functions: the twins ended {apart[0.0]:.0e}
  apart.
- *"The skip makes every job easier."* It makes "do nothing" easy, with a normalised error of {same:.3f}; shuffling
  the input stays hard, with {far:.2f}.
- *"All 2^{BLOCKS} paths are alike."* Weighted with the gradient they have {mean_length[0].mean():.1f} branches on
  average, not {BLOCKS / 2:g}.
""")

# %% [markdown]
# ## What the paper found
#
# He et al. 2015 (arXiv 1512.03385, §3.1) state the hypothesis that this lesson has tested: "If the optimal function is
# closer to an identity mapping than to a zero mapping, it should be easier for the solver to find the
# perturbations". Table 2 shows that it pays on the validation images of ImageNet: with 34 layers the plain net has
# a top-1 error of 28.54 %, the residual one 25.03 %; with 18 layers 27.94 % and 27.88 %.
#
# Others have trained nets without skips whose weights start at the identity or are written around it. Zagoruyko and
# Komodakis 2017 (arXiv 1706.00388) write each filter as an identity plus a learned part, and match the accuracy of
# ResNet-1001 on CIFAR-10 with a plain net of 28 wider layers. Le, Jaitly and Hinton 2015 (arXiv 1504.00941) start
# recurrent nets at the identity.
#
# ## Remember
# - `+x` moves the target: a block learns $F(x) = H(x) - x$, so that "do nothing", which plain layers hardly learn, is
#   what small weights do by themselves.
# - The gradient of a block is the sum of a skip part and a branch part; the sum guarantees no size, and the gradient
#   prefers paths that pass few branches.
# - On the digits, nearly all that makes the deep net trainable is the start near the identity; with `+x` a net has it
#   also with batch norm, under weight decay and at any time.
#
# ## Read next
# Lesson 8: near the identity means that the branch is *small*. What if it is not? Then the residual net explodes,
# and the skip alone saves nothing.
