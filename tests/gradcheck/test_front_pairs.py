"""Forward and backward passes that belong together by their names."""

import types

import pytest

from minires.gradcheck import pairs


def module(text):
    made = types.ModuleType("theirs")
    exec(text, made.__dict__)
    return made


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        ("relu", "relu_backward"),
        ("relu_forward", "relu_backward"),
        ("relu_fwd", "relu_bwd"),
        ("fwd_relu", "bwd_relu"),
        ("forward_relu", "backward_relu"),
        ("conv_forward_naive", "conv_backward_naive"),
        ("reluForward", "reluBackward"),
        ("relu", "relu_bwd"),
        ("relu", "d_relu"),
        ("relu", "drelu"),
        ("relu", "grad_relu"),
        ("relu", "relu_grad"),
        ("relu", "relu_gradient"),
        ("relu", "relu_prime"),
        ("relu", "relu_derivative"),
        ("forward", "backward"),
        ("fwd", "bwd"),
        ("forward", "backward_of_mine"),
    ],
)
def test_conventions(forward, backward):
    found = pairs.pairs(module(f"def {forward}(x): ...\ndef {backward}(dy, x): ..."))
    assert [(p.forward.__name__, p.backward.__name__) for p in found] == [(forward, backward)]


def test_what_is_no_pair():
    text = "def forwards(x): ...\ndef dropout(x): ...\ndef gradient_descent(x): ...\ndef d(x): ..."
    assert pairs.pairs(module(text)) == []


def test_classes_and_several_pairs_but_nothing_imported():
    text = (
        "from textwrap import dedent\n"
        "from minires.ops.elementwise import *\n"
        "from minires import nn, Function\n"
        "class Layer:\n    def forward(self, x): ...\n    def backward(self, dy): ...\n"
        "class Other:\n    def forward(self, x): ...\n"
        "def f(x): ...\ndef g(x): ...\ndef g_backward(dy, x): ...\ndef f_backward(dy, x): ...\n"
    )
    found = pairs.pairs(module(text))
    assert [p.spelled for p in found] == ["Layer", "g,g_backward", "f,f_backward"]


def test_inputs_of_a_pair_come_before_those_of_all():
    made = module("def f(x): ...\ndef f_backward(dy, x): ...\ninputs = (1,)\nf_inputs = (2,)")
    (pair,) = pairs.pairs(made)
    assert pairs.inputs_of(made, pair) == ("f_inputs", (2,))
    del made.f_inputs
    assert pairs.inputs_of(made, pair) == ("inputs", (1,))
    del made.inputs
    assert pairs.inputs_of(made, pair) is None
