"""The recipe "airbench" against a plain loop that does what its paper's code does, step by step."""

import json

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import data, models, optim
from minires.train import RECIPES, Recipe, fit
from minires.train.recipe import recipe_of
from minires.train.schedule import Frozen, optimizer_of

from .conftest import net

pytestmark = pytest.mark.usefixtures("no_curves")
LR, DECAY, MOMENTUM = 11.5, 0.0153, 0.85  # of the code, for the sum over 1,024 images
SCALE = 1024 * (1 + 1 / (1 - MOMENTUM))  # by which it divides the first two


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    y = np.arange(64) % 3
    x = rng.integers(0, 120, (64, 18, 18, 3), dtype=np.uint8)
    for i, k in enumerate(y):
        x[i, 5 * k : 5 * k + 5] += 100
    return data.Images(x, y, ("top", "middle", "bottom"), "pictures", "train", "made for a test")


def test_its_rates_are_the_papers():
    recipe = RECIPES["airbench"]
    others, norms = optimizer_of(models.airbench94(seed=0), recipe).param_groups
    assert len(norms["params"]) == 6
    assert len(others["params"]) == 8
    assert others["lr"] / 1024 == pytest.approx(LR / SCALE)
    assert norms["lr"] / 1024 == pytest.approx(64 * LR / SCALE)
    for group in (norms, others):  # what a step takes from a weight
        assert group["lr"] * group["weight_decay"] == pytest.approx(DECAY * 1024 / SCALE)
    assert recipe.length(48) == 475  # theirs is rounded up, and leaves the last step out
    at = [recipe.factor(t) for t in (0, 0.115, 0.23, 0.615, 1)]
    assert at == pytest.approx([0.2, 0.6, 1, 0.535, 0.07])
    assert recipe.slowness(0.5) == pytest.approx(0.95**5 / 8)


def test_it_is_what_a_plain_loop_does(pictures):
    less = 1 / 16  # of the rate, for so few images
    recipe = RECIPES["airbench"].changed(batch_size=16, epochs=4, lr=1.5 * less)
    run = fit(models.airbench94(width=2, num_classes=3, seed=1), pictures, None, recipe, seed=5)
    assert (run.status, run.iteration) == ("finished", 16)

    model = models.airbench94(width=2, num_classes=3, seed=1)
    normalise = data.Normalise.of(pictures)
    model.whiten_(normalise(pictures.x))
    n, total = 16, 16
    rate, decay = less * LR / SCALE * 1024 / n, less * DECAY / SCALE * 1024
    biases = [p for k, p in model.named_parameters() if "norm" in k and p.requires_grad]
    others = [p for k, p in model.named_parameters() if "norm" not in k and p.requires_grad]
    groups = [
        {"params": biases, "lr": 64 * rate, "weight_decay": decay / (64 * rate)},
        {"params": others, "lr": rate, "weight_decay": decay / rate},
    ]
    sgd = optim.SGD(groups, lr=1.0, momentum=MOMENTUM, nesterov=True)
    rates = [64 * rate, rate]
    slow, step = [values(target).copy() for target in targets(model)], 0
    loader = data.ImageLoader(
        pictures,
        n,
        augment=data.Augment("pad", 2, "alternating", padding="reflect"),
        normalise=normalise,
        seed=5,
        drop_last=True,
    )
    for epoch in range(4):
        model.whiten.bias.requires_grad_(epoch < 3)
        for x, y in loader.batches(epoch):
            at = (step + 0.5) / total
            factor = np.interp(at, [0, 0.23, 1], [0.2, 1, 0.07])
            for group, base in zip(sgd.param_groups, rates, strict=True):
                group["lr"] = base * factor
            log_p = F.log_softmax(model(mr.tensor(x)))
            smooth = log_p[np.arange(n), y].mean() * 0.8 + log_p.mean() * 0.2
            sgd.zero_grad()
            (smooth * -n).backward()
            sgd.step()
            step += 1
            if step % 5 == 0:
                follow(model, slow, 0.95**5 * (step / total) ** 3)
    follow(model, slow, 1.0)
    expected, found = model.state_dict(), run.net.state_dict()
    assert list(expected) == list(found)
    start = models.airbench94(width=2, num_classes=3, seed=1).state_dict()
    for name, a in expected.items():
        if not name.endswith("num_batches_tracked"):
            assert found[name] == pytest.approx(a, rel=1e-3, abs=1e-5), name
    moved = {k for k, a in start.items() if not np.array_equal(a, found[k])}
    assert {"whiten.bias", "group3.conv2.weight", "group1.norm1.bias", "head.weight"} <= moved


