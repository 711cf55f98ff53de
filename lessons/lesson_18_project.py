# ---
# title: Project: a block of your own
# minutes: 240
# seconds: 20
# needs: lessons 1, 7 and 8
# ---
# %% [markdown]
# # Lesson 18: Project: a block of your own
#
# So far the blocks were those of papers. This one is yours. You choose a function, write its forward and its backward
# pass on plain arrays, make it a node of the graph and a part of a residual block, have the whole block checked, find
# out at which size its branch must start, train it against its plain twin, and report what you found. Each stage is a
# thing that can go wrong without a message, and for each there is an exercise that would notice.
#
# Plan an afternoon. You should know gradient checks (lesson 1), the two ways of a gradient through a block (lesson 7)
# and why a branch must start small (lesson 8).
#
# ## The brief
#
# Your block is $y = x + s \, W_2\, \varphi(W_1 x)$. The function $\varphi$ (phi), called `own` below, is your choice,
# and so is the scale $s$ with which the branch starts. In this file $\varphi$ is a squared ReLU, as an example of what
# a finished project looks like. Three others that are worth an afternoon, each with a question:
#
# * *A function that saturates*, such as $\tanh$ or $x / (1 + |x|)$. Its slope is below 1 nearly everywhere. Does that
#   make its gradient vanish in a residual net, as it does in a plain one (lesson 2)?
# * *A branch that starts at nothing.* Bachlechner et al. 2020 (ReZero) multiply the branch by a number that is learned
#   and starts at 0, and report in their abstract fully connected nets of 10,000 layers. Zhang et al. 2019 (Fixup) set
#   the last layer of each branch to zero, and report that this is as stable as batch norm, also up to 10,000 layers.
#   For this, add a parameter to `Block`. Does the one train faster than the other with your function?
# * *A branch whose scale follows from the depth.* De and Smith 2020 (SkipInit) find that batch norm makes branches
#   smaller by about the square root of the depth, and that a factor which does the same, or 0, trains
#   a thousand layers without it. Is the square root right for your function too? Stage five is this question.
#
# ## How it is judged
#
# `minires lessons check 18 --file FILE` prints a line for each stage with its points, and the total.
#
# * Exercise 18.1, the function: 10 points. It is elementwise, without jumps, and neither a line nor the ReLU.
# * Exercise 18.2, its backward pass: 15 points. It agrees with finite differences of *your* forward pass.
# * Exercise 18.3, the block of parts of minires: 15 points. Its output and its three gradients are right.
# * Exercise 18.4, gradcheck: 15 points. You find which gradients of a strange block are wrong, and accuse no others.
# * Exercise 18.5, the start: 20 points. The scale holds 27 blocks level, and your prediction is met within 10 per cent.
# * Exercise 18.6, the claim: 10 points. Difference, uncertainty and verdict follow from the errors.
# * Exercise 18.7, the report: 15 points. It is complete and agrees with its own numbers.
#
# That makes 100. There are no points for a good result. A block that loses against its twin, and a report that says
# so, gets all of them. A report that says more than its numbers gets none for that stage. Whether the question was
# worth asking is for your teacher to say, or for you.

# %%
import numpy as np

from minires import Tensor, data, enable_grad, nn, optim
from minires.function import Function
from minires.gradcheck import check_backward
from minires.lessons import Lesson, spread
from minires.train import train

lesson = Lesson(18)
P = lesson.params(
    blocks=27,
    seeds=3,
    epochs=8,
    rates=(0.003, 0.001),
    fast={"epochs": 1, "seeds": 2, "rates": (0.003,)},
    browser={"epochs": 2, "seeds": 2, "rates": (0.003,)},
    full={"epochs": 30, "seeds": 5, "rates": (0.01, 0.003, 0.001)},
)
SEEDS, WIDTH = min(max(P.seeds, 2), 5), 64  # a claim needs a spread, so two seeds at least

# %% [markdown]
# ## Stage one: the function
#
# ### Exercise 18.1
# Write $\varphi$ for arrays of any shape. It takes each number by itself, returns a new array of the same shape, is
# finite from $-8$ to 8 and does not jump. Kinks are allowed. A straight line is not, since the branch would be one
# linear layer. Nor is the ReLU itself, with which the block will be compared.


# %% tags=["exercise"]
@lesson.exercise("18.1")
def own(x):
    """Return phi(x), number by number."""
    # BEGIN SOLUTION
    return np.maximum(x, 0) ** 2
    # END SOLUTION


