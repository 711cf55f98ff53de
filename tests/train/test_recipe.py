"""Recipes: the paper's numbers, the shapes of the schedules, and what is refused."""

import math

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import data, models, nn
from minires.train import RECIPES, Recipe
from minires.train.recipe import recipe_named, recipe_of
from minires.train.schedule import Clock, RecipeLR, loss_of, optimizer_of
from minires.train.start import start

from .conftest import net


def rates(recipe, iterations):
    schedule = RecipeLR(optimizer_of(net(), recipe), recipe, iterations, Clock())
    found = []
    for _ in range(iterations):
        found.append(schedule.get_last_lr()[0])
        schedule.step()
    return found


def test_he2015_is_the_papers():
    recipe = RECIPES["he2015"]
    assert (recipe.lr, recipe.momentum, recipe.weight_decay) == (0.1, 0.9, 1e-4)
    assert (recipe.batch_size, recipe.iterations, recipe.normalise) == (128, 64_000, "pixel")
    assert (recipe.crop, recipe.pad, recipe.flip) == ("pad", 4, "random")
    assert recipe.length(390) == 64_000
    for step, factor in ((31_999, 1), (32_000, 0.1), (47_999, 0.1), (48_000, 0.01)):
        assert recipe.factor((step + 0.5) / 64_000) == pytest.approx(factor)


def test_milestones_scale_with_the_length():
    found = rates(RECIPES["he2015"].changed(iterations=100), 100)
    assert found == pytest.approx([0.1] * 50 + [0.01] * 25 + [0.001] * 25)
    assert RECIPES["he2015"].changed(epochs=2.5).length(40) == 100


def test_the_shapes_of_schedules():
    linear = rates(Recipe(epochs=1, lr=1.0, schedule="linear", warmup=0.2), 10)
    assert linear[:3] == pytest.approx([0.25, 0.75, 1 - 0.5 / 8])
    assert linear[-1] == pytest.approx(0.5 / 8)
    assert np.all(np.diff(linear[2:]) < 0)
    floor = rates(Recipe(epochs=1, lr=1.0, schedule="linear", floor=0.5), 10)
    assert floor[-1] == pytest.approx(0.525)
    cosine = rates(Recipe(epochs=1, lr=1.0, schedule="cosine"), 10)
    assert cosine == pytest.approx(
        [(1 + math.cos(math.pi * (t + 0.5) / 10)) / 2 for t in range(10)]
    )
    one = rates(Recipe(epochs=1, lr=1.0, schedule="onecycle"), 100)
    assert one[0] == pytest.approx(1 / 25, abs=1e-3)
    assert max(one) == pytest.approx(1, abs=1e-2)
    assert one.index(max(one)) in (29, 30)
    assert one[-1] < 1e-3
    assert rates(Recipe(epochs=1, lr=0.3, schedule="constant"), 5) == [0.3] * 5


def test_warm_up_until_the_error_is_low():
    recipe = RECIPES["he2015-110"]
    schedule = RecipeLR(optimizer_of(net(), recipe), recipe, 64_000, Clock())
    assert schedule.get_last_lr() == [pytest.approx(0.01)]
    schedule.saw(0.8)
    assert schedule.get_last_lr() == [pytest.approx(0.01)]
    schedule.saw(0.79)
    assert schedule.get_last_lr() == [pytest.approx(0.1)]
    schedule.saw(0.9)  # once warm, it stays warm
    assert schedule.get_last_lr() == [pytest.approx(0.1)]


def test_a_time_is_a_length():
    recipe = Recipe(minutes=10, lr=1.0, schedule="linear")
    schedule = RecipeLR(optimizer_of(net(), recipe), recipe, None, Clock(before=300))
    assert schedule.get_last_lr() == [pytest.approx(0.5, abs=0.01)]
    assert RecipeLR(optimizer_of(net(), recipe), recipe, None, Clock(before=601)).done(0) == 1


def test_norms_and_biases_can_be_left_alone():
    model = net()
    sgd = optimizer_of(model, Recipe(epochs=1, weight_decay=0.1, decay_norms=False))
    decay = {id(p): g["weight_decay"] for g in sgd.param_groups for p in g["params"]}
    assert len(decay) == len(list(model.parameters()))
    for p in model.parameters():
        assert decay[id(p)] == (0.1 if p.ndim > 1 else 0.0)
    frozen = nn.Linear(2, 2)
    frozen.weight.requires_grad_(False)
    (group,) = optimizer_of(frozen, Recipe(epochs=1)).param_groups
    assert group["params"] == [frozen.bias]