def targets(model):
    return [*model.parameters(), *(b for _, b in model.named_buffers() if b.dtype.kind == "f")]


def values(target):
    return target.data if isinstance(target, mr.Tensor) else target


def follow(model, slow, decay):
    """slow ← decay · slow + (1 - decay) · w, then w ← slow; statistics of norms are among them."""
    for s, target in zip(slow, targets(model), strict=True):
        s[...] = decay * s + (1 - decay) * values(target)
        if isinstance(target, mr.Tensor):
            target.update_(s)
        else:
            target[...] = s


def test_parts_are_frozen_when_it_is_time(tiny, recipe):
    how = recipe.changed(freeze="layer1,fc.bias", freeze_after=2, schedule="constant")  # of 6 steps
    frozen = {k for k in net().state_dict() if k.startswith("layer1.") or k == "fc.bias"}
    before, after = (fit(net(), *tiny, how.changed(iterations=n)).net for n in (12, 20))
    parameters = {k for k, _ in before.named_parameters()}
    same = {k for k in parameters if np.array_equal(before.state_dict()[k], after.state_dict()[k])}
    assert same == frozen & parameters
    assert not np.array_equal(before.fc.bias.data, net().fc.bias.data)
    with pytest.raises(
        ValueError, match=r"freeze: .* of CifarResNet, .* called layer; .* layer1\."
    ):
        Frozen(net(), recipe.changed(freeze="layer"), 6)


def test_the_biases_of_norms_are_a_group_of_their_own():
    model, recipe = net(), Recipe(epochs=1, lr=0.5, weight_decay=0.1, norm_bias_rate=4)
    first, biases = optimizer_of(model, recipe).param_groups
    assert (first["lr"], first["weight_decay"]) == (0.5, 0.1)
    assert (biases["lr"], biases["weight_decay"]) == (2.0, 0.025)
    names = {id(p): k for k, p in model.named_parameters()}
    found = {names[id(p)] for p in biases["params"]}
    assert "layer1.0.bn1.bias" in found
    assert "fc.bias" not in found
    assert len(found) == sum("bn" in k and k.endswith("bias") for k in names.values())
    free = optimizer_of(model, recipe.changed(decay_norms=False)).param_groups
    assert [group["weight_decay"] for group in free] == [0.1, 0.0, 0.0]


def test_a_run_of_before_these_fields_is_the_same_recipe():
    new = ("norm_bias_rate", "warmup_from", "lookahead", "lookahead_decay", "freeze")
    new += ("freeze_after", "padding", "views")
    for recipe in (RECIPES["he2015"], RECIPES["budget"]):
        old = json.loads(json.dumps({k: v for k, v in recipe.document().items() if k not in new}))
        assert recipe_of(old) == recipe


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lookahead": 0}, "lookahead"),
        ({"lookahead_decay": 1.0}, "lookahead_decay: expected a number of at least 0 and below 1"),
        ({"norm_bias_rate": 0}, "norm_bias_rate: expected a number above 0"),
        ({"warmup_from": -1}, "warmup_from"),
        ({"padding": "mirror"}, "padding: expected one of zero, reflect"),
        ({"views": 3}, "views: expected one of 1, 2, 6, got 3"),
        ({"views": True}, "views"),
        ({"freeze": 3}, "freeze: expected names of parameters or modules"),
        ({"freeze_after": 2}, "freeze_after: freeze says what"),
    ],
)
def test_wrong_values_are_refused(wrong, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Recipe(**{"epochs": 1, **wrong})