# %% [markdown]
# ## Stage two: its backward pass
#
# ### Exercise 18.2
# The gradient by the output, `dy`, has the shape of `x`. Return what the forward pass returns *and* the gradient by
# the input. The check asks your forward pass for its values a little to the right and to the left of each number, so
# it knows the right answer whatever you chose. Where the two sides disagree there is a kink, and it accepts any slope.


# %% tags=["exercise"]
@lesson.exercise("18.2")
def own_pass(x, dy):
    """Return (phi(x), dL/dx) for dy = dL/dphi."""
    # BEGIN SOLUTION
    return own(x), dy * 2 * np.maximum(x, 0)
    # END SOLUTION


# %% [markdown]
# ## Stage three: a Function, and a block
#
# To take part in the graph, the two passes go into a `Function`, as in lesson 0. It saves the input, for
# the backward pass needs it. The casts keep the type of the numbers, float32 in training and float64 in checks.


# %%
class Own(Function):
    """The function of this project as a node of the graph."""

    @staticmethod
    def forward(ctx, x):
        ctx.save(x)
        return np.asarray(own_pass(x, np.zeros_like(x))[0], x.dtype)

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved
        return np.asarray(own_pass(x, dy)[1], x.dtype)


# %% [markdown]
# ### Exercise 18.3
# Make one block $y = x + s\,W_2\,\varphi(W_1 x)$ of two `nn.Linear` without bias, `Own.apply` and a sum. Give the
# layers the weights `w1` and `w2`, run it on `x` (a row for each sample), and run `backward(dy)`. All of it in
# float64: a layer is cast by `.double()`. Return arrays, not tensors.


# %% tags=["exercise"]
@lesson.exercise("18.3")
def run_block(x, w1, w2, scale, dy):
    """Return (y, dL/dx, dL/dw1, dL/dw2) of one block as four arrays."""
    # BEGIN SOLUTION
    leaf = Tensor(x, requires_grad=True)
    layers = [nn.Linear(*w.shape[::-1], bias=False).double() for w in (w1, w2)]
    for layer, w in zip(layers, (w1, w2), strict=True):
        layer.weight.update_(w)
    y = leaf + scale * layers[1](Own.apply(layers[0](leaf)))
    y.backward(dy)
    return y.data, leaf.grad, layers[0].weight.grad, layers[1].weight.grad
    # END SOLUTION


# %% [markdown]
# ## Stage four: is the whole block right?
#
# Each part was checked by itself, and yet the sum of two right parts can be wrong: a scale on one way only, a skip that
# is counted twice. So the block as a whole is checked, by every tensor that it has a gradient for.
#
# ### Exercise 18.4: find the wrong gradients
# You are handed the forward pass of a block, `forward(x, w1, w2)`, and a backward pass, `backward(dy, x, w1, w2)`,
# which returns the gradients by `x`, `w1` and `w2`. Somebody may have made mistakes in it. Call
# `check_backward` of `minires.gradcheck`, read its report, and return the names of the tensors whose gradient is wrong: an
# empty list if all are right. One of the passes in the check is wrong by one per cent, and one for large inputs only.


# %% tags=["exercise"]
@lesson.exercise("18.4")
def wrong_gradients(forward, backward, x, w1, w2):
    """Return a list of those of "x", "w1" and "w2" whose gradient is wrong."""
    # BEGIN SOLUTION
    report = check_backward(forward, backward, x, w1, w2, names=("x", "w1", "w2"))
    return [row.tensor for row in report.rows if row.verdict != "PASS"]
    # END SOLUTION


# %%
rng = np.random.default_rng(18)
small = [rng.standard_normal(shape) for shape in ((5, 4), (4, 4), (4, 4))]


def forward_alone(x, w1, w2):
    """Return y of your block; a check has the graph switched off, and your block needs it."""
    with enable_grad():
        return run_block(x, w1, w2, 0.5, np.zeros_like(x))[0]


def backward_alone(dy, x, w1, w2):
    with enable_grad():
        return run_block(x, w1, w2, 0.5, dy)[1:]


found_wrong = wrong_gradients(forward_alone, backward_alone, *small)
lesson.say(f"""
Your own block, with the scale 0.5: {
    "wrong gradients by " + ", ".join(found_wrong)
    if found_wrong
    else "the gradients by x, w1 and w2 agree with finite differences"
}.
""")

