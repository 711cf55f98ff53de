# title: Transfer: when does it pay to start from a trained net?
# minutes: 55
# seconds: 45
# needs: lessons 4 and 7
# %% [markdown]
# # Lesson 14: Transfer: when does it pay to start from a trained net?
#
# You have a new task and few labelled examples, say fifty. Somebody else has a network that was trained for hours on
# something else. Is it of any use to you? **Transfer** means to begin the training for one task with a network that was
# trained for another. It is the usual way to work with images: hardly anybody trains from nothing. But it is not magic,
# and the advice that is passed on ("freeze if you have little data, fine-tune if you have much") has conditions that are
# not passed on with it.
#
# In this lesson the trained network is the ResNet-20 that comes with minires. It has seen photographs of ten kinds of
# things, from airplanes to trucks, in colour. The new task is as far away as can be: handwritten digits, grey, eight
# pixels wide. You will find out from how many labels on it pays, which part of the network is worth most, and how a
# network that is "frozen" melts without anybody noticing. Then comes a source that is as near as can be, and of little
# use.
#
# You should know batch norm (lesson 4) and the residual network (lesson 7). The lesson takes about an hour with its
# seven exercises.
#
# ## What is kept and what is thrown away
#
# A network for classification is a long way from pixels to some numbers, the **features**, which are what the last
# layer gets to see, and then a single linear layer, the **head**, that makes one score for each class of them. The head
# is useless for other classes: nobody needs the score of a truck. So it is replaced. What to do with the rest?
#
# * Keep it as it is. To **freeze** a part of a network means that training does not change it, neither its weights nor
#   the statistics of its batch norms. Only the new head is trained.
# * Go on training everything. **Fine-tuning** is training that starts from the weights of another task instead of random
#   ones, usually at a smaller rate.
# * Something between the two: freeze the first stages, train the last one; or thaw one stage after another.
# * And the control, without which nothing can be said: the same network from scratch, with random weights.
#
# A head is small. A ResNet of three stages that begins with two filters has 2, 4 and 8 channels in its stages; the head
# gets 8 features, and for 3 classes it has $8 \cdot 3$ weights and $3$ biases: 27 numbers to be trained, and perhaps
# ten labels for each class are enough for that.

# %%
import itertools
import types

import numpy as np

import minires as mr
from minires import data, models, optim
from minires.experiments import degradation, lesions, transfer
from minires.experiments.pictures import resize
from minires.experiments.settings import Setting
from minires.grad_mode import no_grad
from minires.lessons import Lesson, spread, stored
from minires.train import train
from minires.train.transfer import GradualUnfreezing, freeze, replace_head
from minires.weights.shipped import pretrained

lesson = Lesson(14)
P = lesson.params(
    labels=(5, 20, 100),
    seeds=3,
    steps=60,
    fast={"labels": (5, 50), "seeds": 1, "steps": 10},
    full={"labels": (2, 5, 10, 20, 50, 100), "seeds": 5, "steps": 150},
    browser={"labels": (5, 50), "seeds": 1, "steps": 16},
)
FEW, MANY = min(P.labels), max(P.labels)  # labels for each class

# %% [markdown]
# ## Predict

# %%
lesson.predict(
    "photographs",
    f"ResNet-20, {FEW} labelled digits of each class. Which has fewer errors on new digits: a new head on the "
    "frozen features of photographs, or the same network trained from scratch?",
    choices=("frozen", "from scratch", "about equal"),
)
lesson.predict(
    "stage",
    "The network has three stages. A new head may look at the channels of one of them, averaged over the picture. "
    f"Which stage serves digits best, with {FEW} labels for each class?",
    choices=("first", "second", "third"),
)

# %% [markdown]
# ## Exercise 14.1: how much is trained?
#
# A CIFAR ResNet with $w$ filters in its first stage has $2w$ in the second and $4w$ in the third. Everything is frozen
# but a new head for $K$ classes. How many numbers are trained?


# %% tags=["exercise"]
@lesson.exercise("14.1")
def trained_numbers(width, classes):
    """Return the number of parameters of the head: its weights and its biases."""
    # BEGIN SOLUTION
    return 4 * width * classes + classes
    # END SOLUTION


