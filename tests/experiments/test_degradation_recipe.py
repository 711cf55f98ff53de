"""The recipe of the degradation experiment: optimiser, warm-up, cuts of the rate, clipping."""

import csv
import json

import numpy as np
import pytest

import minires as mr
from minires import data, degradation, models, nn, optim
from minires.__main__ import main
from minires.degradation import Recipe, Setting
from minires.train import loop

SETTING = Setting("mlp", 4, "none", "bn", "he", "relu", 16)
DIGITS = data.load_digits()


def rates(recipe, steps):
    """Return the learning rate before each of the steps."""
    optimizer, schedule = recipe.optimise(nn.Linear(2, 2), steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        schedule.step()
    return found


def test_the_rate_is_cut_at_half_and_at_three_quarters_unless_told_otherwise():
    assert rates(Recipe(lr=1.0), 8) == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    assert rates(Recipe(lr=1.0, milestones=(0.75,)), 8) == pytest.approx([1] * 6 + [0.1] * 2)
    assert rates(Recipe(lr=1.0, milestones=()), 3) == [1, 1, 1]
    for length in (7, 11, 220, 131):
        assert Recipe().cuts(length) == [length // 2, length * 3 // 4]


def test_a_warm_up_rises_linearly_and_leaves_the_cuts_where_they_are():
    found = rates(Recipe(lr=1.0, warmup=4), 16)
    rise = [0.25 + 0.75 * t / 4 for t in range(4)]
    assert found == pytest.approx(rise + [1] * 4 + [0.1] * 4 + [0.01] * 4)
    assert rates(Recipe(lr=1.0, warmup=1), 4) == rates(Recipe(lr=1.0), 4)


def test_the_optimiser_is_the_one_asked_for():
    sgd, _ = Recipe(momentum=0.5).optimise(nn.Linear(2, 2), 4)
    assert isinstance(sgd, optim.SGD)
    assert sgd.param_groups[0]["momentum"] == 0.5
    adam, _ = Recipe(optimizer="adam", lr=0.003, weight_decay=0.1).optimise(nn.Linear(2, 2), 4)
    assert isinstance(adam, optim.Adam)
    assert adam.param_groups[0]["lr"] == 0.003
    assert adam.param_groups[0]["weight_decay"] == 0.1


def by_hand(step_of, epochs=2):
    """Train SETTING's net with a loop of this file; return the mean loss of each epoch."""
    net = SETTING.build((64,), 0)
    x = DIGITS.x_train.reshape(len(DIGITS.x_train), -1)
    loader = data.DataLoader(
        x, DIGITS.y_train, batch_size=128, shuffle=True, seed=0, drop_last=True
    )
    step, means = step_of(net), []
    for _ in range(epochs):
        losses = []
        for batch, labels in loader:
            net.zero_grad()
            loss = mr.functional.cross_entropy(net(mr.Tensor(batch)), labels)
            loss.backward()
            step()
            losses.append(float(loss.item()))
        means.append(float(np.mean(losses)))
    return means


@pytest.mark.parametrize("clip", [None, 0.05])
def test_training_computes_what_a_loop_by_hand_computes(clip):
    """Also that no clipping is the same, to the bit, as before there was any."""

    def step_of(net):
        sgd = optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

        def step():
            if clip is not None:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            sgd.step()

        return step

    recipe = Recipe(epochs=2, milestones=(), clip=clip)
    assert degradation.train(SETTING, 0, DIGITS, recipe).losses == by_hand(step_of)


def test_training_with_adam_computes_what_a_loop_by_hand_computes():
    recipe = Recipe(epochs=2, milestones=(), optimizer="adam", lr=0.003)
    expected = by_hand(lambda net: optim.Adam(net.parameters(), 0.003, weight_decay=1e-4).step)
    assert degradation.train(SETTING, 0, DIGITS, recipe).losses == expected


def test_a_recorder_sees_the_gradients_before_they_are_clipped():
    net = models.mlp_stack(4, 64, norm="bn", seed=0)
    before = [p.data.copy() for p in net.parameters()]
    seen = mr.record.Recorder(net)
    batch = DIGITS.x_train[:64].reshape(64, -1), DIGITS.y_train[:64]
    sgd = optim.SGD(net.parameters(), lr=1.0)
    list(loop.train(net, sgd, [batch], watch=lambda step: seen, clip=1e-3))
    moved = [p.data - old for p, old in zip(net.parameters(), before, strict=True)]
    assert sum(float((d * d).sum()) for d in moved) ** 0.5 == pytest.approx(1e-3, rel=1e-2)
    assert max(layer.dw_norm for layer in seen.layers) > 1e-2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"optimizer": "lion"}, "optimizer: expected one of sgd, adam, got 'lion'"),
        ({"warmup": -1}, "warmup"),
        ({"clip": 0.0}, "clip: expected a positive number, got 0.0"),
        ({"clip": float("nan")}, "clip: expected a positive number, got nan"),
        ({"milestones": (0.5, 1.0)}, r"milestones: expected fractions .* got 1.0"),
    ],
)
def test_a_recipe_refuses_what_is_not_offered(wrong, said):
    with pytest.raises(ValueError, match=said):
        Recipe(**wrong)


def test_the_command_offers_them_and_writes_down_what_was_used(tmp_path, capsys):
    small = ["degradation", "--depths", "4", "--seeds", "1", "--width", "8", "--epochs", "4"]
    chosen = ["--optimizer", "adam", "--lr", "0.003", "--warmup", "5", "--clip", "2",
              "--milestones", "0.8"]  # fmt: skip
    assert main([*small, *chosen, "--out", str(tmp_path)]) == 0
    run = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["runs"][0]
    assert (run["optimizer"], run["warmup"], run["clip"]) == ("adam", 5, 2.0)
    assert run["milestones"] == "0.8"
    table = (tmp_path / "curves.csv").read_text(encoding="utf-8")
    row = next(csv.DictReader(table.splitlines()))
    assert (row["optimizer"], row["warmup"], row["clip"]) == ("adam", "5", "2.0")
    svg = (tmp_path / "degradation.svg").read_text(encoding="utf-8")
    assert "Adam, warm-up of 5 steps, gradients clipped to 2" in svg
    recipe = Recipe(epochs=4, lr=0.003, optimizer="adam", warmup=5, clip=2.0, milestones=(0.8,))
    (curve,) = degradation.run("mlp", [4], ["none"], seeds=1, width=8, recipe=recipe)
    assert run["train_error"] == curve.final_error


@pytest.mark.parametrize("text", ["half", "0.5,2", "0"])
def test_milestones_that_are_none_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        main(["degradation", "--milestones", text])
    assert "expected fractions between 0 and 1, e.g. 0.5,0.75, or none" in capsys.readouterr().err
