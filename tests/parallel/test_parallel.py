"""Averaged gradients, batch norm over all ranks and shared draws, against one process."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, nn, optim
from minires.data import ImageLoader, Normalise
from minires.functional import dropout
from minires.parallel import Averaging, Ranks, synchronise
from minires.parallel.rows import Rows, share_generators
from minires.random import using
from minires.train import RECIPES, loop
from minires.train.flow import Flow
from minires.train.schedule import Clock, RecipeLR, optimizer_of

from ..train.conftest import images

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((12, 3, 8, 8)).astype(np.float32), RNG.integers(0, 3, 12)


def net(**options):
    return models.resnet(8, width=4, num_classes=3, seed=1, **options)


def share(comm, a):
    n = len(a) // comm.size
    return a[comm.rank * n : (comm.rank + 1) * n]


def gradients(module):
    return {name: p.grad for name, p in module.named_parameters()}


def backward(module, x, y):
    F.cross_entropy(module(mr.Tensor(x)), y).backward()


def whole(**options):
    module = net(**options)
    backward(module, X, Y)
    return module


def on(comm, sync=True, **options):
    """One rank's pass over its share, with gradients averaged in small buckets."""
    module = net(**options)
    if sync:
        synchronise(module, comm)
    with Averaging(module.parameters(), comm, bucket_bytes=2000):
        backward(module, share(comm, X), share(comm, Y))
    return module


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("norm", ["bn", "none"])
def test_ranks_get_the_gradients_of_the_whole_batch(among, size, norm):
    expected = whole(norm=norm)
    ranks = among(size, lambda comm: on(comm, norm=norm))
    for name, g in gradients(expected).items():
        for module in ranks:
            np.testing.assert_allclose(gradients(module)[name], g, rtol=2e-4, atol=2e-6)
        same = {gradients(module)[name].tobytes() for module in ranks}
        assert len(same) == 1, "all ranks must move alike"
    for name, b in expected.named_buffers():
        for module in ranks:
            np.testing.assert_allclose(dict(module.named_buffers())[name], b, rtol=1e-5, atol=1e-6)


def test_without_synchronisation_statistics_are_those_of_each_share(among):
    expected = whole()
    first, second = among(2, lambda comm: on(comm, sync=False))
    name = "conv1.weight"
    assert np.abs(gradients(first)[name] - gradients(expected)[name]).max() > 1e-3
    mean = dict(expected.named_buffers())["bn1.running_mean"]
    parts = [dict(m.named_buffers())["bn1.running_mean"] for m in (first, second)]
    assert np.abs(parts[0] - mean).max() > 1e-4
    np.testing.assert_allclose(sum(parts) / 2, mean, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 2, 2), (2, 3)])
def test_the_gradient_of_synchronised_batch_norm_is_the_difference_quotient(among, shape, affine):
    """Central differences in float64 of a loss over all ranks, with respect to x, weight, bias."""
    rng = np.random.default_rng(1)
    x, slope = 3 + 2 * rng.standard_normal((2, *shape))
    kind = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d

    def loss(comm, x, grad=False):
        norm = kind(3, affine=affine)
        norm.double()
        synchronise(norm, comm)
        part = mr.Tensor(share(comm, x), requires_grad=True)
        value = (norm(part).tanh() * mr.Tensor(share(comm, slope))).sum()
        if grad:
            value.backward()
            return part.grad, [comm.sum(p.grad.copy()) for p in norm.parameters()]
        return value.item()

    (first, parameters), (second, _) = among(2, lambda comm: loss(comm, x, grad=True))
    found, step = np.concatenate([first, second]), 1e-5
    for i in [(0, 0), (len(x) - 1, 2)]:
        i = (*i, *(1,) * (x.ndim - 2))
        sides = []
        for sign in (1, -1):
            moved = x.copy()
            moved[i] += sign * step
            sides.append(sum(among(2, lambda comm, moved=moved: loss(comm, moved))))
        assert found[i] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6, abs=1e-8)
    if affine:  # and those of the parameters are one process's
        one = kind(3)
        one.double()
        (one(mr.Tensor(x)).tanh() * mr.Tensor(slope)).sum().backward()
        for p, g in zip(one.parameters(), parameters, strict=True):
            np.testing.assert_allclose(g, p.grad, rtol=1e-9)