# %% [markdown]
# ## Stage five: how small must the branch start?
#
# Lesson 8 had a ReLU in the branch, for which a block multiplies $E[x^2]$ by a number that does not depend on
# $E[x^2]$. Most functions are not so kind. If you double the input of a squared ReLU, its output is four times as
# large, so a stream that grows makes the next branch larger still.
#
# The calculation is the same, though. Let the weights be independent with variance $1/\mathrm{width}$, and let
# $v = E[x^2]$ at the input of a block. Then each entry of $W_1 x$ is about $\sqrt{v}\, z$ with a standard normal $z$,
# and the block makes of the stream, and of the squared gradient on its way back,
#
# $$v \to v + s^2 \, E[\varphi(\sqrt{v}\,z)^2], \qquad
# \lVert g \rVert^2 \to \left(1 + s^2 \, E[\varphi'(\sqrt{v}\,z)^2]\right) \lVert g \rVert^2 .$$
#
# By hand, for the squared ReLU: $E[\varphi(z)^2]$ is half of $E[z^4] = 3$, which is 1.5, and $E[\varphi'(z)^2]$ is
# half of $4\,E[z^2]$, which is 2. A first block with $s = 0.1$ takes $v$ from 1 to 1.015, and multiplies the squared
# gradient by 1.02. For any other function the two means are averages over many drawn numbers $z$.
#
# ### Exercise 18.5: a start for 27 blocks
# Choose $s$ such that `blocks` blocks make the root mean square of the stream, and that of the gradient, between 1.1
# and 4 times as large: below that the branches say nothing, above it the net is on its way to an explosion. Predict
# the ratio $\lVert \partial L/\partial x \rVert$ at the first block's input to that at the last block's output. Return
# both and `own_pass`, with which the check builds such nets, a little wider than yours, and measures.


# %% tags=["exercise"]
@lesson.exercise("18.5")
def start(blocks):
    """Return (scale s, predicted ratio of the gradient's norm, first to last, own_pass)."""
    # BEGIN SOLUTION
    z = np.random.default_rng(0).standard_normal(20_000)

    def through(scale):
        signal = gradient = 1.0
        for _ in range(blocks):
            y, slope = own_pass(np.sqrt(signal) * z, np.ones_like(z))
            gradient *= 1 + scale**2 * np.mean(slope**2)
            signal += scale**2 * np.mean(y**2)
        return signal, gradient

    scale = 0.01
    while max(through(scale + 0.01)) < 2.5:  # squares: 1.6 times as large
        scale += 0.01
    return scale, np.sqrt(through(scale)[1]), own_pass
    # END SOLUTION


# %% [markdown]
# ## Predict
#
# A rule that does not look at the function is $s = 1/\sqrt{\mathrm{blocks}}$. In lesson 8 it held a ReLU net level.

# %%
lesson.predict(
    "rule",
    f"{P.blocks} of your blocks start with s = 1/√{P.blocks}. What becomes of the gradient on its way back?",
    choices=("it stays within a factor of 4", "it becomes more than 4 times as large or overflows"),
)

# %% [markdown]
# ## Experiment 1: the profile
#
# Now real nets of minires, on real digits: your block with your scale, with $1/\sqrt{\mathrm{blocks}}$, and its
# plain twin. The plain twin is the net of the same layers without the additions. It may not be
# sent into the race lame, so its second layers start with a factor such that the first block leaves $E[x^2] = 1$ as
# it was. For the ReLU that is He initialisation.


# %%
def plain_factor(function):
    """Return the factor for which E[(factor · phi(z))²] = 1."""
    return 1 / float(
        np.sqrt(np.mean(function(np.random.default_rng(0).standard_normal(20_000)) ** 2))
    )


class Block(nn.Module):
    """y = x + scale · W2 phi(W1 x), or without x."""

    def __init__(self, apply, scale, skip, rng):
        super().__init__()
        self.apply_own, self.scale, self.skip = apply, scale, skip
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, 0.0, WIDTH**-0.5, rng=rng)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        branch = self.scale * self.second(self.apply_own(self.first(x)))
        return x + branch if self.skip else branch


