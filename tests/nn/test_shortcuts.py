"""What sits on a shortcut, where the activations stand, how a branch starts: by their formulas."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, nn
from minires.models import blocks, options, shortcuts

WIDTH = 5


def relu(z):
    return np.maximum(z, 0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def normalised(z, axis=0):
    return (z - z.mean(axis)) / np.sqrt(z.var(axis) + 1e-5)


def randomised(module, seed=0):
    """Return a module in float64 with random parameters, so that nothing is 0 or 1 by chance."""
    rng = np.random.default_rng(seed)
    module.double()
    for p in module.parameters():
        p.update_(rng.standard_normal(p.shape) / 2)
    return module


def batch(seed=1, shape=(7, WIDTH)):
    return np.random.default_rng(seed).standard_normal(shape)


def parts(block):
    return [getattr(block, name).weight.data for name in ("linear1", "linear2")]


def count(net):
    return sum(p.size for p in net.parameters())


@pytest.mark.parametrize(
    ("shortcut", "formula"),
    [
        ("A", lambda x, branch, s: x + branch),
        ("scale:0.25", lambda x, branch, s: 0.25 * x + branch),
        ("scale", lambda x, branch, s: 0.5 * x + branch),
        (
            "gate",
            lambda x, branch, s: x * (1 - sigmoid(x @ s.weight.data.T + s.bias.data)) + branch,
        ),
        (
            "exclusive:-6",
            lambda x, branch, s: (
                x * (1 - (g := sigmoid(x @ s.weight.data.T + s.bias.data))) + g * branch
            ),
        ),
        (lambda width: models.Scale(-3), lambda x, branch, s: branch - 3 * x),
    ],
    ids=["A", "scale:0.25", "scale", "gate", "exclusive", "my own"],
)
def test_a_shortcut_adds_what_its_formula_says(shortcut, formula):
    block = models.MLPBlock(WIDTH, skip=True, shortcut=shortcut, scale=0.5)
    randomised(block)
    x = batch()
    w1, w2 = parts(block)
    h = relu(x @ w1.T + block.linear1.bias.data)
    branch = 0.5 * (h @ w2.T + block.linear2.bias.data)
    expected = relu(formula(x, branch, block.shortcut))
    np.testing.assert_allclose(block(mr.tensor(x)).data, expected, rtol=1e-12)


@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize("skip", [True, False])
def test_the_orders_of_2016_figure_4(order, skip):
    block = models.MLPBlock(WIDTH, skip=skip, norm="bn", order=order).double()
    x = batch()
    w1, w2 = (w.T for w in parts(block))
    h, b = (x if skip else 0), normalised
    expected = {
        "original": lambda: relu(b(relu(b(x @ w1)) @ w2) + h),
        "bn-after-add": lambda: relu(b(relu(b(x @ w1)) @ w2 + h)),
        "relu-before-add": lambda: relu(b(relu(b(x @ w1)) @ w2)) + h,
        "relu-preact": lambda: b(relu(b(relu(x) @ w1)) @ w2) + h,
        "preact": lambda: relu(b(relu(b(x)) @ w1)) @ w2 + h,
    }[order]()
    np.testing.assert_allclose(block(mr.tensor(x)).data, expected, rtol=1e-9, atol=1e-12)
    with nn.use_fusion(False):
        np.testing.assert_allclose(block(mr.tensor(x)).data, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("order", blocks.ORDERS)
def test_convolution_blocks_have_the_same_orders(block, order):
    kind = {"basic": models.BasicBlock, "bottleneck": models.Bottleneck}[block]
    made = kind(4, 4, 2, order=order, shortcut="A").double()
    x = mr.tensor(batch(shape=(3, 4, 6, 6)))
    layers = made.layers()
    short = made.shortcut(x)
    y = x
    for i, (weights, norm, act) in enumerate(layers):
        if order == "preact":
            y = weights(act(norm(y)))
        elif order == "relu-preact":
            y = norm(weights(act(y)))
        elif i < len(layers) - 1:
            y = act(norm(weights(y)))
        else:
            y = weights(y)
    _, norm, act = layers[-1]
    expected = {
        "original": lambda: act(norm(y) + short),
        "bn-after-add": lambda: act(norm(y + short)),
        "relu-before-add": lambda: act(norm(y)) + short,
        "relu-preact": lambda: y + short,
        "preact": lambda: y + short,
    }[order]()
    np.testing.assert_allclose(made(x).data, expected.data, rtol=1e-9, atol=1e-12)


BLOCKS = {
    **{
        f"mlp {s}": lambda s=s: models.MLPBlock(4, skip=True, shortcut=s, scale=0.7)
        for s in ("scale", "gate", "exclusive:-1", "C")
    },
    **{
        f"mlp {o}": lambda o=o: models.MLPBlock(4, skip=True, norm="bn", order=o)
        for o in blocks.ORDERS
    },
    "mlp fixup": lambda: models.MLPBlock(4, skip=True, norm="fixup"),
    "mlp skipinit": lambda: models.MLPBlock(4, skip=True, scale=None),
    **{
        f"conv {s}": lambda s=s: models.BasicBlock(2, 4, 2, shortcut=s, norm="none")
        for s in ("scale", "gate", "exclusive")
    },
    "conv preact": lambda: models.BasicBlock(2, 4, 2, order="preact"),
    "conv fixup": lambda: models.BasicBlock(2, 4, 2, norm="fixup"),
    "bottleneck preact": lambda: models.Bottleneck(2, 2, 2, order="preact"),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * (i % 3 > 0)) for i, n in enumerate(BLOCKS)],
)
def test_every_kind_of_block_passes_the_gradient_check(name):
    block = randomised(BLOCKS[name]())
    x = batch(shape=(5, 4) if name.startswith("mlp") else (2, 2, 4, 4))
    report = mr.gradcheck(block, x, max_elements=200)
    assert report.ok, report


def test_dropout_on_the_shortcut_keeps_its_mean_and_ends_in_evaluation():
    block = models.MLPBlock(400, skip=True, shortcut="dropout:0.5")
    for p in block.parameters():
        p.update_(np.zeros(p.shape))
    x = mr.tensor(np.ones((20, 400), np.float32))
    y = block(x).data
    assert set(np.unique(y)) == {0.0, 2.0}
    assert abs(y.mean() - 1) < 0.05
    assert np.array_equal(block.eval()(x).data, x.data)


@pytest.mark.parametrize("shortcut", ["scale", "gate:-6", "exclusive:-6", "C", "dropout"])
def test_nets_of_one_seed_differ_on_their_shortcuts_alone(shortcut):
    make = [
        lambda s: models.mlp_stack(6, 8, "identity", "bn", shortcut=s, in_features=12, seed=3),
        lambda s: models.resnet(14, width=4, shortcut=s, seed=3),
    ]
    for build in make[: 1 if shortcut == "C" else 2]:  # option C of conv nets draws in order
        usual, other = dict(build("A").named_parameters()), dict(build(shortcut).named_parameters())
        assert all(np.array_equal(p.data, other[name].data) for name, p in usual.items())
        added = set(other) - set(usual)
        assert all(".shortcut." in name or ".downsample." in name for name in added)
        assert bool(added) == (shortcut not in ("scale", "dropout"))


def test_parameters_of_the_zoo():
    sizes = {
        s: count(models.mlp_stack(4, 8, "identity", "bn", shortcut=s, seed=0))
        for s in ("A", "scale", "gate", "exclusive", "C", "dropout")
    }
    blocks_, width = 2, 8
    assert sizes["scale"] == sizes["dropout"] == sizes["A"]
    assert sizes["gate"] == sizes["exclusive"] == sizes["A"] + blocks_ * (width * width + width)
    assert sizes["C"] == sizes["A"] + blocks_ * (width * width + 2 * width)


def test_pre_activation_nets_have_the_papers_sizes():
    # The last norm of a stage's channels moves to its end, so 110 layers keep their parameters but
    # for the norms before the convolutions that widen: 16 fewer in each of two blocks, and one at
    # the end of 64 channels for the stem's of 16.
    usual, pre = count(models.resnet110()), count(models.resnet(110, order="preact"))
    assert pre == usual - 2 * 16 - 2 * 32 + 2 * 64 - 2 * 16
    deep = models.resnet(164, block="bottleneck", shortcut="B", order="preact")
    assert abs(count(deep) - 1.7e6) < 0.05e6  # He et al. 2016, Table 4: 1.7M


def test_a_gate_that_is_biased_to_minus_six_lets_everything_pass():
    gate = models.Gate(4, bias=-6)
    gate.weight.update_(np.zeros((4, 4)))
    x = mr.tensor(np.ones((2, 4), np.float32))
    np.testing.assert_allclose(gate(x).data, 1 - 1 / (1 + np.e**6), rtol=1e-6)
    images = mr.tensor(np.ones((2, 4, 3, 3), np.float32))
    np.testing.assert_allclose(gate(images).data, 1 - 1 / (1 + np.e**6), rtol=1e-6)


def test_a_gate_reads_pixels_as_a_convolution_of_one_pixel_does():
    gate = randomised(models.ExclusiveGate(3))
    x, branch = batch(shape=(2, 3, 4, 4)), batch(2, (2, 3, 4, 4))
    rows = [mr.tensor(a.transpose(0, 2, 3, 1).reshape(-1, 3)) for a in (x, branch)]
    expected = gate(*rows).data.reshape(2, 4, 4, 3).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(gate(mr.tensor(x), mr.tensor(branch)).data, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda **o: models.mlp_stack(8, 6, "identity", in_features=10, seed=0, **o),
        lambda **o: models.resnet(14, width=4, norm="none", seed=0, **o),
        lambda **o: models.imagenet_resnet(50, width=2, norm="none", num_classes=10, seed=0, **o),
    ],
    ids=["mlp", "cifar", "imagenet"],
)
def test_fixup_starts_as_the_paper_says(make):
    """Branches and classifier 0, the other weights × L^(-1 / (2m - 2)), scalars 1 and 0."""
    net, usual = make(branch_scale="fixup"), make()
    found = [m for m in net.modules() if isinstance(m, blocks.Block)]
    before = [m for m in usual.modules() if isinstance(m, blocks.Block)]
    depth = len(found[0].layers())
    factor = len(found) ** (-1 / (2 * depth - 2))
    weights = [[weight(w).data for w, _, _ in block.layers()] for block in found]
    drawn = [[weight(w).data for w, _, _ in block.layers()] for block in before]
    for (*others, last), (*others_before, _) in zip(weights, drawn, strict=True):
        assert not last.any()
        for w, w_before in zip(others, others_before, strict=True):
            np.testing.assert_allclose(w, np.float32(factor) * w_before, rtol=1e-6)
    scalars = [p for p in net.parameters() if p.ndim == 0]
    # of each block a bias before each weights and activation and a multiplier; stem, classifier
    stem = 2 if hasattr(net, "conv1") or len(list(net.stem)) else 0
    assert len(scalars) == len(found) * (2 * depth + 1) + stem + 1
    assert {float(p.data) for p in scalars} == {0.0, 1.0}
    x = batch(shape=(4, 10) if hasattr(net, "stem") else (4, 3, 32, 32)).astype(np.float32)
    assert not net(mr.tensor(x)).data.any()


def weight(layer):
    (w,) = (p for p in layer.parameters() if p.ndim >= 2)
    return w


def test_zero_gamma_makes_every_block_its_shortcut_and_moves_gamma_alone():
    net = models.mlp_stack(6, 8, "identity", "bn", branch_scale="zero-gamma", seed=0)
    x = np.abs(batch(shape=(9, 8))).astype(np.float32)
    assert np.array_equal(net.body(mr.tensor(x)).data, x)
    F.cross_entropy(net(mr.tensor(x)), np.arange(9)).backward()
    for block in net.body:
        assert block.norm2.weight.grad.any()
        assert not block.linear1.weight.grad.any()
        assert not block.linear2.weight.grad.any()


def test_skipinit_moves_alpha_alone_in_its_first_step():
    net = models.mlp_stack(6, 8, "preact", branch_scale="skipinit", seed=0)
    x = mr.tensor(batch(shape=(9, 8)).astype(np.float32))
    F.cross_entropy(net(x), np.arange(9)).backward()
    for block in net.body:
        assert block.alpha.grad != 0
        assert not block.linear1.weight.grad.any()
        assert not block.linear2.weight.grad.any()


@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize("scale", ["1/sqrt(blocks)", "skipinit"])
def test_nets_of_every_order_learn(order, scale):
    net = models.mlp_stack(6, 16, "identity", "bn", order=order, branch_scale=scale, seed=0)
    conv = models.resnet(8, width=4, order=order, branch_scale=scale, in_channels=1, seed=0)
    rng = np.random.default_rng(0)
    for model, shape in ((net, (32, 16)), (conv, (32, 1, 8, 8))):
        x, y = rng.standard_normal(shape).astype(np.float32), rng.integers(0, 10, 32)
        sgd = mr.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        losses = []
        for _ in range(30):
            sgd.zero_grad()
            loss = F.cross_entropy(model(mr.tensor(x)), y)
            loss.backward()
            sgd.step()
            losses.append(loss.item())
        assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.resnet(8, shortcut="D"), "A, B, C, scale, gate, exclusive"),
        (lambda: models.resnet(8, shortcut="gate:x"), "a number after gate:"),
        (lambda: models.resnet(8, shortcut="A:1"), "got 'A:1'"),
        (lambda: models.resnet(8, shortcut="dropout:1"), "a probability below 1"),
        (lambda: models.resnet(8, shortcut="gate", skip=False), "a plain net has none"),
        (lambda: models.mlp_stack(4, 8, shortcut="gate"), "got 'gate'; leave it out"),
        (lambda: models.mlp_stack(4, 8, "identity", order="after"), "relu-preact"),
        (lambda: models.mlp_stack(4, 8, "preact", order="bn-after-add"), "preact"),
        (lambda: models.mlp_stack(5, 8, order="preact"), "is odd"),
        (lambda: models.mlp_stack(4, 8, "identity", branch_scale="zero-gamma"), "bn"),
        (
            lambda: models.mlp_stack(4, 8, "preact", "bn", branch_scale="zero-gamma"),
            "at the end of the branch",
        ),
        (lambda: models.resnet(8, branch_scale="fixup"), "without normalisation"),
        (lambda: models.resnet(8, block="wide"), "basic, bottleneck"),
        (lambda: models.resnet(8, block="bottleneck"), "9n"),
    ],
)
def test_what_does_not_go_together_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_function_must_make_a_module():
    with pytest.raises(TypeError, match="expected a Module"):
        models.resnet(8, shortcut=lambda channels: channels)
    with pytest.raises(TypeError, match="a name or a function"):
        models.resnet(8, shortcut=0.5)


def test_names_are_documented():
    for name in shortcuts.NAMES:
        assert f'"{name}' in shortcuts.__doc__
    for name in options.BRANCH_SCALES:
        assert f'"{name}"' in options.__doc__
    for name in blocks.ORDERS:
        assert f'"{name}"' in blocks.__doc__


def test_experiments_build_the_same_nets():
    from minires.experiments.settings import Setting, grid

    setting = Setting("mlp", 4, "identity", "bn", "he", "relu", 8, 0.5, "gate:-2", "relu-preact")
    net = setting.build((8,), 3)
    direct = models.mlp_stack(
        4, 8, "identity", "bn", branch_scale=0.5, shortcut="gate:-2", order="relu-preact", seed=3
    )
    assert all(
        np.array_equal(p.data, q.data)
        for p, q in zip(net.parameters(), direct.parameters(), strict=True)
    )
    (conv,) = grid("conv", [8], ["preact"], ["bn"], ["he"], "relu", 2)
    assert conv.build((1, 8, 8), 0).layer1[0].order == "preact"
    with pytest.raises(ValueError, match="a plain net is nothing else"):
        grid("mlp", [8], ["none", "identity"], ["none"], ["he"], "relu", 8, "fixup")


def test_named_gates_start_at_their_bias_whatever_the_init():
    for init in ("he", "default", "orthogonal"):
        net = models.mlp_stack(4, 8, "identity", "bn", init=init, shortcut="gate:-6", seed=0)
        assert all((block.shortcut.bias.data == -6).all() for block in net.body)
        assert all(block.shortcut.weight.data.std() > 0 for block in net.body)


def test_my_own_shortcut_starts_as_i_made_it():
    def halving(channels):
        layer = nn.Linear(channels, channels)
        layer.weight.update_(np.eye(channels) / 2)
        layer.bias.update_(np.ones(channels))
        return layer

    net = models.mlp_stack(4, 8, "identity", "bn", shortcut=halving, seed=0)
    for block in net.body:
        assert np.array_equal(block.shortcut.weight.data, np.eye(8, dtype=np.float32) / 2)
        assert (block.shortcut.bias.data == 1).all()


@pytest.mark.parametrize("order", ["preact", "relu-preact"])
def test_a_net_of_convolutions_activates_before_its_branches_and_at_its_end(order):
    net = models.resnet(8, width=3, order=order, in_channels=1, seed=0).double()
    x = mr.tensor(batch(shape=(4, 1, 8, 8)))
    y = net.conv1(x)
    if order == "relu-preact":
        y = net.bn1(y)
    assert (y.data < 0).any()
    for block in (*net.layer1, *net.layer2, *net.layer3):
        y = block(y)
    if order == "preact":
        y = net.tail[0](y)
    y = F.relu(y).mean((2, 3))
    np.testing.assert_allclose(net(x).data, net.fc(y).data, rtol=1e-9)


def test_a_gate_acts_on_what_option_a_makes_where_the_shape_changes():
    block = models.BasicBlock(2, 4, 2, shortcut="exclusive:-1").double()
    x = mr.tensor(batch(shape=(3, 2, 6, 6)))
    pad, gate = block.shortcut
    branch = block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x)))))
    short, g = pad(x), gate.opening(pad(x))
    expected = F.relu(short * (1 - g) + branch * g)
    np.testing.assert_allclose(block(x).data, expected.data, rtol=1e-9)
