"""What PyTorch's users write: powers, extremes, integers, bytes, casts, masks, shapes."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires.tensor import Tensor


def leaf(values, dtype=np.float64):
    return mr.tensor(np.array(values, dtype), requires_grad=True)


def test_numbers_on_either_side_of_a_power():
    x = leaf([1.0, 2.0, -1.0])
    y = 2**x
    assert y.data.tolist() == [2.0, 4.0, 0.5]
    report = mr.gradcheck(lambda x: 3.0**x, x.data)
    assert report.ok, report
    assert (2 ** mr.tensor([1, 3])).dtype == np.float32
    for base in (0, -1.5, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            base**x
    with pytest.raises(TypeError, match="number"):
        x**x
    assert (mr.tensor([2, 3]) ** 2).data.tolist() == [4, 9]
    np.testing.assert_allclose((mr.tensor([4, 9]) ** 0.5).data, [2.0, 3.0])
    np.testing.assert_allclose((mr.tensor([4, 5]) ** -1).data, [0.25, 0.2])


def test_absolute_values_and_extremes():
    x = leaf([-2.0, 3.0, 0.5])
    abs(x).sum().backward()
    assert x.grad.tolist() == [-1.0, 1.0, 1.0]
    for f in (mr.abs, lambda x: x.min(), lambda x: x.reshape(3, 1).min(0), Tensor.abs):
        report = mr.gradcheck(f, x.data)
        assert report.ok, report
    z = mr.tensor(np.array([[3, 200, 7], [9, 1, 1]], np.uint8))
    assert z.min().item() == 1
    assert z.argmax(1).data.tolist() == [1, 0]
    assert z.argmin(1, keepdim=True).shape == (2, 1)
    assert z.argmax().item() == 1
    with pytest.raises(ValueError, match="no elements"):
        mr.tensor(np.zeros((0, 2))).argmax()


def test_integers_become_numbers_indices_and_floats():
    n = mr.tensor([3])
    assert n.item() == 3
    assert isinstance(n.item(), int)
    assert [10, 20, 30, 40][n] == 40
    assert (mr.tensor([1, 2, 2]) == 2).sum().item() == 2
    with pytest.raises(TypeError, match="index"):
        [1, 2][mr.tensor([1.0])]
    assert mr.tensor(True).item() is True


def test_images_of_bytes():
    x = mr.tensor(np.array([[0, 255]], np.uint8))
    for y in (
        x / 255,
        x * (1 / 255),
        x / np.float64(255),
        x.float() / 255,
        x.astype(np.float32) / 255,
    ):
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.data, [[0, 1]], rtol=1e-6)
    w = leaf([[1.0, 2.0]], np.float32)
    ((x / 255 - 0.5) * w).sum().backward()
    np.testing.assert_allclose(w.grad, [[-0.5, 0.5]])
    assert (x + 1).dtype == np.uint8  # integers among themselves are NumPy's
    assert (x / (x + 1).clip(1)).dtype == np.float32
    assert (1.5 - x).dtype == np.float32
    with pytest.raises(TypeError, match=r"astype\(np.float32\)"):
        x.mean()


def test_casts_pass_gradients_between_floats_only():
    x = leaf([1.0, 2.0])
    (x.astype(np.float32) * 3.0).sum().backward()
    assert x.grad.dtype == np.float64
    assert x.grad.tolist() == [3.0, 3.0]
    assert x.to(np.float64) is x
    assert x.to("float32").dtype == x.float().dtype == np.float32
    assert x.float().double().requires_grad
    assert not x.astype(int).requires_grad
    assert x.to("cpu") is x
    for wrong, error in ((complex, TypeError), (object, TypeError), ("gpu", ValueError)):
        with pytest.raises(error, match="expected 'cpu', 'cuda' or a dtype"):
            x.to(wrong)


def test_the_other_byte_order():
    big = np.array([1.0, 2.0], ">f4")
    x = mr.tensor(big, requires_grad=True)
    assert x.dtype.isnative
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    with pytest.raises(TypeError, match="byte order"):
        Tensor(big)
    assert mr.tensor([1, 2], dtype=">i4").dtype.isnative
    assert x.astype(">f8").dtype.isnative
    assert (x * 1.0).shape == (2,)
    with pytest.raises(TypeError, match="real numbers"):
        Tensor(np.zeros(2, complex))
    with pytest.raises(TypeError, match="mask"):
        Tensor(np.ma.array([1.0], mask=[True]))


def test_what_is_no_real_array_is_refused_beside_a_tensor_too():
    x = leaf([1.0, 2.0])
    ones = np.ones(2)
    for wrong, message in (
        (ones.astype(complex), "mul: expected real numbers, got complex128"),
        (ones.astype(object), "mul: expected real numbers, got object"),
        (ones.astype("m8[s]"), "mul: expected real numbers"),
        (ones.astype(">f8"), "byte order"),
        (np.ma.array(ones, mask=[True, False]), "mask"),
        (np.complex64(1), "mul: expected .* got complex64"),
        (np.timedelta64(1), "mul: expected .* got timedelta64"),
        ([1.0, 2.0], "mul: expected .* got list"),
        (None, "mul: expected .* got NoneType"),
    ):
        for product in (lambda w=wrong: x * w, lambda w=wrong: w * x):
            with pytest.raises(TypeError, match=message):
                product()

    class Matrix(np.ndarray):  # as np.matrix, whose `*` is another product
        def __mul__(self, other):
            return self @ other

        __rmul__ = __mul__

    matrix = np.ones((2, 2)).view(Matrix)
    assert (leaf(np.ones((2, 2))) * matrix).data.tolist() == [[1.0, 1.0]] * 2
    assert (x * np.longdouble(2)).dtype == np.float64


def test_limits_of_clip_do_not_change_the_precision():
    x = leaf([0.0, 1.0, 2.0], np.float32)
    y = x.clip(np.float64(0.5), np.int64(3))
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0]
    whole = mr.tensor(np.array([0, 200], np.uint8))
    assert whole.clip(1, 100).dtype == np.uint8
    assert whole.clip(0.5).dtype == np.float32
    for wrong in ("a", x, np.zeros(3)):
        with pytest.raises(TypeError, match="clip: expected"):
            x.clip(wrong)


def test_integers_where_floats_are_needed_are_named_with_the_function():
    x = mr.tensor(np.array([[3, 200]], np.uint8))
    for name, f in (
        ("softmax", F.softmax),
        ("log_softmax", F.log_softmax),
        ("dropout", F.dropout),  # 1 / (1 - p) would be 1 / 0 in integers
        ("mse_loss", lambda x: F.mse_loss(x, x, reduction="sum")),  # 3 - 200 would be 59
        ("var", Tensor.var),
    ):
        with pytest.raises(TypeError, match=rf"{name}: .*uint8.*astype\(np.float32\)"):
            f(x)
    for f in (F.softmax, F.log_softmax, F.sigmoid, F.tanh, F.dropout, F.flatten):
        with pytest.raises(TypeError, match="expected a Tensor, got list"):
            f([[1.0]])


def test_dimensions():
    x = mr.tensor(np.arange(6.0).reshape(2, 3))
    assert x.sum([0, 1]).item() == 15
    for f in (x.max, x.argmax, lambda dim: F.concat([x, x], dim), lambda dim: x.transpose(0, dim)):
        with pytest.raises(TypeError, match="one integer, got"):
            f((0, 1))
    for wrong in (1.0, "a", [None]):
        with pytest.raises(TypeError, match="dim: expected an integer"):
            x.sum(wrong)
    assert F.concat(t for t in (x, x)).shape == (4, 3)
    with pytest.raises(TypeError, match="list of tensors"):
        F.concat(x)
    with pytest.raises(TypeError, match="got list as number 1"):
        F.concat([x, [1.0]])


def test_whether_a_gradient_is_required_is_checked_when_it_is_assigned():
    x = mr.tensor([1.0, 2.0])
    x.requires_grad = True
    (x * 3.0).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="floating"):
        mr.tensor([1, 2]).requires_grad = True
    y = x * 2.0
    with pytest.raises(RuntimeError, match=r"detach\(\)"):
        y.requires_grad = False


def test_a_gradient_that_was_set_to_something_else_is_named_and_nothing_is_stored():
    for wrong in (np.ones(2, np.float32), np.ones(3), mr.tensor(np.ones(2)), [1.0, 2.0], 1.0):
        a, b = leaf([1.0, 2.0]), leaf([1.0, 2.0])
        b.grad = wrong
        with pytest.raises(RuntimeError, match=r"what \.grad was set to"):
            (a * b).sum().backward()
        assert a.grad is None
    w, other = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    y = (w + other).sum()
    w.data = np.zeros(3)
    with pytest.raises(RuntimeError, match="replaced"):
        y.backward()
    assert other.grad is None


def test_names_of_pytorch_say_what_to_write():
    x = leaf([1.0])
    for name, message in (
        ("add_", "no_grad"),
        ("zero_", r"update_\("),
        ("numel", "size"),
        ("clamp", "clip"),
        ("nothing", "has no attribute 'nothing'$"),
    ):
        with pytest.raises(AttributeError, match=message):
            getattr(x, name)
    assert not hasattr(x, "copy_")

    class Odd(Tensor):
        @property
        def half(self):
            return self.missing_too

    with pytest.raises(AttributeError, match="missing_too"):
        Odd(np.zeros(1)).half  # noqa: B018


def test_logic_on_masks():
    x = mr.tensor([-1.0, 0.5, 2.0])
    inside = (x > 0) & (x < 1)
    assert inside.data.tolist() == [False, True, False]
    assert (~inside | (x == 0.5)).data.all()
    assert (inside ^ True).data.tolist() == [True, False, True]
    for wrong in (lambda: x & inside, lambda: ~x, lambda: inside & 1):
        with pytest.raises(TypeError, match="boolean"):
            wrong()


def test_squeeze_and_unsqueeze():
    x = leaf(np.ones((1, 3, 1)))
    assert x.squeeze().shape == (3,)
    assert x.squeeze(0).shape == (3, 1)
    assert x.squeeze(1).shape == (1, 3, 1)
    assert x.unsqueeze(-1).shape == (1, 3, 1, 1)
    assert x.unsqueeze(0).shape == (1, 1, 3, 1)
    x.squeeze().unsqueeze(1).sum().backward()
    assert x.grad.shape == x.shape
    with pytest.raises(ValueError, match="outside"):
        x.unsqueeze(5)
