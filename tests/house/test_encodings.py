"""Every text that is read or written says its encoding: the locale's may be ASCII or Latin-1."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("run", "Popen", "check_output", "check_call", "call")


def says_no_encoding(call):
    """Tell whether a call reads or writes text in the encoding of the locale."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given or None in given:
        return False
    if name == "read_text":
        return not call.args
    if name == "write_text":
        return len(call.args) == 1 and isinstance(call.func, ast.Attribute) and not_ours(call)
    if name in ("open", "fdopen", "NamedTemporaryFile", "TemporaryFile"):
        return "b" not in mode_of(call, name, given) and not is_no_text(call)
    return name in PROGRAMS and any(
        isinstance(given.get(k), ast.Constant) and given[k].value is True
        for k in ("text", "universal_newlines")
    )


def not_ours(call):
    return getattr(call.func.value, "id", "") not in ("results", "_results")  # writes UTF-8


def is_no_text(call):
    """Tell whether it opens a descriptor, an archive or an image."""
    of = getattr(getattr(call.func, "value", None), "id", "")
    return of in ("os", "tarfile", "Image") and call.func.attr == "open"


def mode_of(call, name, given):
    default = "w+b" if "Temporary" in name else "r"
    a_method = isinstance(call.func, ast.Attribute) and name == "open"
    place = 0 if a_method or "Temporary" in name else 1
    mode = given.get("mode") or (call.args[place] if len(call.args) > place else None)
    return mode.value if isinstance(mode, ast.Constant) else default


@pytest.mark.parametrize("folder", ["minires", "kernels", "benchmarks", "lessons", "tests"])
def test_each_text_says_its_encoding(folder):
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and says_no_encoding(node):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found, "name the encoding, e.g. read_text(encoding='utf-8'):\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "silent"),
    [
        ("p.read_text()", True),
        ("p.read_text('utf-8')", False),
        ("results.read_text(p)", False),
        ("p.write_text(x)", True),
        ("p.write_text(x, encoding='ascii')", False),
        ("results.write_text(p, x)", False),
        ("open(p)", True),
        ("open(p, 'rb')", False),
        ("p.open('rb')", False),
        ("p.open()", True),
        ("os.open(p, flags)", False),
        ("os.fdopen(1, 'w')", True),
        ("subprocess.run(c, text=True)", True),
        ("subprocess.run(c, text=True, encoding='utf-8')", False),
        ("subprocess.run(c)", False),
        ("TemporaryFile()", False),
    ],
)
def test_the_test_sees_it(code, silent):
    assert says_no_encoding(ast.parse(code).body[0].value) == silent
