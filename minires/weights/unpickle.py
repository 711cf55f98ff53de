"""A reader of pickles that makes plain values and runs nothing that the file names.

A pickle is a program for a machine with a stack. This one knows what `torch.save` uses: numbers,
text, tuples, lists, dicts, and calls of functions. A name in the file (`torch._utils…`) is looked
up in a table that the caller gives, of functions of ours; nothing is ever imported. Everything
else is refused. Keys of dicts that are neither text nor integers of 64 bits become an OddKey: to
hash a tuple of tuples of tuples, or integers made to collide, takes for ever.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

from .numbers import LARGEST, text

MOST_STEPS = 1_000_000  # ResNet-1202 with its momentum has 0.2 million
MOST_ARGUMENTS = 20  # of a call; PyTorch's have up to 8
MOST_BYTES_OF_INTEGER = 16  # the longest that PyTorch writes has 10
WRITES = "torch.save(net.state_dict(), path) writes nothing of that kind"

_OPERATIONS = {kind.code: kind for kind in pickletools.opcodes}


class Name(NamedTuple):
    """A class or function that the file names, and what stands for it here."""

    name: str
    make: Callable[..., Any] | None  # None: it may be named, not called


class Opaque(NamedTuple):
    """Stands for an object beside the weights whose class is known to be harmless: not made."""

    kind: str


class OddKey:
    """Stands for the key of a dict that is neither text nor an integer of 64 bits."""


Table = Mapping[str, Callable[..., Any] | None]


class Machine:
    """Runs one pickle; see the module."""

    def __init__(
        self, file: BinaryIO, table: Table, persistent: Callable[[Any], Any] | None = None
    ) -> None:
        self.file, self.table, self.persistent = file, table, persistent
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the value that the pickle describes, and leave the file behind its end.

        Raises ValueError for what is damaged, not allowed, or has too many steps.
        """
        for _ in range(MOST_STEPS):
            code = self.file.read(1)
            if not code:
                raise ValueError("the pickle ends early: the file is cut off or damaged")
            kind = _OPERATIONS.get(code.decode("latin-1"))
            if kind is None:
                raise ValueError(f"the pickle is damaged: there is no operation {code!r}")
            step = _STEPS.get(kind.name)
            if step is None and kind.name != "STOP":
                raise ValueError(f"the pickle's operation {kind.name} is refused; {WRITES}")
            argument = None
            if kind.name == "GLOBAL":
                argument = f"{self.line()}.{self.line()}"
            elif kind.arg is not None:
                argument = kind.arg.reader(self.file)
            try:
                if step is None:
                    return self.stack.pop()
                step(self, argument)
            except (IndexError, KeyError):
                why = f"the pickle is damaged: {kind.name} finds no value on the stack or memo"
                raise ValueError(why) from None
        raise ValueError(f"the pickle has more than {MOST_STEPS:,} steps")

    def line(self) -> str:
        """Return a line of the file, which is a part of a name."""
        line = self.file.readline(1000)
        if not line.endswith(b"\n"):
            raise ValueError("the pickle is damaged: a name does not end")
        return line[:-1].decode("utf-8")

    # ---- steps ----------------------------------------------------------------------------------
    def push(self, value: Any) -> None:
        """Push a value: what an operation carries with it."""
        if type(value) is int and value.bit_length() > 8 * MOST_BYTES_OF_INTEGER:
            raise ValueError(f"an integer of {value.bit_length() // 8} bytes; {WRITES}")
        self.stack.append(value)

    def mark(self) -> None:
        """Begin the items of a tuple, list or dict."""
        self.marks.append(self.stack)
        self.stack = []

    def items(self) -> list[Any]:
        """Return what was pushed since the last mark, and take it off."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def tuple_of(self, n: int) -> None:
        """Put the last n values into a tuple."""
        if len(self.stack) < n:
            raise IndexError
        self.stack[-n:] = [tuple(self.stack[-n:])]

    def name(self, full: str) -> None:
        """Push what stands for a class or function."""
        if full not in self.table:
            raise ValueError(
                f"refused: the file asks for {text(full)[1:-1]}, which weights never need. If it "
                "holds a whole net, and you trust it: load it in PyTorch, and there "
                "torch.save(net.state_dict(), path)"
            )
        self.stack.append(Name(full, self.table[full]))

    def named(self) -> None:
        """Push what the two texts on the stack name."""
        last, first = self.stack.pop(), self.stack.pop()
        if type(last) is not str or type(first) is not str:
            raise ValueError("the pickle is damaged: a name is no text")
        self.name(f"{first}.{last}")

    def call(self) -> None:
        """Replace a function and its arguments by the result."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(function) is not Name or function.make is None or type(arguments) is not tuple:
            what = function.name if type(function) is Name else text(function)
            raise ValueError(f"refused: a call of {what}; {WRITES}")
        if len(arguments) > MOST_ARGUMENTS:  # a tuple of many would be gone through at every call
            raise ValueError(f"refused: a call with {len(arguments):,} arguments; {WRITES}")
        try:
            self.stack.append(function.make(*arguments))
        except TypeError:
            raise ValueError(
                f"the call of {function.name} has wrong arguments ({len(arguments)} of them)"
            ) from None

    def build(self) -> None:
        """Drop the attributes of an object; an OrderedDict has `_metadata`."""
        self.stack.pop()
        if type(self.stack[-1]) not in (dict, Opaque):
            raise ValueError(f"refused: attributes for {text(self.stack[-1])}; {WRITES}")

    def append(self, values: list[Any]) -> None:
        """Add to the list on the stack."""
        target = self.stack[-1]
        if type(target) is list:
            target.extend(values)
        elif type(target) is not Opaque:
            raise ValueError(f"the pickle is damaged: it appends to {text(target)}")

    def store(self, pairs: list[Any]) -> None:
        """Set keys and values of the dict on the stack."""
        target = self.stack[-1]
        if type(target) is not Opaque:
            fill(target, pairs[::2], pairs[1::2])

    def load_persistent(self) -> None:
        """Replace an identifier by what it stands for."""
        if self.persistent is None:
            raise ValueError("the pickle is damaged: an identifier of a storage where none can be")
        self.stack.append(self.persistent(self.stack.pop()))

    def remember(self, place: int) -> None:
        """Keep the value on the stack for later."""
        self.memo[place] = self.stack[-1]


