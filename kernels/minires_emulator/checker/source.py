"""What a CUDA file holds: its `__global__` functions, and comments that speak to the checker.

This is no parser of C++. It splits the text into tokens, follows braces to know the namespaces, and
reads the heads of kernels. Kernels that a macro writes out are not seen, nor is code in `#if 0`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LARGEST = 2**20  # bytes of a source file
DEEPEST = 100  # braces; namespaces further in are not followed

# Every alternative matches what it begins, if need be to the end of the text: linear time.
_TOKEN = re.compile(
    r"""
      (?P<comment>   //(?:\\\n|[^\n])* | /\*.*?(?:\*/|\Z) )
    | (?P<directive> ^[ \t]*\#(?:\\\n|[^\n])* )
    | (?P<string>    R"(?P<end>[^()\\\s]{0,16})\(.*?(?:\)(?P=end)"|\Z)
                   | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? )
    | (?P<number>    \d[\w.']* )
    | (?P<word>      [^\W\d]\w* | :: | \S )
    """,
    re.X | re.S | re.M,
)
_TYPES = "void bool char short int long float double signed unsigned const volatile struct"
_ENDS = ("{", "}", ";", "__global__")  # of the head of a function, complete or not


@dataclass(frozen=True)
class Kernel:
    """A `__global__` function: its name with namespaces, line, parameter names, and if a template.

    `parameters` has a tuple for each definition: branches of an #if may hold several.
    """

    name: str
    line: int
    parameters: tuple[tuple[str, ...], ...]
    template: bool


@dataclass(frozen=True)
class Source:
    """A file: path, text, kernels by name, and what `// check:` comments say, with their lines."""

    path: Path
    text: str
    kernels: dict[str, Kernel]
    comments: tuple[tuple[int, str], ...]

    @property
    def file(self) -> str:
        """The name for messages and #line directives: the file's own, without odd characters."""
        return re.sub(r"[^\w.+-]", "_", self.path.name)


def read(path: Path) -> Source:
    """Read a file; raises OSError or ValueError that says what is wrong with it."""
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    if not path.is_file():
        raise ValueError(f"{path} is no file; expected CUDA C++ source")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has more than {LARGEST >> 20} MiB; expected CUDA C++ source")
    data = path.read_bytes()
    if b"\0" in data:
        raise ValueError(f"{path} is a binary file; expected CUDA C++ source")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{line}: not UTF-8: {error.reason}; save it as UTF-8") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tokens = [t for t in _tokens(text) if not t.dead]
    kernels: dict[str, Kernel] = {}
    for found in _kernels([t for t in tokens if t.kind != "comment"]):
        known = kernels.get(found.name)
        if known is None:
            kernels[found.name] = found
        elif found.parameters[0] not in known.parameters:
            both = known.parameters + found.parameters
            kernels[found.name] = Kernel(known.name, known.line, both, known.template)
    if not kernels:
        raise ValueError(
            f"{path} has no __global__ function" + ("; it is empty" if not text.strip() else "")
        )
    return Source(path, text, kernels, tuple(_comments(tokens)))


@dataclass(frozen=True)
class _Token:
    kind: str  # comment, directive, string, number, word (also single punctuation marks)
    text: str
    line: int
    dead: bool  # is it within #if 0?


def _tokens(text: str) -> Iterator[_Token]:
    line, at = 1, 0
    dead = 0  # how many #if are open since an #if 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        kind, content = match.lastgroup or "string", match[0]
        if kind == "directive":
            word = re.sub(r"[\s#]+", " ", content).strip()
            if dead:
                dead += word.startswith("if") - word.startswith("endif")
                dead -= dead == 1 and word.startswith("el")
            else:
                dead = int(word == "if 0")
            continue
        yield _Token("string" if kind == "end" else kind, content, line, dead > 0)


def _comments(tokens: Sequence[_Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        found = (
            re.match(r"//\s*(?:check|lint):(.*)", token.text, re.S)
            if token.kind == "comment"
            else None
        )
        if found:
            yield token.line, " ".join(re.sub(r"\\\n\s*(//)?", " ", found[1]).split())


def _kernels(tokens: Sequence[_Token]) -> Iterator[Kernel]:
    """Yield the kernels in a file's tokens, following its braces."""
    prefixes = [""]  # of names within each open brace: "outer::inner::"
    head: list[str] = []  # the tokens since the last ; { or }
    for i, token in enumerate(tokens):
        if token.text == "{":
            inner = _namespace(head) if len(prefixes) < DEEPEST else ""
            prefixes.append(prefixes[-1] + inner)
        elif token.text == "}" and len(prefixes) > 1:
            prefixes.pop()
        elif token.text == "__global__":
            found = _signature(tokens, i + 1)
            if found is not None:
                name, parameters = found
                yield Kernel(prefixes[-1] + name, token.line, (parameters,), "template" in head)
        if token.text in _ENDS:
            head = []
        else:
            head.append(token.text)


def _namespace(head: list[str]) -> str:
    """Return what a brace after these tokens puts before names: "inner::", or nothing."""
    if "namespace" not in head:
        return ""
    words = [word for word in head[head.index("namespace") + 1 :] if word.isidentifier()]
    return "".join(f"{word}::" for word in words if len(word) < 100)


def _signature(tokens: Sequence[_Token], i: int) -> tuple[str, tuple[str, ...]] | None:
    """Read `void __launch_bounds__(…) name(parameters)` from token i on; None if it is another."""
    previous = ""
    while i < len(tokens) and tokens[i].text not in _ENDS:
        text = tokens[i].text
        if text == "(":
            inside = _balanced(tokens, i)
            if not previous.startswith("__"):
                return (previous, _parameters(inside)) if previous.isidentifier() else None
            i += len(inside) + 1
        previous = text
        i += 1
    return None


def _balanced(tokens: Sequence[_Token], i: int) -> list[str]:
    """Return the tokens between the parenthesis at i and the one that closes it."""
    inside: list[str] = []
    depth = 1
    for j in range(i + 1, len(tokens)):
        text = tokens[j].text
        depth += (text == "(") - (text == ")")
        if depth == 0 or text in _ENDS:
            break
        inside.append(text)
    return inside


def _parameters(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return the names of parameters; one without a name is called by its position."""
    if not tokens or tokens == ["void"]:
        return ()
    pieces: list[list[str]] = [[]]
    depth = 0
    for text in tokens:
        depth += (text in "([{<") - (text in ")]}>")
        if text == "," and depth == 0:
            pieces.append([])
        else:
            pieces[-1].append(text)
    return tuple(_name(piece) or f"argument{k}" for k, piece in enumerate(pieces))


def _name(piece: list[str]) -> str | None:
    for end in ("=", "["):
        if end in piece:
            piece = piece[: piece.index(end)]
    last = piece[-1] if len(piece) > 1 else ""
    named = last.isidentifier() and last not in _TYPES.split() and not last.startswith("__")
    return last if named else None