# %%
source = models.resnet20(weights="cifar10").eval()
size = sum(p.size for p in source.parameters())
lesson.say(f"""
For ResNet-20, with 16 filters and ten classes, that is {trained_numbers(16, 10):,} of {size:,} numbers, and with five
classes {trained_numbers(16, 5):,}.
""")

# %% [markdown]
# ## Exercise 14.2: a head without training
#
# If the features are frozen, they can be computed once, for all images, and what remains is a linear problem. One need
# not even train it step by step: least squares has its solution in a formula. Let $A$ be the features with a column of
# ones behind them (for the bias), one row for each sample, and $T$ the targets: a row of zeros for each sample with a 1
# at its class. The weights with the smallest squared error plus $\lambda$ times the squared weights solve
#
# $$(A^\top A + \lambda I)\, W = A^\top T.$$
#
# The term with $\lambda$ keeps the weights small when there are fewer samples than features, and makes the solution
# unique. Write it; `np.linalg.solve(m, r)` returns the solution of $m W = r$.


# %% tags=["exercise"]
@lesson.exercise("14.2")
def fit_head(features, labels, classes, strength):
    """Return W, an array (features + 1, classes), for features (n, features) and labels (n,)."""
    # BEGIN SOLUTION
    a = np.hstack([features, np.ones((len(features), 1))])
    targets = np.eye(classes)[labels]
    return np.linalg.solve(a.T @ a + strength * np.eye(a.shape[1]), a.T @ targets)
    # END SOLUTION


# %% [markdown]
# ## Exercise 14.3: find the bug
#
# Features of different stages have different sizes, so they are standardised first: each one minus its mean, divided by
# its standard deviation. A colleague writes


# %% tags=["show"]
def standardised_with_a_bug(train, test):
    """Return the features of the labelled images and of the new ones, standardised."""
    return (
        (train - train.mean(axis=0)) / (train.std(axis=0) + 1e-6),
        (test - test.mean(axis=0)) / (test.std(axis=0) + 1e-6),
    )


# %%
alone = standardised_with_a_bug(np.array([[1.0], [2.0], [3.0]]), np.array([[3.0]]))
lesson.say(f"""
and it looks tidy. But try it on one feature, 1, 2 and 3 for the labelled images: the third is standardised to
{alone[0][2, 0]:.2f}. The same 3 as the only new image becomes {alone[1][0, 0]:.0f}.
""")

# %% [markdown]
# Write it without the bug.


# %% tags=["exercise"]
@lesson.exercise("14.3")
def standardised(train, test):
    """Return both, standardised; train (n, features), test (m, features). Add 1e-6 to deviations."""
    # BEGIN SOLUTION
    mean, deviation = train.mean(axis=0), train.std(axis=0) + 1e-6
    return (train - mean) / deviation, (test - mean) / deviation
    # END SOLUTION


# %% [markdown]
# ## From photographs to digits
#
# The digits, eight by eight pixels, go into the network as they are, with three equal colours, normalised as the
# photographs were. We read off the features after each of the three stages, averaged over the picture: 16, 32 and 64
# numbers, together 112. The network is in evaluation mode, and nothing in it changes.

# %%
raw = {split: data.load("digits", split) for split in ("train", "test")}
normalise = pretrained("resnet20", "cifar10").normalise
x, x_test = (normalise(np.repeat(raw[split].x, 3, axis=3)) for split in ("train", "test"))
y, y_test = (raw[split].y for split in ("train", "test"))
STAGES = {"first": slice(0, 16), "second": slice(16, 48), "third": slice(48, 112)}
ALL = "all three"


def features_of(net, images, batch=100):
    """Return the channels of all stages, averaged over the picture, in the mode that the net is in."""
    found = []
    with no_grad():
        for start in range(0, len(images), batch):
            h = net.act(net.bn1(net.conv1(mr.tensor(images[start : start + batch]))))
            means = []
            for stage in (net.layer1, net.layer2, net.layer3):
                h = stage(h)
                means.append(h.data.mean(axis=(2, 3)))
            found.append(np.concatenate(means, axis=1))
    return np.concatenate(found)