def fill(target: Any, keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    """Set keys of a dict. ValueError if it is none, or a value is missing."""
    if type(target) is not dict or len(keys) != len(values):
        raise ValueError("the pickle is damaged: it sets keys of what is no dict, or lacks a value")
    for key, value in zip(keys, values, strict=True):
        plain = type(key) is str or (type(key) is int and abs(key) < LARGEST)
        target[key if plain else OddKey()] = value
    return target


def _constant(value: Any) -> Callable[[Machine, Any], None]:
    return lambda m, _: m.stack.append(value)


def _list(machine: Machine, _: Any) -> None:
    items = machine.items()
    machine.stack.append(items)


def _dict(machine: Machine, _: Any) -> None:
    items = machine.items()
    machine.stack.append(fill({}, items[::2], items[1::2]))


def _tuple(machine: Machine, _: Any) -> None:
    items = machine.items()
    machine.stack.append(tuple(items))


def _nothing(machine: Machine, _: Any) -> None:
    """PROTO and FRAME say nothing that is needed."""


_STEPS: dict[str, Callable[[Machine, Any], None]] = {
    **dict.fromkeys(
        [
            "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT",
            "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING",
            "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
        ],
        Machine.push,
    ),
    **dict.fromkeys(["PROTO", "FRAME"], _nothing),
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "EMPTY_TUPLE": _constant(()),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": _constant(Opaque("set")),
    "MARK": lambda m, _: m.mark(),
    "TUPLE": _tuple,
    "TUPLE1": lambda m, _: m.tuple_of(1),
    "TUPLE2": lambda m, _: m.tuple_of(2),
    "TUPLE3": lambda m, _: m.tuple_of(3),
    "LIST": _list,
    "DICT": _dict,
    "APPEND": lambda m, _: m.append([m.stack.pop()]),
    "APPENDS": lambda m, _: m.append(m.items()),
    "ADDITEMS": lambda m, _: m.append(m.items()),
    "SETITEM": lambda m, _: m.store([m.stack.pop(-2), m.stack.pop()]),
    "SETITEMS": lambda m, _: m.store(m.items()),
    "GLOBAL": Machine.name,
    "STACK_GLOBAL": lambda m, _: m.named(),
    "REDUCE": lambda m, _: m.call(),
    "NEWOBJ": lambda m, _: m.call(),
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": lambda m, _: m.load_persistent(),
    "BINPUT": Machine.remember,
    "LONG_BINPUT": Machine.remember,
    "MEMOIZE": lambda m, _: m.remember(len(m.memo)),
    "BINGET": lambda m, place: m.stack.append(m.memo[place]),
    "LONG_BINGET": lambda m, place: m.stack.append(m.memo[place]),
}  # fmt: skip