def test_the_loss_has_the_label_smoothing():
    logits = mr.tensor(np.random.default_rng(0).standard_normal((5, 3)))
    y = np.array([0, 1, 2, 0, 1])
    smooth = loss_of(Recipe(epochs=1, label_smoothing=0.2))(logits, y).item()
    p = F.log_softmax(logits).data
    expected = -(0.8 * p[np.arange(5), y] + 0.2 * p.mean(axis=1)).mean()
    assert smooth == pytest.approx(expected)
    assert loss_of(Recipe(epochs=1))(logits, y).item() == F.cross_entropy(logits, y).item()


def test_every_recipe_comes_back_from_its_document():
    for recipe in RECIPES.values():
        assert recipe_of(recipe.document()) == recipe
    with pytest.raises(ValueError, match="fields of a recipe"):
        recipe_of({"rate": 1})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lr": 0}, "lr: expected a number above 0"),
        ({"lr": float("nan")}, "lr: expected"),
        ({"lr": "0.1"}, "lr: expected a number, got '0.1'"),
        ({"schedule": "step"}, "expected one of steps, linear"),
        ({"milestones": (0.5, 1.5)}, "fraction of the training"),
        ({"batch_size": 0}, "batch_size"),
        ({"iterations": 5}, "one length, of iterations, epochs and minutes; got iterations and ep"),
        ({"epochs": None}, "got none"),
        ({"nesterov": True, "momentum": 0.0}, "nesterov needs"),
        ({"ema": 1.0}, "ema: expected a number of at least 0 and below 1"),
        ({"warmup": 1.0}, "warmup"),
        ({"milestones": 0.5}, "milestones: expected a list"),
        ({"start": 3}, "start: expected names"),
        ({"optimizer": "adam"}, "expected one of sgd, adamw"),
    ],
)
def test_wrong_values_are_refused(wrong, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Recipe(**{"epochs": 1, **wrong})


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="there are he2015"):
        recipe_named("he")
    with pytest.raises(ValueError, match="a recipe has no rate; it has optimizer, lr"):
        RECIPES["he2015"].changed(rate=1)


def test_whitening_makes_patches_white(tiny):
    images = tiny[0]
    normalise = data.Normalise.of(images)
    x = normalise(images.x)
    layer = nn.Conv2d(3, 54, 3)
    models.whiten_(layer, x)
    w = layer.weight.data
    assert np.array_equal(w[:27], -w[27:])
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 27)
    y = patches.astype(np.float64) @ w[:27].reshape(27, 27).T
    assert y.T @ y / len(y) == pytest.approx(np.eye(27), abs=0.02)
    few = nn.Conv2d(3, 16, 3)
    models.whiten_(few, x)
    assert few.weight.data[:8] == pytest.approx(w[:8])
    assert np.array_equal(few.weight.data[8:], -few.weight.data[:8])
    with pytest.raises(ValueError, match="square, got 3×1"):
        models.whiten_(nn.Conv2d(3, 16, (3, 1)), x)


def test_starts_change_what_they_say(tiny):
    model, before = net(), net().state_dict()
    start(model, tiny[0], data.Normalise.of(tiny[0]), ("whiten", "dirac"))
    after = model.state_dict()
    changed = {k for k in before if not np.array_equal(before[k], after[k])}
    assert changed == {k for k in before if k.endswith(("conv1.weight", "conv2.weight"))}
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 5)).astype(np.float32)
    y = model.layer1[0].conv2(mr.tensor(x)).data
    assert np.array_equal(y, x)
    assert Recipe(epochs=1, start="whiten,dirac").start == ("whiten", "dirac")
    with pytest.raises(ValueError, match="start: expected some of whiten, dirac, got 'white'"):
        Recipe(epochs=1, start="white")


def test_a_checkpoint_of_before_a_field_existed_is_of_the_same_recipe():
    recipe = RECIPES["he2015"]
    old = {k: v for k, v in recipe.document().items() if k != "start"}
    assert recipe_of(old) == recipe