def chosen(labels, seed):
    """Return the places of `labels` random samples of each class."""
    return transfer.labelled(y, labels, np.random.default_rng((seed, labels)))


def head_error(train, test, places, columns=slice(None), strength=0.01):
    """Return the error in % of a head on frozen features; λ is `strength` for each label."""
    known, new = standardised(train[places][:, columns], test[:, columns])
    head = fit_head(known, y[places], 10, strength * len(places))
    scores = new @ head[:-1] + head[-1]
    return 100 * float((scores.argmax(axis=1) != y_test).mean())


def by_stage(known, new, strength=0.01):
    """Return the errors (seeds, numbers of labels) of heads on the features of each stage."""
    return {
        stage: np.array(
            [
                [head_error(known, new, chosen(n, s), columns, strength) for n in P.labels]
                for s in range(P.seeds)
            ]
        )
        for stage, columns in {**STAGES, ALL: slice(None)}.items()
    }


known, new = features_of(source, x), features_of(source, x_test)
frozen = by_stage(known, new)


def adapted(net, how, labels, seed, steps=P.steps):
    """Return the error in % of a net adapted by `how`; see `transfer.adapt`."""
    places = chosen(labels, seed)
    found = transfer.adapt(net, how, x[places], y[places], steps=steps, batch_size=25, seed=seed)
    return 100 * lesions.error(found, x_test, y_test)


def row_of(how):
    """Return the errors (seeds, numbers of labels) of a way to adapt."""
    nets = [models.resnet20(seed=s) if how == "from scratch" else source for s in range(P.seeds)]
    return np.array([[adapted(nets[s], how, n, s) for n in P.labels] for s in range(P.seeds)])


SCRATCH, TUNED, FROZEN = "from scratch", "fine-tuned", "frozen, all three stages"
longer = [adapted(models.resnet20(seed=s), SCRATCH, MANY, s, 3 * P.steps) for s in range(P.seeds)]
ways = {SCRATCH: row_of(SCRATCH), TUNED: row_of(TUNED), FROZEN: frozen[ALL]}
first = {how: float(found[:, 0].mean()) for how, found in ways.items()}
last = {how: float(found[:, -1].mean()) for how, found in ways.items()}
stage_first = {stage: float(frozen[stage][:, 0].mean()) for stage in STAGES}
stage_last = {stage: float(frozen[stage][:, -1].mean()) for stage in STAGES}
gap = first[FROZEN] - first[SCRATCH]
lesson.reveal(
    "photographs",
    f"{first[FROZEN]:.0f} % frozen (all stages), {stage_first['third']:.0f} % frozen (last stage alone), "
    f"{first[SCRATCH]:.0f} % from scratch",
    value="about equal" if abs(gap) < 2 else "frozen" if gap < 0 else "from scratch",
)
best_stage = min(stage_first, key=stage_first.get)
lesson.reveal("stage", f"the {best_stage}, {stage_first[best_stage]:.0f} %", value=best_stage)
lesson.table(
    [
        {"labels per class": n}
        | {how: spread(ways[how][:, i], "{:.1f}") for how in (SCRATCH, TUNED)}
        | {f"frozen, {stage}": spread(frozen[stage][:, i], "{:.1f}") for stage in frozen}
        for i, n in enumerate(P.labels)
    ]
)
lesson.curves(
    "ways",
    f"With {FEW} labels per class a net of photographs, fine-tuned, has {first[TUNED]:.0f} % errors on digits, from "
    f"scratch {first[SCRATCH]:.0f} %",
    np.array(P.labels),
    {**ways, "frozen, third stage": frozen["third"]},
    x="labelled digits of each class",
    y="errors on new digits (%)",
    log="x",
    highlight=[TUNED],
)
lesson.say(f"""
The table shows errors in per cent. Read the first row: with {FEW} digits of each class the network from scratch errs on
{first[SCRATCH]:.0f} %, and fine-tuned from photographs on {first[TUNED]:.0f} %. Photographs of trucks help to read
digits. With {MANY} of each class it is {last[SCRATCH]:.1f} against {last[TUNED]:.1f} %. Is that because {P.steps} steps
are few for a network that begins with nothing? With three times as many steps it has {spread(longer, "{:.1f}")} %. (The
rates, 0.05 from scratch and 0.02 otherwise, were not searched.)

Now the frozen columns. The textbook says: few labels, so freeze everything and replace the head. That is the third
stage, and it has {stage_first["third"]:.0f} %, which is {"worse" if stage_first["third"] > first[SCRATCH] else "better"}
than no transfer at all. But the {best_stage} stage has {stage_first[best_stage]:.0f} %, and a head that sees all three
has {first[FROZEN]:.0f} %.
""")

