"""Observers see what runs, and nothing that they see changes what is computed."""

import copy
import math
import pickle
import threading
import weakref
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models
from minires.drawing import WIDTH


class Log(mr.Observer):
    def __init__(self):
        self.events = []

    def ran(self, function, inputs, options, y):
        self.events.append(("ran", function.__name__, y.shape))

    def branched(self, choice):
        self.events.append(("branched", choice().sum()))

    def passing(self, node, dy):
        self.events.append(("passing", node.name, dy.shape))

    def storing(self, tensor):
        self.events.append(("storing", tensor.shape))

    def stepping(self, optimizer, moves):
        self.events.append(("stepping", type(optimizer).__name__, len(moves)))


def test_everything_that_happens_is_told_in_order():
    x = mr.tensor([1.0, -2.0], requires_grad=True)
    log = Log()
    with mr.watching(log) as same:
        assert same is log
        (x * 3.0).relu().sum().backward()
        mr.optim.SGD([x], lr=0.1).step()
    x * 2.0  # nobody looks on any more
    assert log.events == [
        ("ran", "Mul", (2,)),
        ("branched", 1),
        ("ran", "ReLU", (2,)),
        ("ran", "Sum", ()),
        ("passing", "Sum", ()),
        ("passing", "ReLU", (2,)),
        ("passing", "Mul", (2,)),
        ("passing", "leaf", (2,)),
        ("storing", (2,)),
        ("stepping", "SGD", 1),
    ]


def test_observers_nest_and_belong_to_their_thread():
    outer, inner, other = Log(), Log(), Log()
    x = mr.tensor([1.0])

    def elsewhere():
        with mr.watching(other):
            x * 2.0

    with mr.watching(outer):
        with mr.watching(inner), mr.watching(inner):
            x * 2.0
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        with pytest.raises(ZeroDivisionError), mr.watching(inner):
            raise ZeroDivisionError
        x + 1.0
    assert [e[1] for e in outer.events] == ["Mul", "Add"]
    assert [e[1] for e in inner.events] == ["Mul", "Mul"]
    assert [e[1] for e in other.events] == ["Mul"]


def test_blocks_of_watching_end_in_any_order_and_decorate():
    a, b, x = Log(), Log(), mr.tensor([1.0])
    first, second = mr.watching(a), mr.watching(b)
    first.__enter__()
    second.__enter__()
    first.__exit__()
    x * 2.0
    second.__exit__()
    second.__exit__()  # one too many: another's block, or one of another thread
    assert (len(a.events), len(b.events)) == (0, 1)

    log = Log()
    again = mr.watching(log)

    @again
    def numbers():
        yield x * 2.0
        yield x * 2.0

    for _ in numbers():
        x + 1.0  # the consumer is not within the block
    with again, again:
        x - 1.0
    assert [e[1] for e in log.events] == ["Mul", "Mul", "Sub", "Sub"]
    for wrong in (3, mr.FlopCounter):
        with pytest.raises(TypeError, match="expected an Observer"):
            mr.watching(wrong)


def test_an_observer_may_compute():
    class Sums(mr.Observer):
        sums = ()

        def ran(self, function, inputs, options, y):
            self.sums = (*self.sums, (y * 1.0).sum().item())

        def passing(self, node, dy):
            (mr.tensor(dy) * 2.0).sum()

    x = mr.tensor([1.0, 2.0], requires_grad=True)
    with mr.watching(Sums()) as sums:
        (x * 2.0).sum().backward()
        x + 1.0
    assert sums.sums == (6.0, 6.0, 5.0)
    assert x.grad.tolist() == [2.0, 2.0]


def test_an_observer_that_raises_leaves_no_half_stored_gradients():
    class Picky(Log):
        def storing(self, tensor):
            super().storing(tensor)
            if len(self.events) > 4:
                raise ArithmeticError("on purpose")

    a, b = (mr.tensor([1.0], requires_grad=True) for _ in range(2))
    with pytest.raises(ArithmeticError), mr.watching(Picky()):
        (a * b).backward()
    assert (a.grad, b.grad) == (None, None)
    (a * b).backward()
    assert a.grad.tolist() == b.grad.tolist() == [1.0]


def small_net():
    net = models.resnet(8, width=4, in_channels=1, seed=0)
    x = mr.tensor(np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype(np.float32))
    return net, x


def test_flops_of_a_resnet_are_those_counted_by_hand():
    net, x = small_net()
    with mr.watching(mr.FlopCounter()) as counter:
        F.cross_entropy(net(x), np.array([1, 2])).backward()
    n, w = 2, 4  # images, channels of the first stage; stages of 8×8, 4×4 and 2×2 pixels
    convolutions = [(1, w, 64), (w, w, 64), (w, w, 64), (w, 2 * w, 16), (2 * w, 2 * w, 16)]
    convolutions += [(2 * w, 4 * w, 4), (4 * w, 4 * w, 4)]
    each = [2 * n * pixels * k * c * 9 for c, k, pixels in convolutions]
    assert counter.forward["Conv2d"] == sum(each)
    assert counter.backward["Conv2d"] == 2 * sum(each) - each[0]  # no gradient of the images
    assert counter.calls["Conv2d"] == 7
    assert counter.forward["Linear"] == 2 * n * 4 * w * 10
    assert counter.forward["Reshape"] == 0
    rows = counter.rows()
    assert rows[0]["function"] == "Conv2d"
    assert math.isclose(sum(row["share"] for row in rows), 1)
    assert sum(r["forward"] + r["backward"] for r in rows) == counter.total
    assert f"{sum(each):,}" in str(counter)