def test_sums_are_started_in_order_before_backward_has_ended(among):
    meetings = []

    def run(comm):
        module = net(norm="none")
        meetings.append(comm.meeting)
        handle = module.conv1.weight.register_hook(
            lambda g: comm.meeting.log.append(("backward is at the first layer", comm.rank))
        )
        averaging = Averaging(module.parameters(), comm, bucket_bytes=2000)
        with averaging:
            backward(module, share(comm, X), share(comm, Y))
        handle.remove()
        return [bucket.flat.size for bucket in averaging.buckets]

    sizes = among(2, run)[0]
    log = meetings[0].log
    assert [size for what, size in log if what == "start"] == sizes
    before = log[: log.index(("backward is at the first layer", 0))]
    assert len([what for what, _ in before if what == "start"]) == len(sizes) - 1 > 3
    assert not [what for what, _ in before if what == "wait"]


def test_parameters_that_take_no_part_keep_none(among):
    def run(comm):
        used, idle = nn.Linear(3, 2), nn.Linear(3, 2)
        averaging = Averaging([*idle.parameters(), *used.parameters()], comm, bucket_bytes=1)
        for _ in range(2):
            with averaging:
                used(mr.Tensor(share(comm, X[:, :, 0, 0]))).sum().backward()
            assert idle.weight.grad is None
            grad, used.weight.grad, used.bias.grad = used.weight.grad, None, None
        averaging.remove()
        used(mr.Tensor(share(comm, X[:, :, 0, 0]))).sum().backward()  # on its own
        with pytest.raises(RuntimeError, match="zero_grad"):
            averaging.__enter__()
        return grad

    for grad in among(2, run):
        np.testing.assert_allclose(grad, np.tile(X[:, :, 0, 0].sum(axis=0) / 2, (2, 1)), rtol=1e-5)


def test_dropout_draws_the_masks_of_one_process(among):
    ones = mr.Tensor(np.ones((12, 5), np.float32))
    with using(np.random.default_rng(3)):
        expected = dropout(ones, 0.5).data
        after = mr.random.generator().random()

    def run(comm):
        with using(Ranks(comm).generator(3)):
            drawn = dropout(mr.Tensor(share(comm, ones.data)), 0.5).data
            return drawn, mr.random.generator().random()

    parts, then = zip(*among(3, run), strict=True)
    assert (np.concatenate(parts) == expected).all()
    assert set(then) == {after}, "a draw without a shape is one for all"


def test_generators_of_modules_draw_for_all_ranks(among):
    module = nn.ReLU()
    module.rng = np.random.default_rng(5)
    share_generators(module, 1, 2)
    assert isinstance(module.rng, Rows)
    assert (module.rng.random((2, 3)) == np.random.default_rng(5).random((4, 3))[2:]).all()


def test_shares_of_a_batch_are_its_rows():
    data = images(50, "train")
    normalise = Normalise.of(data)
    make = lambda part: ImageLoader(  # noqa: E731
        data, 12, normalise=normalise, seed=4, drop_last=True, workers=0, share=part
    )
    parts = [list(make((rank, 3)).batches(2)) for rank in range(3)]
    for i, (x, y) in enumerate(make((0, 1)).batches(2)):
        assert (np.concatenate([part[i][0] for part in parts]) == x).all()
        assert (np.concatenate([part[i][1] for part in parts]) == y).all()
    with pytest.raises(ValueError, match="5 equal parts"):
        make((0, 5))