# %% [markdown]
# Why the middle? Yosinski et al. 2014 (arXiv 1411.1792) describe that features go from general to specific along a
# network: from edges and strokes, which all pictures have, to what tells airplanes from trucks. That would explain it.
# But there is another explanation, which has nothing to do with trucks. The network was trained on pictures of 32
# pixels, and each stage after the first halves them. Of a digit of 8 pixels the third stage sees 2 × 2, and a 3 × 3
# filter sees mostly what is beyond the border. So enlarge the digits to 16 pixels, smoothly, and change nothing else.


# %%
def enlarged(split):
    """Return the digits with 16 pixels, by bicubic interpolation, normalised as before."""
    large = np.stack([resize(digit[..., 0].astype(np.float32), 16, 16) for digit in raw[split].x])
    grey = large.clip(0, 255).round().astype(np.uint8)
    return normalise(np.repeat(grey[..., None], 3, axis=3))


known_large, new_large = (features_of(source, enlarged(split)) for split in ("train", "test"))
sizes = {8: frozen, 16: by_stage(known_large, new_large)}
lesson.table(
    [
        {"pixels": size, "labels per class": P.labels[i]}
        | {stage: spread(found[stage][:, i], "{:.1f}") for stage in found}
        for i in (0, -1)
        for size, found in sizes.items()
    ]
)
lead = {
    size: [float((found["third"] - found["second"])[:, i].mean()) for i in (0, -1)]
    for size, found in sizes.items()
}
all_best = sum(
    int(found[ALL][:, i].mean() <= min(found[stage][:, i].mean() for stage in STAGES))
    for i in (0, -1)
    for found in sizes.values()
)
stronger = by_stage(known, new, strength=0.1)
lesson.say(f"""
With 8 pixels the third stage has {lead[8][0]:+.1f} points more errors than the second, at {
    FEW
} labels for each class,
and {lead[8][1]:+.1f} at {MANY}. With 16 pixels it is {lead[16][0]:+.1f} and {lead[16][1]:+.1f}. {
    "So the size of the pictures decides which stage is better, and the story of strokes and trucks is not needed for it"
    if max(lead[16]) < 2 < lead[8][0]
    else "Compare these with the deviations in the table before you believe in either explanation"
}. In {
    all_best
} of 4 rows the head that sees all three stages is best. (The numbers depend on λ, too. With ten times
its value, {FEW} labels and 8 pixels, the second stage has {
    stronger["second"][:, 0].mean():.0f} % and the third
{stronger["third"][:, 0].mean():.0f} %.)
""")

# %% [markdown]
# "Freeze the features" is no advice until one says which, and for pictures of which size.
#
# ## Exercise 14.4: design the control
#
# Before one says that the *training on photographs* is what helps, one has to rule out that any ResNet-20 would do: its
# convolutions look at neighbouring pixels, and 112 numbers are many for a linear head, whatever they are. Which
# experiment rules it out?
#
# 1. a head on the raw pixels
# 2. a head on the features of the same network with random weights, never trained
# 3. a head on the features of a deeper network that was trained on photographs
# 4. a head on the same features, fitted with more labels


# %% tags=["exercise"]
@lesson.exercise("14.4")
def control():
    """Return the number (1 to 4) of the experiment that tells the training from the architecture."""
    # BEGIN SOLUTION
    return 2
    # END SOLUTION


# %%
def of_random(seed):
    """Return the features of an untrained ResNet-20 for the labelled and the new digits."""
    net = models.resnet20(seed=seed)
    net.train()
    for _ in range(4):  # so that the running statistics of batch norm are those of digits
        features_of(net, x[:500])
    net.eval()
    return features_of(net, x), features_of(net, x_test)