class Net(nn.Module):
    """Blocks and a linear head. It keeps what ran between its blocks, `streams`."""

    def __init__(self, apply, scale, skip, seed):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.blocks = nn.ModuleList([Block(apply, scale, skip, rng) for _ in range(P.blocks)])
        self.head = nn.Linear(WIDTH, 10)
        nn.init.normal_(self.head.weight, 0.0, WIDTH**-0.5, rng=rng)
        nn.init.zeros_(self.head.bias)
        self.streams = []

    def forward(self, x):
        self.streams = [x]
        for block in self.blocks:
            self.streams.append(block(self.streams[-1]))
        return self.head(self.streams[-1])


digits = data.load_digits()
x_train, y_train = digits.x_train.reshape(len(digits.x_train), -1), digits.y_train
x_test, y_test = digits.x_test.reshape(len(digits.x_test), -1), digits.y_test


def profile(scale, skip, seed):
    """Return the norms of the stream and of dL/dx, before each block and behind the last."""
    net = Net(Own.apply, scale, skip, seed)
    x = Tensor(x_train[:128], requires_grad=True)
    with np.errstate(all="ignore"):  # what overflows is not finite, and is counted
        logits = net(x)
        for stream in net.streams[1:]:
            stream.retain_grad()
        logits.backward(np.random.default_rng(seed).standard_normal(logits.shape).astype("f"))
        return [
            [np.sqrt(np.sum(np.square(v, dtype=np.float64))) for v in values]
            for values in ([s.data for s in net.streams], [s.grad for s in net.streams])
        ]


scale, ratio, _ = start(P.blocks)
STARTS = {
    f"residual with 1/√{P.blocks} = {P.blocks**-0.5:.2f}": (P.blocks**-0.5, True),
    f"residual with your scale {scale:.2g}": (scale, True),
    "plain twin": (plain_factor(own), False),
}
RULE, YOURS, TWIN = STARTS
streams, gradients = {}, {}
with np.errstate(all="ignore"):
    for name, how in STARTS.items():
        norms = np.array([profile(*how, seed) for seed in range(SEEDS)])
        streams[name] = norms[:, 0] / norms[:, 0, :1]
        gradients[name] = norms[:, 1] / norms[:, 1, -1:]
firsts = {name: found[:, 0] for name, found in gradients.items()}
reached = float(np.median(firsts[YOURS]))


def grows(values):
    """Return what becomes of a size, by the median: how many times as large, or an overflow."""
    middle = float(np.median(values))
    return f"becomes {middle:.3g} times as large" if np.isfinite(middle) else "overflows float32"


rule_holds = bool(np.isfinite(firsts[RULE]).all() and np.median(firsts[RULE]) <= 4)
lesson.reveal(
    "rule",
    f"its norm {grows(firsts[RULE])}",
    value="it stays within a factor of 4"
    if rule_holds
    else "it becomes more than 4 times as large or overflows",
)
drawn = {name: np.where(found < 1e6, found, np.inf) for name, found in streams.items()}
finite = {name: found for name, found in gradients.items() if np.isfinite(found).all()}
lesson.curves(
    "profile",
    f"With the scale {scale:.2g} the gradient of {P.blocks} blocks stays within a factor of {max(reached, 1 / reached):.1f}",
    np.arange(P.blocks + 1),
    {"stream": drawn, "gradient": finite},
    x="blocks before this place (0 is the input)",
    y="norm beside where it began",
    log="y",
    centre="median",
    highlight=[YOURS],
    note="The stream begins at the input, the gradient at the last block. Lines end at a million.",
)
lesson.say(f"""
The horizontal axis counts the blocks from the input. On the left is the norm of the stream, beside that at the input:
read it from left to right. With the rule it {grows(streams[RULE][:, -1])}, in the plain twin it
{grows(streams[TWIN][:, -1])}, with your scale it {grows(streams[YOURS][:, -1])}. On the right is the norm
of the gradient, beside that behind the last block: read it from right to left, the way the gradient goes. (A net
whose stream overflows has no gradient, and no line.) With your scale it
{grows(firsts[YOURS])} up to the input; your prediction was {ratio:.2f}. (The digits are not normal numbers,
and a net of {WIDTH} units fluctuates more than a wide one, so the two need not agree to the per cent.) With the rule
the gradient {grows(firsts[RULE])}, in the plain twin it {grows(firsts[TWIN])}.
""")

