"""What a CUDA file holds: its `__global__` functions, and comments that speak to the checker.

This is no parser of C++. It takes comments and strings out, follows braces to know the
namespaces, and reads the heads of kernels. Kernels that a macro writes out are not seen, nor is
code in `#if 0`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..source import DIRECTIVE, HIDDEN, KERNEL, blank_hidden

LARGEST = 2**20  # bytes of a source file
DEEPEST = 100  # braces; namespaces further in are not followed

_TOKEN = re.compile(r"\bnamespace\s+([\w:\s]{0,200})\{|__global__|[{};]")
_HEAD = re.compile(r"(?:(?!__global__)[^{};]){0,5000}")  # the parameters, and perhaps more
_COMMENT = re.compile(r"//\s*check:(.*)", re.S)
_TYPE = r"void|bool|char|short|int|long|float|double|(?:un)?signed|const|volatile|struct|__\w*"


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
    live = _without_dead(text)
    kernels: dict[str, Kernel] = {}
    for found in _kernels(DIRECTIVE.sub(_blank, blank_hidden(live))):
        known = kernels.setdefault(found.name, found)
        if found.parameters[0] not in known.parameters:
            both = known.parameters + found.parameters
            kernels[found.name] = Kernel(known.name, known.line, both, known.template)
    if not kernels:
        raise ValueError(
            f"{path} has no __global__ function" + ("; it is empty" if not text.strip() else "")
        )
    return Source(path, text, kernels, tuple(_comments(live)))


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _without_dead(text: str) -> str:
    """Blank what stands within `#if 0`."""
    pieces, at = [], 0
    dead = 0  # how many #if are open since an #if 0
    for match in DIRECTIVE.finditer(blank_hidden(text)):
        word = re.sub(r"[\s#]+", " ", match[0]).strip()
        before = dead
        if dead:
            dead += word.startswith("if") - word.startswith("endif")
            dead -= dead == 1 and word.startswith("el")
        else:
            dead = int(word == "if 0")
        if bool(before) != bool(dead):
            piece = text[at : match.start()]
            pieces.append(re.sub(r"[^\n]", " ", piece) if before else piece)
            at = match.start()
    rest = text[at:]
    return "".join(pieces) + (re.sub(r"[^\n]", " ", rest) if dead else rest)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    line, at = 1, 0
    for hidden in HIDDEN.finditer(text):
        line += text.count("\n", at, hidden.start())
        at = hidden.start()
        if found := _COMMENT.match(hidden[0]):
            yield line, " ".join(re.sub(r"\\\n\s*(//)?", " ", found[1]).split())


def _kernels(visible: str) -> Iterator[Kernel]:
    """Yield the kernels of a text without comments, strings and directives."""
    prefixes = [""]  # of names within each open brace: "outer::inner::"
    line, at, head = 1, 0, 0  # head: where the present declaration begins
    for token in _TOKEN.finditer(visible):
        text = token[0]
        if text == "__global__":
            line += visible.count("\n", at, token.start())
            at = token.start()
            if kernel := KERNEL.match(visible, at):
                rest = _HEAD.match(visible, kernel.end())
                parameters = _parameters(re.findall(r"\w+|\S", rest[0] if rest else ""))
                template = re.search(r"\btemplate\b", visible[max(head, at - 2000) : at])
                yield Kernel(prefixes[-1] + kernel[1], line, (parameters,), template is not None)
            continue
        head = token.end()
        if text == "}":
            prefixes[1:] = prefixes[1:-1]
        elif text != ";":
            words = re.findall(r"\w+", token[1] or "") if len(prefixes) < DEEPEST else []
            prefixes.append(prefixes[-1] + "".join(f"{word}::" for word in words))


def _parameters(tokens: list[str]) -> tuple[str, ...]:
    """Return the names of parameters, up to the parenthesis that closes them.

    One without a name is called by its position.
    """
    pieces: list[list[str]] = [[]]
    depth = 0
    for text in tokens:
        depth += (text in "([<") - (text in ")]>")
        if depth < 0:
            break
        if text == "," and depth == 0:
            pieces.append([])
        else:
            pieces[-1].append(text)
    if pieces in ([[]], [["void"]]):
        return ()
    return tuple(_name(piece) or f"argument{k}" for k, piece in enumerate(pieces))


def _name(piece: list[str]) -> str | None:
    for end in ("=", "["):
        if end in piece:
            piece = piece[: piece.index(end)]
    last = piece[-1] if len(piece) > 1 else ""
    return last if last.isidentifier() and not re.fullmatch(_TYPE, last) else None