def of_fresh(seed):
    """The same with the statistics as they are in a fresh net, mean 0 and variance 1."""
    net = models.resnet20(seed=seed).eval()
    return features_of(net, x), features_of(net, x_test)


def pixels(_):
    """Return the raw pixels."""
    return tuple(raw[split].x.reshape(-1, 64) / 255.0 for split in ("train", "test"))


controls = {FROZEN: frozen[ALL]}
for name, make in {
    "random weights, fresh statistics": of_fresh,
    "random weights, statistics of digits": of_random,
    "raw pixels": pixels,
}.items():
    sets = [make(seed) for seed in range(P.seeds)]
    controls[name] = np.array(
        [[head_error(*sets[s], chosen(n, s)) for n in P.labels] for s in range(P.seeds)]
    )
lesson.table(
    [
        {"labels per class": n}
        | {name: spread(found[:, i], "{:.1f}") for name, found in controls.items()}
        for i, n in enumerate(P.labels)
    ]
)
random = [found for name, found in controls.items() if name.startswith("random")]
random_best, random_last = (min(float(f[:, i].mean()) for f in random) for i in (0, -1))
lesson.say(f"""
With {FEW} labels for each class the features of photographs have {first[FROZEN]:.0f} %, the better of the random ones
{random_best:.0f} %, and the raw pixels {controls["raw pixels"][:, 0].mean():.0f} %. So it is the training. Whether random
features are any better than the pixels themselves, which have not been processed at all, cannot be said from
{P.seeds} seeds with the deviations in this row.
""")

# %% [markdown]
# ## Frozen, and melting all the same
#
# Everybody knows how to freeze: set `requires_grad = False` for each parameter, and no optimiser will move it. But a
# network consists of more than parameters. Batch norm keeps a running mean and a running variance, which are no
# parameters. In training mode, every pass moves them towards the batch that passes by: a part of, usually, 0.1 of the
# batch's own mean, and 0.9 of the old one. Nobody needs a gradient for that.
#
# ## Exercise 14.5: what is left of the old statistics?
#
# With this rule, how much of the old mean is still in the running mean after $n$ batches?


# %% tags=["exercise"]
@lesson.exercise("14.5")
def old_part(n, momentum):
    """Return the part (0 to 1) of the old mean after n batches; momentum: the part that is new."""
    # BEGIN SOLUTION
    return (1 - momentum) ** n
    # END SOLUTION


# %% [markdown]
# Now do it. All parameters have `requires_grad = False`. A head is fitted to the frozen features and left alone from
# then on. Then batches of labelled digits pass through the network, as they would while a head is being trained, with
# the network in training mode. After some of them we put the network into evaluation mode and measure the same head on
# the same new digits. Beside it the same with `train.transfer.freeze` of minires, which also keeps what is frozen in
# evaluation mode, whatever `net.train()` says.

# %%
BATCHES = (0, 1, 2, 5, 10, 20)


def melting(keep_evaluating, seed):
    """Return the errors in % of one head after each number of batches, and of a new one at last."""
    net = models.resnet20(weights="cifar10").eval()
    places = chosen(MANY, seed)
    mean, deviation = known[places].mean(axis=0), known[places].std(axis=0) + 1e-6
    head = fit_head((known[places] - mean) / deviation, y[places], 10, 0.01 * len(places))
    for p in net.parameters():
        p.requires_grad_(False)
    if keep_evaluating:
        freeze(net, "layer3")
    rng, found, passed = np.random.default_rng(seed), [], 0
    for count in BATCHES:
        net.train()
        for _ in range(count - passed):
            features_of(net, x[rng.choice(places, 25)])
        passed = count
        net.eval()
        features = features_of(net, x_test)
        scores = ((features - mean) / deviation) @ head[:-1] + head[-1]
        found.append(100 * float((scores.argmax(axis=1) != y_test).mean()))
    return [*found, head_error(features_of(net, x), features, places)]


