"""Lesions: what is deleted or swapped, that it comes back, and what is refused."""

import numpy as np
import pytest

from minires import data, models, nn
from minires.experiments import degradation, lesions
from minires.experiments.settings import Setting
from minires.tensor import Tensor


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((4, 1, 8, 8)).astype(np.float32)


def conv(**options):
    return models.resnet(14, width=4, in_channels=1, seed=0, **options).eval()


def test_a_deleted_block_passes_its_input_on(x):
    net = conv()
    block = net.layer1[1]
    seen = {}
    with lesions.delete_blocks(net, ["layer1.1"]):
        handle = block.register_forward_hook(lambda m, i, y: seen.update(x=i[0], y=y))
        net(Tensor(x))
        handle.remove()
    np.testing.assert_array_equal(seen["y"].data, seen["x"].data)


@pytest.mark.parametrize(
    "options",
    [{}, {"order": "preact"}, {"order": "bn-after-add"}, {"order": "relu-before-add"},
     {"shortcut": "B"}, {"shortcut": "exclusive:-1"}, {"branch_scale": "skipinit"}],
)  # fmt: skip
def test_deleting_is_what_a_branch_of_zero_gives(x, options):
    net = conv(**options)
    with lesions.delete_blocks(net, ["layer1.0", "layer2.0"]):
        deleted = net(Tensor(x)).data
    for name in ("layer1.0", "layer2.0"):
        last = next(net.get_submodule(name).layers()[-1][0].parameters())
        last.update_(np.zeros_like(last.data))
    np.testing.assert_allclose(net(Tensor(x)).data, deleted, rtol=1e-5, atol=1e-6)


def test_after_the_statement_the_net_is_as_before(x):
    net = conv()
    before = net(Tensor(x)).data
    with pytest.raises(KeyError), lesions.delete_blocks(net, lesions.deletable(net)):
        assert np.abs(net(Tensor(x)).data - before).max() > 1e-3
        raise KeyError
    np.testing.assert_array_equal(net(Tensor(x)).data, before)
    order = {"layer1.0": "layer1.1", "layer1.1": "layer1.0"}
    with lesions.order_blocks(net, order):
        assert list(lesions.blocks(net)) == [f"layer{s}.{i}" for s in (1, 2, 3) for i in (0, 1)]
        assert np.abs(net(Tensor(x)).data - before).max() > 1e-5
    np.testing.assert_array_equal(net(Tensor(x)).data, before)


def test_nested_lesions_undo_one_by_one(x):
    net = conv()
    with lesions.delete_blocks(net, ["layer1.0"]):
        outer = net(Tensor(x)).data
        with lesions.delete_blocks(net, ["layer1.0", "layer3.1"]):
            pass
        np.testing.assert_array_equal(net(Tensor(x)).data, outer)


def test_plain_blocks_that_change_the_shape_are_refused(x):
    net = models.plain(14, width=4, in_channels=1, seed=0)
    assert lesions.deletable(net) == ["layer1.0", "layer1.1", "layer2.1", "layer3.1"]
    with (
        pytest.raises(ValueError, match="changes the shape"),
        lesions.delete_blocks(net, ["layer2.0"]),
    ):
        pass
    with lesions.delete_blocks(net, ["layer1.0"]):
        assert net(Tensor(x)).shape == (4, 10)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda net: lesions.delete_blocks(net, ["layer9"]), ValueError, "no block of CifarResNet"),
        (lambda net: lesions.delete_blocks(net, "layer1.0"), TypeError, "list of names"),
        (lambda net: lesions.order_blocks(net, {"layer1.0": "layer1.1"}), ValueError, "each place"),
        (lambda net: lesions.order_blocks(net, {"layer1.0": "layer2.1", "layer2.1": "layer1.0"}),
         ValueError, "does not fit"),
    ],
)  # fmt: skip
def test_wrong_names_are_refused(call, error, said):
    with pytest.raises(error, match=said), call(conv()):
        pass


def test_a_net_without_blocks():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    assert lesions.deletable(net) == []
    with pytest.raises(ValueError, match="no two blocks"):
        lesions.swapped(net, 1, np.random.default_rng(0))


def test_kendall_tau():
    assert lesions.kendall_tau({"a": "a", "b": "b", "c": "c"}) == 1
    assert lesions.kendall_tau({"a": "c", "b": "b", "c": "a"}) == -1
    assert lesions.kendall_tau({"a": "b", "b": "a", "c": "c"}) == pytest.approx(1 / 3)


def test_a_residual_net_hardly_notices_what_ruins_its_plain_twin():
    digits = data.load_digits()
    rise = {}
    for skip in ("none", "identity"):
        setting = Setting("mlp", 18, skip, "bn", "he", "relu", 32)
        recipe = degradation.Recipe(epochs=8)
        net, _ = degradation.train_net(setting, 0, digits, recipe)
        rows = lesions.lesion(
            net, digits.x_test.reshape(-1, 64), digits.y_test, random=(3,), shuffles=(2,), draws=2
        )
        assert [r["lesion"] for r in rows] == ["none"] + ["delete"] * 11 + ["shuffle"] * 2
        assert rows == lesions.lesion(
            net, digits.x_test.reshape(-1, 64), digits.y_test, random=(3,), shuffles=(2,), draws=2
        )
        single = [r["error"] for r in rows if r["block"]]
        rise[skip] = np.mean(single) - rows[0]["error"]
    assert rise["identity"] < 0.08
    assert rise["none"] > 2.5 * rise["identity"]


def test_modes_are_kept_and_wrong_arguments_refused(x):
    net = conv().train()
    net.layer1.eval()
    y = np.zeros(4, int)
    lesions.lesion(net, x, y, single=False)
    assert net.training
    assert not net.layer1.training
    with pytest.raises(ValueError, match="as many labels"):
        lesions.lesion(net, x, y[:3])
    with pytest.raises(ValueError, match="7 blocks cannot be deleted of 6"):
        lesions.lesion(net, x, y, random=(7,))