def test_flops_of_products_and_elements():
    a, b = mr.tensor(np.ones((3, 4, 5))), mr.tensor(np.ones((5, 6)), requires_grad=True)
    with mr.watching(mr.FlopCounter()) as counter, mr.no_grad():
        (a @ b).exp()
    assert counter.forward == {"MatMul": 2 * 3 * 4 * 5 * 6, "Exp": 3 * 4 * 6}
    assert counter.backward.total() == 0
    assert str(mr.FlopCounter()).splitlines()[-1].startswith("all")  # nothing ran: an empty table


def test_a_transposed_convolution_costs_what_its_convolution_does():
    x, w = np.ones((2, 4, 5, 6)), np.ones((4, 3, 3, 3))
    with mr.watching(mr.FlopCounter()) as counter:
        y = F.conv_transpose2d(mr.tensor(x), mr.tensor(w, requires_grad=True), None, 2, 1)
        y.sum().backward()
        F.conv2d(y.detach(), mr.tensor(w), None, 2, 1)
    assert counter.forward["ConvTranspose2d"] == counter.forward["Conv2d"] == 12960
    assert counter.backward["ConvTranspose2d"] == 12960  # dw alone


def test_the_drawing_shows_blocks_names_and_gradients(tmp_path):
    net, x = small_net()
    with mr.watching(mr.GraphDrawing(net.named_parameters())) as drawing:
        loss = F.cross_entropy(net(x), np.array([1, 2]))
        loss.backward()
    path = drawing.save(tmp_path / "graph.svg")
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("Conv2d") == 7
    assert "layer1.0.conv1.weight" in texts
    assert "data" in texts
    fc = np.linalg.norm(net.fc.weight.grad.astype(np.float64).ravel())
    assert f"10×16  ‖∂L‖ {fc:.1e}" in texts
    around = [p for p in root.iter("{http://www.w3.org/2000/svg}path") if p.get("stroke-width")]
    assert len(around) == 3  # one arrow around the branch for each residual block
    rects = [
        (float(r.get("x")), float(r.get("y")))
        for r in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert len(set(rects)) == len(rects)  # no box lies on another


def test_a_leaf_that_skips_operations_is_led_around_them():
    x = mr.tensor(2.0, requires_grad=True)
    with mr.watching(mr.GraphDrawing([("x", x)])) as drawing:
        x + x.relu().exp()
    root = ET.fromstring(drawing.svg())
    lines = root.iter("{http://www.w3.org/2000/svg}path")
    (around,) = [p.get("d") for p in lines if p.get("stroke-width")]
    down = float(around.split("M")[1].split(",")[0])
    boxes = [float(r.get("x")) for r in root.iter("{http://www.w3.org/2000/svg}rect")]
    passed = [left for left in boxes if left <= down <= left + WIDTH]
    assert passed == [min(boxes)]  # only its own box stands in the column of the line


def test_drawings_of_little_and_of_names_with_markup():
    assert ET.fromstring(mr.GraphDrawing().svg()).tag.endswith("svg")
    w = mr.tensor([1.0], requires_grad=True)
    with mr.watching(mr.GraphDrawing([("<w> & more", w)])) as drawing:
        w + w
    assert "&lt;w&gt; &amp; more" in drawing._repr_svg_()


def test_looking_on_changes_no_bit():
    def gradients(*observers):
        net, x = small_net()
        with mr.watching(observers[0]) if observers else mr.enable_grad():
            F.cross_entropy(net(x), np.array([1, 2])).backward()
        return [p.grad for p in net.parameters()]

    plain = gradients()
    for observer in (mr.Observer(), mr.FlopCounter(), mr.GraphDrawing()):
        for a, b in zip(plain, gradients(observer), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_counts_and_drawings_survive_copies_and_pickles(way):
    w = mr.tensor([1.0], requires_grad=True)
    counter, drawing = mr.FlopCounter(), mr.GraphDrawing([("w", w)])
    with mr.watching(counter), mr.watching(drawing):
        y = w
        for _ in range(400):  # deeper than Python's recursion goes
            y = y + w
        y.backward()
    text, picture = str(counter), drawing.svg()
    twins = way(counter), way(drawing)
    assert (str(twins[0]), twins[1].svg()) == (text, picture)
    with mr.watching(twins[0]), mr.watching(twins[1]):
        w * 2.0
    assert twins[0].calls == {"Add": 400, "Mul": 1}
    assert twins[1].svg().count("<rect") == picture.count("<rect") + 2
    assert (str(counter), drawing.svg()) == (text, picture)


def test_a_counter_keeps_no_graph_alive():
    x = mr.tensor(np.ones(1000), requires_grad=True)
    with mr.watching(mr.FlopCounter()) as counter:
        y = (x * 2.0).exp()
        saved = weakref.ref(y.node.ctx)
        del y
    assert counter.calls == {"Mul": 1, "Exp": 1}
    assert saved() is None