MELTS, STAYS = "requires_grad = False alone", "batch norm in evaluation mode too"
melted = {
    name: np.array([melting(keep, seed) for seed in range(P.seeds)])
    for name, keep in ((MELTS, False), (STAYS, True))
}
refitted = {name: found[:, -1] for name, found in melted.items()}
melted = {name: found[:, :-1] for name, found in melted.items()}
before, after = (float(melted[MELTS][:, i].mean()) for i in (0, -1))
lesson.curves(
    "melting",
    f"A net with requires_grad = False goes from {before:.0f} to {after:.0f} % errors while {BATCHES[-1]} batches pass "
    "in training mode",
    np.array(BATCHES),
    melted,
    x="batches that passed through the frozen net",
    y="errors of one and the same head (%)",
    highlight=[MELTS],
)
lesson.say(f"""
Not one weight has moved. With the statistics kept, the error stays at {melted[STAYS][:, -1].mean():.1f} %, to the last
digit. Without, it goes from {before:.1f} to {after:.1f} %; after {BATCHES[-1]} batches {old_part(BATCHES[-1], 0.1):.3f}
of the old statistics is left, by your formula. And a *new* head, fitted to the features as they are at the end, has
{spread(refitted[MELTS], "{:.1f}")} %.
""")

# %% [markdown]
# So the damage is not that the statistics of digits are bad for digits. It is that the head was made for other features
# than it gets now. If the head is trained while the statistics move, it runs after a moving target,
# and the network is no longer the one that did its old task. So what is frozen belongs in evaluation mode. (Fine-tuning is
# another matter: there the layers move too and are trained together with their statistics.)
#
# ## Exercise 14.6: thaw step by step
#
# Howard and Ruder 2018 (arXiv 1801.06146) propose to unfreeze gradually, from the head downwards: at first only the new
# head is trained, then the last stage too, then the one before it, and so on, so that the new head, which starts at
# random, has settled before its gradients reach what was learned. Write the plan. With $n$ stages there are $n + 1$
# periods of equal length; `{0: "layer3", 25: "layer2", 50: "layer1", 75: None}` says for three stages and 100 steps:
# from step 0 on everything up to layer3 is frozen, from step 25 on everything up to layer2, ..., and from step 75 on
# nothing is. Period $i$ begins at step `i * steps // (n + 1)`.