# %% [markdown]
# ## Stage six: training, and a claim
#
# Three nets are trained alike on the digits, with Adam and gradients clipped at the norm 1: yours, its plain twin, and
# a residual net of the same depth with a ReLU, with the scale that the same calculation gives for the ReLU. Each takes
# the better rate, chosen by the *training* error of the first seed. A run that diverges counts as 90 %, which is
# guessing. What you claim is about test errors.
#
# ### Exercise 18.6: what may be said
# The same seed gives both nets the same order of batches, so seed by seed there is a *difference*, your error minus
# the other's. Take its mean, and how far the truth may be from it: the standard error (the deviation with `ddof=1`
# over the root of the number of seeds), times Student's factor `T[number of seeds]`. This half width is large for
# few seeds, as it should be. If the difference is not beyond the half width, the verdict is "no difference"; else it
# is "better" (a smaller error) or "worse".

# %%
T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # Student's t for 95 % and so many seeds


# %% tags=["exercise"]
@lesson.exercise("18.6")
def claim(ours, others):
    """Return (mean difference, half width, verdict) of two lists of errors, seed by seed."""
    # BEGIN SOLUTION
    gaps = np.array(ours) - np.array(others)
    difference = gaps.mean()
    half = T[len(gaps)] * gaps.std(ddof=1) / np.sqrt(len(gaps))
    if abs(difference) <= half:
        return difference, half, "no difference"
    return difference, half, "better" if difference < 0 else "worse"
    # END SOLUTION


# %% [markdown]
# Before you see any of it: predict.

# %%
guess = lesson.predict("twin", "Test error of your net minus that of its plain twin, in points?")
lesson.predict(
    "relu",
    "And beside the residual net with a ReLU: what will the verdict be?",
    choices=("better", "worse", "no difference"),
)

# %% [markdown]
# ## Experiment 2: the race


# %%
class Relu(Function):
    """The ReLU in the same clothes as Own, so that only the function differs."""

    @staticmethod
    def forward(ctx, x):
        ctx.save(x)
        return np.maximum(x, 0)

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved
        return dy * (x > 0)


def fit(net, rate, seed):
    """Train a net; return its errors on the training and the test images in %, 90 if it diverged."""
    loader = data.DataLoader(
        x_train, y_train, batch_size=128, shuffle=True, seed=seed, drop_last=True
    )
    adam = optim.Adam(net.parameters(), lr=rate)
    batches = (batch for _ in range(P.epochs) for batch in loader)
    for step in train(net, adam, batches, clip=1.0, check_gradients=True):
        if step.diverged or step.broken:
            return 90.0, 90.0
    sets = ((x_train, y_train), (x_test, y_test))
    return tuple(100 * float(np.mean(net(Tensor(x)).data.argmax(1) != y)) for x, y in sets)


relu_scale = float(np.sqrt(2 * (2 ** (1 / P.blocks) - 1)))  # 1 + s²/2 in every block, 2 in all
ARMS = {
    "residual with your function": (Own.apply, scale, True),
    "its plain twin": (Own.apply, plain_factor(own), False),
    "residual with a ReLU": (Relu.apply, relu_scale, True),
}
OURS, PLAIN, RELU = ARMS
races = {}
for name, how in ARMS.items():
    tried = {rate: fit(Net(*how, 0), rate, 0) for rate in P.rates}
    best = min(tried, key=lambda rate: tried[rate][0])
    races[name] = best, [tried[best], *(fit(Net(*how, s), best, s) for s in range(1, SEEDS))]
errors = {name: [test for _, test in found] for name, (_, found) in races.items()}
results = {other: claim(errors[OURS], errors[other]) for other in (PLAIN, RELU)}
lesson.reveal("twin", f"{results[PLAIN][0]:+.1f} points", value=float(results[PLAIN][0]))
lesson.reveal("relu", results[RELU][2], value=results[RELU][2])
lesson.table(
    [
        {
            "net": name,
            "best rate": rate,
            "training error (%)": spread([a for a, _ in found], "{:.2f}"),
            "test error (%)": spread([b for _, b in found], "{:.2f}"),
            "ours minus this (points)": "-"
            if name == OURS
            else f"{results[name][0]:+.2f} ± {results[name][1]:.2f}: {results[name][2]}",
        }
        for name, (rate, found) in races.items()
    ]
)
lesson.bars(
    "race",
    f"Your block: {results[PLAIN][2]} beside its plain twin, {results[RELU][2]} beside the ReLU",
    errors,
    x="test error (%)",
    form="{:.1f} %",
    note=f"{2 * P.blocks} layers, {P.epochs} epochs on the digits, best rate for each.",
)
guesses = float(np.mean(errors[PLAIN])) > 85
a_word_on_the_twin = (
    "And the twin has not learned anything, so the first claim is cheap: whatever trains at all is better. A pair of "
    "nets of which both train is a harder question; try `blocks=3`."
    if guesses
    else "Both nets of the first claim have learned something, so it is a race and not a walk-over."
)
lesson.say(f"""
Each bar is the test error of one kind of net, so short is good. The last column of the table holds your two
claims, each with its half width. What stands there is not "my function is good": it is about
{2 * P.blocks} layers of {WIDTH} units, {P.epochs} epochs, {len(x_train)} digits and {SEEDS} seeds.
{a_word_on_the_twin}
""")