def test_an_error_of_rank_0_is_raised_on_all(among):
    def fails():
        raise FileExistsError("the folder is in use")

    def run(comm):
        with pytest.raises(FileExistsError, match="in use"):
            comm.first(fails)
        return comm.first(lambda: "value")

    assert among(2, run) == ["value", "value"]


def test_ranks_of_different_nets_refuse_to_begin(among):
    def run(comm):
        with pytest.raises(ValueError, match="rank 1 is not that of rank 0"):
            Ranks(comm).begin(nn.Linear(3, 2 + comm.rank))

    among(2, run)


def test_what_ranks_cannot_do_together_is_refused(among):
    ranks = among(3, Ranks)[1]
    with pytest.raises(ValueError, match="shared equally by 3 ranks; choose 126"):
        ranks.require(128)
    ranks.require(126)
    Ranks().require(128)


def test_ranks_go_by_the_clock_of_the_first(among):
    """Those of the others are ahead, by more than the training takes."""
    recipe = RECIPES["he2015"].changed(minutes=1)

    def run(comm):
        ranks, clock = Ranks(comm), Clock(before=100 * comm.rank + 15)
        ranks.go_by(clock)
        module = nn.Linear(3, 2)
        schedule = RecipeLR(optimizer_of(module, recipe), recipe, None, clock)
        before = schedule.done(0)
        ranks.agree(1.0, 0, 4)
        schedule.step()
        return before, schedule.done(1), schedule.get_last_lr()

    first, *others = among(3, run)
    assert first[0] == 0
    assert 0.25 < first[1] < 0.9
    assert others == [first, first]


@pytest.mark.parametrize(
    ("options", "mlp"),
    [({"norm": "bn"}, False), ({"norm": "none", "skip": "none"}, False), ({}, True)],
)
def test_records_of_ranks_are_those_of_one_process(among, options, mlp):
    def train(ranks, x, y):
        module = net(**options)
        if mlp:
            module, x = models.mlp_stack(8, 24, in_features=192, seed=2), x.reshape(len(x), -1)
        ranks.begin(module)
        flow = Flow(1, ranks)
        watched = {"watch": lambda index: flow.recorder(module, index)}
        watched |= {"ranks": ranks} if ranks.size > 1 else {}
        optimizer = optim.SGD(module.parameters(), lr=0.1)
        for step in loop.train(module, optimizer, [(x, y)] * 2, clip=0.5, **watched):
            flow.take(step.index + 1, step.loss)
        return flow.rows

    expected = train(Ranks(), X, Y)
    found = among(2, lambda comm: train(Ranks(comm, True), share(comm, X), share(comm, Y)))
    assert found[1] == found[0]
    assert len(found[0]) == len(expected) >= 8
    assert not mlp or any(row["dead_relu"] for row in expected)
    for row, wanted in zip(found[0], expected, strict=True):
        for name, value in wanted.items():
            number = isinstance(value, float)
            same = pytest.approx(value, rel=2e-4, abs=1e-9) if number else value
            assert row[name] == same, (row["name"], name)


def test_calls_that_share_a_matrix_have_no_gradient_of_their_own_among_ranks(among):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.shared = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.shared(F.relu(self.shared(self.first(x))))

    x = RNG.standard_normal((6, 4)).astype(np.float32)

    def run(comm):
        module, flow = Twice(), Flow(1, ranks := Ranks(comm))
        ranks.begin(module)
        optimizer = optim.SGD(module.parameters(), lr=0.1)
        batch = [(share(comm, x), share(comm, Y[:6]))]
        watch = lambda index: flow.recorder(module, index)  # noqa: E731
        for step in loop.train(module, optimizer, batch, watch=watch, ranks=ranks):
            flow.take(1, step.loss)
        return [(row["name"], row["dw_norm"] is None) for row in flow.rows]

    assert among(2, run)[0] == [("first", False), ("shared", True), ("shared", True)]