# %% tags=["exercise"]
@lesson.exercise("14.6")
def plan(stages, steps):
    """Return {step: the last stage that is frozen from then on}, for stages from input to output."""
    # BEGIN SOLUTION
    frozen_up_to = [*reversed(stages), None]
    return {i * steps // len(frozen_up_to): stage for i, stage in enumerate(frozen_up_to)}
    # END SOLUTION


# %%
def gradually(seed, labels):
    """Return the error in % after a training with your plan."""
    net, places = models.resnet20(weights="cifar10"), chosen(labels, seed)
    replace_head(net, 10, seed)
    sgd = optim.SGD(net.parameters(), 0.02, momentum=0.9, weight_decay=1e-4)
    cut = optim.lr_scheduler.MultiStepLR(sgd, [2 * P.steps // 3])
    schedule = GradualUnfreezing(net, plan(["layer1", "layer2", "layer3"], P.steps), cut)
    loader = data.DataLoader(x[places], y[places], 25, shuffle=True, seed=seed, drop_last=True)
    batches = itertools.islice(itertools.chain.from_iterable(itertools.repeat(loader)), P.steps)
    for _ in train(net.train(), sgd, batches, schedule=schedule):
        pass
    return 100 * lesions.error(net, x_test, y_test)


slowly = [gradually(seed, FEW) for seed in range(P.seeds)]
lesson.say(f"""
Thawed with your plan, {FEW} labels for each class: {spread(slowly, "{:.1f}")} %; fine-tuned at once
{spread(ways[TUNED][:, 0], "{:.1f}")} %, in the same {P.steps} steps. In a training this short the first stage is free
for the last quarter only. For {P.seeds} seeds with these deviations one should not make a rule of the difference.
""")

# %% [markdown]
# ## Exercise 14.7: what is a source worth?
#
# "It helps" can be put in a number that everybody understands: how many labels from scratch would be as good? `labels`
# are numbers of labels in ascending order, `errors` the errors from scratch with so many, which fall. Draw straight
# lines between the points over the *logarithm* of the labels (the errors fall more evenly over it), and read off where
# they reach a given error. What lies outside counts as the nearest end.


# %% tags=["exercise"]
@lesson.exercise("14.7")
def worth(labels, errors, error):
    """Return the number of labels with which a training from scratch reaches the error."""
    # BEGIN SOLUTION
    logs = np.interp(error, np.array(errors)[::-1], np.log(labels)[::-1])
    return float(np.exp(logs))
    # END SOLUTION


# %%
scratch_means = ways[SCRATCH].mean(axis=0).tolist()
equal = {
    n: worth(list(P.labels), scratch_means, float(ways[TUNED][:, i].mean()))
    for i, n in enumerate(P.labels[:-1])
}
lesson.table(
    [
        {
            "fine-tuned with": n,
            "as good as from scratch with": f"{v:.0f}" + " or more" * (v >= MANY),
        }
        for n, v in equal.items()
    ]
)

# %% [markdown]
# ## A source that is near, and of little use
#
# Now the other direction. The source is as near to the target as can be: the digits 0 to 4, in the same handwriting,
# for the digits 5 to 9. A small ResNet-8 learns the first five, for one epoch or for twenty, and is then adapted to the
# other five with five labels each.

# %%
digits = data.load_digits()
EPOCHS = (1, 20)


def half(split, new):
    """Return the images and labels 0 to 4 of one half of the classes."""
    images, labels = getattr(digits, f"x_{split}"), getattr(digits, f"y_{split}")
    which = (labels >= 5) == new
    return images[which], labels[which] - 5 * new


def source_of_digits(epochs, seed):
    """Return a net trained on the digits 0 to 4, and its error on new ones of them in %."""
    (a, b), (c, d) = half("train", False), half("test", False)
    task = types.SimpleNamespace(x_train=a, y_train=b, x_test=c, y_test=d)
    setting = Setting("conv", 8, "identity", "bn", "he", "relu", 8)
    net, curve = degradation.train_net(setting, seed, task, degradation.Recipe(epochs, lr=0.1))
    return net, 100 * curve.test_error


def of(epochs):
    """Return how a source is called."""
    return f", source of {epochs} epoch{'s' if epochs > 1 else ''}"


near = {}
quality = {epochs: [] for epochs in EPOCHS}
(new_x, new_y), (new_x_test, new_y_test) = half("train", True), half("test", True)
for seed in range(P.seeds):
    few = transfer.labelled(new_y, 5, np.random.default_rng(seed))
    sources = {"": models.resnet(8, width=8, in_channels=1, seed=seed)}
    for epochs in EPOCHS:
        sources[of(epochs)], quality_now = source_of_digits(epochs, seed)
        quality[epochs].append(quality_now)
    for name, net in sources.items():
        for how in ("head only", "fine-tuned") if name else (SCRATCH,):
            found = transfer.adapt(net, how, new_x[few], new_y[few], steps=P.steps, seed=seed)
            near.setdefault(how + name, []).append(
                100 * lesions.error(found, new_x_test, new_y_test)
            )
near_means = {name: float(np.mean(found)) for name, found in near.items()}
cold = [f"{near_means['head only' + of(epochs)]:.0f}" for epochs in EPOCHS]
lesson.bars(
    "near",
    f"Frozen, five digits are a source for the other five with {' and '.join(cold)} % errors; from "
    f"scratch it is {near_means[SCRATCH]:.0f} %",
    near,
    x="errors on new digits 5 to 9 (%), five labels each",
    form="{:.0f} %",
    highlight=[SCRATCH],
    note="Guessing has 80 %.",
)
lesson.say(f"""
The coloured bar is the training from scratch, {near_means[SCRATCH]:.0f} %. A frozen source of {EPOCHS[-1]} epochs, which
errs on {np.mean(quality[EPOCHS[-1]]):.1f} % of its own five digits, gives
{near_means["head only" + of(EPOCHS[-1])]:.0f} %; one of {EPOCHS[0]} epoch, which errs on
{np.mean(quality[EPOCHS[0]]):.0f} %, gives {near_means["head only" + of(EPOCHS[0])]:.0f} %. Fine-tuned
they come to {spread(near["fine-tuned" + of(EPOCHS[-1])], "{:.1f}")} and
{spread(near["fine-tuned" + of(EPOCHS[0])], "{:.1f}")} %, from scratch it is {spread(near[SCRATCH], "{:.1f}")} %.
""")

# %% [markdown]
# The source is near, and it is poor. One epoch is too little to learn from, and twenty do not make it good: to tell five
# digits apart a network needs little, and it seems to have learned no more than it needed. What the photographs have
# over it is not that they are similar, but that they asked for more. (This is a guess and no controlled comparison: the
# source of photographs is also a larger network, and saw far more pictures.)
#
# The same experiment with a richer source is in a stored record: the first five classes of CIFAR-10 as the source for
# the other five, with pictures of 16 pixels and a short training. There the textbook is closer to the truth.

# %%
record = stored.read("transfer-cifar10")
by_way = {}
for row in record.rows("rows.csv"):
    by_way.setdefault(row["how"], {}).setdefault(row["labels"], []).append(row["value"])
lesson.table(
    [
        {"labels per class": n} | {how: spread(found[n], "{:.1f}") for how, found in by_way.items()}
        for n in next(iter(by_way.values()))
    ]
)
cifar = {how: {n: float(np.mean(v)) for n, v in found.items()} for how, found in by_way.items()}
lesson.say(f"""
(Stored, from `{record.command}`; errors in %, guessing has 80.) With 5 labels the network from scratch has
{cifar[SCRATCH][5]:.0f} %, a frozen one {cifar["head only"][5]:.0f} %, one with the last stage free
{cifar["last stage"][5]:.0f} %, fine-tuned {cifar[TUNED][5]:.0f} %; with 100 labels {cifar[SCRATCH][100]:.0f},
{cifar["head only"][100]:.0f}, {cifar["last stage"][100]:.0f} and {cifar[TUNED][100]:.0f} %.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
*"With few labels, freeze the features and replace the head."* With {FEW} labels the features of the third stage, which
this means, have {stage_first["third"]:.0f} %, and from scratch it is {first[SCRATCH]:.0f} %. The {best_stage} stage has
{stage_first[best_stage]:.0f} %, and with digits of 16 pixels the third has {sizes[16]["third"][:, 0].mean():.0f} %. With
the five digits as a source every frozen head is worse than none.

*"`requires_grad = False` freezes a network."* It went from {before:.0f} to {after:.0f} % with not one weight changed.

*"The nearer the source, the better."* Fine-tuned from photographs it was {first[TUNED]:.0f} % instead of
{first[SCRATCH]:.0f} %. Fine-tuned from five digits, the nearest source there is, it was
{near_means["fine-tuned" + of(EPOCHS[-1])]:.1f} % instead of {near_means[SCRATCH]:.1f} %.

*"Random features are worthless."* With {MANY} labels the better of the random ones have {random_last:.1f} % and the raw
pixels {controls["raw pixels"][:, -1].mean():.1f} %.
""")

# %% [markdown]
# ## What the paper found
#
# * Yosinski et al. 2014 (arXiv 1411.1792), for the two halves of ImageNet's classes: first layers are general, last ones
#   specific; transferred features suffer from that and from being cut off from layers that they were trained with; and
#   "transferring features even from distant tasks can be better than using random features" (abstract).
# * The same paper found that starting from transferred features can help "even after fine-tuning to the target dataset".
#   Here it did so with each number of labels.
# * Howard and Ruder 2018 (arXiv 1801.06146) unfreeze gradually, for language. On images, in our short trainings, it made
#   no difference that one could build on.
#
# ## Remember
#
# - What a source gives can be said in labels: fine-tuned with a few, as good as from scratch with several times as many.
# - Which stage of a frozen network serves best is no law of general and specific, here it is decided by the size of the
#   pictures; a head that sees all stages need not choose.
# - Frozen means weights *and* statistics, so frozen batch norm runs in evaluation mode.
#
# ## Read next
#
# * Yosinski et al. 2014 (arXiv 1411.1792), the eight pages with the figure of the layers.
# * `minires.train.transfer`: `freeze`, `replace_head`, `GradualUnfreezing`, for your own task.
# * `minires reproduce transfer`: the experiment of two halves with other nets, `--data` and `--weights`.
