"""What compiled code calls becomes machine code within its callers only."""

import gc

import numba
import numpy as np
import pytest
from numba.core.codegen import JITCodeLibrary
from numba.core.registry import cpu_target

from minires_kernels.cpu.machine.jit import jit_inner
from minires_kernels.cpu.machine.whole import Part, Whole


@jit_inner
def rising(n):
    values = np.empty(n, np.int16)
    for i in range(n):
        values[i] = i
    return values


@jit_inner
def total(n):
    return rising(n).sum()


@numba.njit(pipeline_class=Whole)
def kernel(n):
    return total(n) + 1


@numba.njit
def in_the_usual_way(n):
    return np.empty(n, np.int16).size + total(n)


@numba.njit(pipeline_class=Whole)
def wrong(n):
    return total(n).no_such_attribute


def libraries(*functions):
    return [type(result.library) for f in functions for result in f.overloads.values()]


def add_to(found, call):
    return lambda argument: (found.append(argument), call(argument))[1]


def test_a_kernel_is_machine_code_and_what_it_calls_is_part_of_it(monkeypatch):
    codegen, modules = cpu_target.target_context.codegen(), []
    monkeypatch.setattr(codegen._engine, "add_module", add_to(modules, codegen._engine.add_module))
    assert kernel(4) == 7
    assert {m.name for m in modules} & {"kernel", "total", "rising"} == {"kernel"}
    assert libraries(kernel, total, rising) == [JITCodeLibrary, Part, Part]


def test_functions_compiled_in_numbas_own_way_can_call_parts():
    assert kernel(4) + in_the_usual_way(4) == 7 + 10
    assert libraries(in_the_usual_way) == [JITCodeLibrary]


def test_what_is_set_aside_while_a_kernel_is_compiled_comes_back():
    codegen = cpu_target.target_context.codegen()
    with pytest.raises(numba.TypingError, match="no_such_attribute"):
        wrong(4)
    assert gc.isenabled()
    assert codegen._library_class is JITCodeLibrary