# %% [markdown]
# ## Stage seven: the report
#
# ### Exercise 18.7
# A report is one paragraph, here as a dictionary with six keys:
#
# * `question`: one sentence that ends in a question mark;
# * `prediction`: the difference that you expected, as it was given, before the run;
# * `measured` and `spread`: the difference and its half width;
# * `verdict`: "better", "worse" or "no difference", as it follows from these two;
# * `refuted_by`: which result of which run would make you take it back, in numbers.
#
# Your function is called with runs that had other outcomes, too. A report that has its verdict written before the
# run does not survive that.


# %% tags=["exercise"]
@lesson.exercise("18.7")
def report(prediction, ours, others):
    """Return the report on two lists of errors, seed by seed, as a dictionary."""
    # BEGIN SOLUTION
    measured, half, verdict = claim(ours, others)
    return {
        "question": "Does a residual net with a squared ReLU have a smaller test error than its twin?",
        "prediction": prediction,
        "measured": measured,
        "spread": half,
        "verdict": verdict,
        "refuted_by": "5 more seeds whose mean difference lies outside of measured ± spread",
    }
    # END SOLUTION


# %%
sceptic = 0.0  # the prediction of those who made none: no difference
paper = report(sceptic if guess is None else guess, errors[OURS], errors[PLAIN])
lesson.say(
    "\n".join(
        f"- *{key}*: {value if isinstance(value, str) else f'{value:.2f}'}"
        for key, value in paper.items()
    )
)

# %% [markdown]
# ### What a good report looks like
#
# It answers the question that was asked, not the one that turned out well. It gives the prediction even if that was
# far off, since a surprise is the part that teaches something. It gives the number with its spread and the conditions.
# It names what could still be wrong: another rate, another scale for the twin, a data set that is too easy to tell the
# nets apart. And it can be refuted. Compare: "my activation improves residual nets", and "in nets of 27 blocks on the
# digits its test error is smaller than the ReLU's by so and so many points, with this half width; five new
# seeds outside of it would refute me". The second is worth more, also where its verdict is "no difference".

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
- *"The residual connection makes any block trainable."* With s = 1/√{P.blocks} the gradient of this block
  {grows(firsts[RULE])} on its way back, with s = {scale:.2g} it {grows(firsts[YOURS])}.
  {"Here the rule is small enough; for a squared ReLU it is not." if rule_holds else "The skip alone saves nothing."}
- *"A smaller mean error shows that my block is better."* Beside the ReLU the difference is {results[RELU][0]:+.2f}
  points and its half width {results[RELU][1]:.2f}: {results[RELU][2]}.
- *"The parts are right, so the block is right."* Exercise 18.4 has a pass in which only what comes along the skip is
  wrong, for some inputs, and one that is wrong by a single per cent.
""")

# %% [markdown]
# ## What the paper found
#
# There is no paper on your block yet. Those on the start of a branch that are named above say in their abstracts, with
# nets of their own: Bachlechner et al. 2020 that with a learned factor that starts at 0 a ResNet-56 trains 32 % faster;
# De and Smith 2020 that what batch norm gives a deep residual net is the smaller branch; Zhang et al. 2019 that
# nets without normalisation train as stably as with it when the branch starts right. None of them promises this for
# your function, and that is why you measured it.
#
# ## Remember
#
# - A part is checked against finite differences of its own forward pass, and the whole once more, by each tensor.
# - How small a branch must start depends on its function, and two averages over a normal number predict it.
# - A claim is a difference with its uncertainty and its conditions, and "no difference" is a result.
#
# ## Read next
#
# Change one thing, the function, the depth (`blocks=54`) or the scale, and predict first. Then read one of the three
# papers, and look for the place where it says what would refute it.
