"""What learners hand in, right, wrong and evil, and the verdict of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Submission:
    """A function's text, for a task of the toy lesson.

    `slow` ones end or hang their process; `alone` ones are checked in a process of their own only.
    """

    name: str
    task: str
    body: str  # of `def f(parameters):`
    state: str
    words: tuple[str, ...] = ()
    slow: bool = False
    alone: bool = False
    before: str = ""  # code of the cell above the exercise

    def cell(self, exercise):
        parameters = {"scale": "x, k", "slope": "f, x, h", "depth": "measure"}.get(self.task, "")
        body = "".join(f"    {line}\n" for line in self.body.splitlines())
        return f"{self.before}\n@lesson.exercise('{exercise}')\ndef g({parameters}):\n{body}"


S = Submission
RIGHT = [
    S("a number", "half", "return 0.5", "PASS"),
    S("a number of NumPy", "half", "return np.float32(0.5)", "PASS"),
    S("an array without axes", "half", "return np.array(0.5)", "PASS"),
    S("a fraction", "half", "import fractions\nreturn fractions.Fraction(1, 2)", "PASS"),
    S("rounded", "half", "return 0.501", "PASS"),
    S("one line", "scale", "return k * x", "PASS"),
    S("lists", "scale", "return [[k * v for v in row] for row in x]", "PASS"),
    S("in place", "scale", "x *= k\nreturn x", "PASS"),
    S("single precision within tolerance", "word", "return np.str_('optimization')", "PASS"),
    S("functions as arguments", "slope", "return (f(x + h) - f(x - h)) / (2 * h)", "PASS"),
    S("numbers of NumPy to a function", "slope",
      "x = np.float64(x)\nreturn (f(x + h) - f(x - h)) / (2 * h)", "PASS"),
    S("another spelling", "word", "return ' Optimization '", "PASS"),
    S("a loop over a function", "depth",
      "d = 1\nwhile measure(d) >= 0.5:\n    d += 1\nreturn d", "PASS"),
    S("printing", "half", "print('[PASS] exercise', '{\"value\": 1}', flush=True)\nreturn 0.5",
      "PASS"),
    S("calling itself", "depth",
      "def f(d):\n    return d if measure(d) < 0.5 else f(d + 1)\nreturn f(1)", "PASS"),
    S("calling itself by its name", "scale",
      "return x * k if k < 0 else -g(x, -k)", "PASS"),
    S("a helper above", "half", "return helper()", "PASS", before="def helper():\n    return 0.5"),
    S("warnings", "half", "import warnings\nwarnings.warn('hm')\nreturn 0.5", "PASS", alone=True),
    S("another folder", "half", "import os\nos.chdir('/')\nreturn 0.5", "PASS"),
    S("a thread that is left", "half",
      "import threading, time\nthreading.Thread(target=time.sleep, args=(1e6,)).start()\n"
      "return 0.5", "PASS", alone=True),
    S("a file of its own", "half",
      "import os, tempfile\nname = tempfile.mkdtemp() + '/x'\nfor text in 'ab':\n"
      "    with open(name, 'w') as f:\n        f.write(text)\nos.replace(name, name + 'y')\n"
      "os.remove(name + 'y')\nreturn 0.5", "PASS"),
    S("swallowing what it calls", "depth",
      "try:\n    measure(5.5j)\nexcept Exception:\n    pass\n"
      "return next(d for d in range(1, 99) if measure(d) < 0.5)", "FAIL",
      ("a depth is 1 to 99",)),
]  # fmt: skip
WRONG = [
    S("not written", "half", "# TODO: your code here\nreturn None", "TODO", ("below TODO",)),
    S("only comments", "scale", "pass", "TODO"),
    S("a branch without return", "depth",
      "measure(3)\nif not hasattr(measure, 'again'):\n    return 3", "FAIL", ("not right",)),
    S("sometimes None", "slope", "if x < 1:\n    return np.cos(x)", "FAIL",
      ("None for some input",)),
    S("a likely mistake", "half", "return 0.25", "FAIL", ("this is its square",)),
    S("another sign", "half", "return -0.5", "FAIL", ("look at its sign",)),
    S("a percentage", "half", "return 50", "FAIL", ("percentage",)),
    S("text", "half", "return 'half'", "FAIL", ("expected a number, got the text 'half'",)),
    S("a list", "half", "return [1, 2]", "FAIL", ("got the list [1, 2]",)),
    S("a truth value", "half", "return True", "FAIL", ("truth value True",)),
    S("not a number", "half", "return float('nan')", "FAIL", ("expected a number, got nan",)),
    S("complex", "half", "return 0.5 + 0j", "FAIL", ("complex number",)),
    S("a constant for a function", "scale", "return np.ones((2, 3))", "FAIL", ("worst entry",)),
    S("the other operation", "scale", "return k + x", "FAIL", ("k is added",)),
    S("another shape", "scale", "return (k * x).T", "FAIL", ("shape (2, 3)", "shape (3, 2)")),
    S("two results", "scale", "return k * x, x", "FAIL", ("got a tuple of 2 arrays",)),
    S("complex entries", "scale", "return k * x * 1j", "FAIL", ("complex128",)),
    S("one-sided", "slope", "return (f(x + h) - f(x)) / h", "FAIL", ("the slope of sin",)),
    S("a synonym that is none", "word", "return 'the data'", "FAIL", ("it is not the data",)),
    S("a number for a word", "word", "return 3", "FAIL", ("expected a word in quotes",)),
    S("an unknown name", "half", "x = 1\nreturn missing", "FAIL",
      ("NameError: name 'missing'", "return missing")),
    S("an exception", "scale", "return [][0]", "FAIL", ("IndexError", "return [][0]")),
    S("another number of arguments", "scale", "return (lambda: 0)(1)", "FAIL", ("TypeError",)),
    S("prints instead of returning", "half", "print(0.5)", "TODO"),
    S("a generator", "half", "yield 0.5", "FAIL", ("it returned a generator",)),
    S("an endless generator", "scale", "import itertools\nreturn itertools.count()", "FAIL",
      ("gives values one by one",)),
    S("a set", "scale", "return {1, 2}", "FAIL", ("it returned a set",)),
    S("a function", "half", "return lambda: 0.5", "FAIL", ("call it",)),
    S("a tensor", "scale", "import minires\nreturn minires.tensor(x) * k", "FAIL",
      ("it returned a Tensor", ".data")),
    S("recursion", "half", "return g()", "FAIL", ("RecursionError", "call itself")),
    S("input", "half", "return float(input('?'))", "FAIL", ("nobody answers input()",)),
]  # fmt: skip
EVIL = [
    S("exit", "half", "import sys\nsys.exit(0)", "FAIL", ("it calls exit", "sys.exit(0)")),
    S("quit", "half", "quit()", "FAIL", ("it calls exit",)),
    S("an interrupt", "half", "raise KeyboardInterrupt", "FAIL", ("KeyboardInterrupt",),
      alone=True),
    S("an exception of its own", "half",
      "class Odd(BaseException):\n    def __str__(self):\n        raise self\nraise Odd", "FAIL",
      ("Odd",)),
    S("equal to everything", "half",
      "class All(float):\n    __eq__ = __le__ = __lt__ = lambda a, b: True\n"
      "    __sub__ = __rsub__ = __abs__ = lambda *a: All(0)\nreturn All(9)", "FAIL",
      ("yours 9",)),
    S("an object equal to everything", "half",
      "class All:\n    __eq__ = lambda a, b: True\n    __float__ = lambda a: 0.5\nreturn All()",
      "FAIL", ("it returned an All",)),
    S("a class of arrays", "scale",
      "class All(np.ndarray):\n    def __array_ufunc__(self, *a, **k):\n        return True\n"
      "return x.view(All)", "FAIL", ("worst entry",)),
    S("an array in disguise", "scale",
      "class All:\n    shape = (2, 3)\n    __class__ = np.ndarray\n"
      "    def __array__(self, *a, **k):\n        return k * x\nreturn All()", "FAIL",
      ("it returned an All",)),
    S("text equal to everything", "word",
      "class All(str):\n    __eq__ = lambda a, b: True\n    __hash__ = str.__hash__\n"
      "return All('x')", "FAIL", ("yours 'x'",)),
    S("a list in itself", "scale", "a = []\na.append(a)\nreturn a", "FAIL", ("nested",)),
    S("a huge number", "half", "return 10**100000", "FAIL", ("bits",)),
    S("a huge array", "scale", "return np.zeros(2**21)", "FAIL", ("8 MiB",)),
    S("huge memory", "half", "return np.zeros(10**12)", "FAIL", ("MemoryError", "memory"),
      alone=True),
    S("a growing list", "half", "a = []\nwhile True:\n    a.append(np.zeros(2**27))", "FAIL",
      ("MemoryError",), alone=True),
    S("an argument that is no value", "slope", "return f(object())", "FAIL", ("NotPlain",)),
    S("wrong arguments, swallowed", "depth",
      "try:\n    measure(10**6)\nexcept Exception:\n    pass\nreturn 7", "FAIL",
      ("a depth is 1 to 99",)),
    S("replacing the check's argument", "scale", "x[:] = 0\nreturn x * k", "FAIL"),
    S("deleting itself", "half", "import os\nos.remove(__file__)\nreturn 0.5", "FAIL",
      ("no file may be changed",), alone=True),
    S("emptying a file", "half", "open(__file__, 'w').close()\nreturn 0.5", "FAIL",
      ("no file may be changed",), alone=True),
    S("emptying a file that it reads", "half",
      "import os\nos.open(__file__, os.O_RDONLY | os.O_TRUNC)\nreturn 0.5", "FAIL",
      ("no file may be changed",), alone=True),
    S("putting another file in its place", "half",
      "import os, tempfile\nnew = tempfile.mkdtemp(dir=os.path.dirname(__file__)) + '/x'\n"
      "open(new, 'w').close()\nos.replace(new, __file__)\nreturn 0.5", "FAIL",
      ("no file may be changed",), alone=True),
    S("renaming a folder", "half",
      "import os\nos.rename(os.path.dirname(__file__), __file__ + 'x')\nreturn 0.5", "FAIL",
      ("no file may be changed",), alone=True),
    S("a path that is another one later", "half",
      "import os\nclass Path:\n    def __fspath__(self):\n        return __file__\n"
      "os.remove(Path())\nreturn 0.5", "FAIL", alone=True),
    S("text for a path that is another one later", "half",
      "import os\nclass Path(str):\n    def __fspath__(self):\n        return '/nowhere'\n"
      "os.remove(Path(__file__))\nreturn 0.5", "FAIL", alone=True),
    S("a module for other programs", "half",
      "import minires\nopen(minires.__path__[0] + '/numpy.py', 'w').close()\nreturn 0.5", "FAIL",
      ("nothing new may be in",), alone=True),
    S("forged checks, compiled", "half",
      "import minires.lessons as m, os\nos.chdir(m.__path__[0] + '/checks')\n"
      "os.mkdir('__pycache__x')\nreturn 0.5", "FAIL", ("nothing new may be in",), alone=True),
    S("a kernel for other programs", "half",
      "import os\nfrom minires_kernels.caches import cache_root\n"
      "os.makedirs(cache_root() / 'numba-x')\nreturn 0.5", "FAIL", ("nothing new may be in",),
      alone=True),
    S("answers of a thread", "half",
      "import threading, time\nfrom minires.lessons import worker\n"
      "def answer():\n    worker._ask('exercise', '90.1', 0, 1, 'function', lambda: 0.5)\n"
      "threading.Thread(target=answer).start()\ntime.sleep(0.2)\nreturn 9", "FAIL",
      ("yours 9",), alone=True),
    S("tracing", "half",
      "import sys\nsys.settrace(lambda *a: 1 / 0)\nsys.setprofile(None)\nreturn 9", "FAIL",
      alone=True),
    S("other settings", "half",
      "import os\nos.environ.clear()\nos.environ['MINIRES_CHECK'] = '0'\nreturn 9", "FAIL",
      ("yours 9",), alone=True),
    S("the frames above", "half",
      "import sys\nframe = sys._getframe()\nwhile frame:\n"
      "    for v in list(frame.f_locals.values()):\n"
      "        if hasattr(v, 'reference'):\n            return v.reference()\n"
      "    frame = frame.f_back", "TODO", alone=True),
    S("the exercises of the lesson", "half",
      "return lesson.exercises['90.1'].reference()", "FAIL", ("KeyError",), alone=True),
    S("the reference from the other process", "half",
      "from minires.lessons import worker\nreturn worker._ask('reference', '90.1', [], {})",
      "FAIL", ("cannot be used while",), alone=True),
    S("an exercise within an exercise", "half",
      "return lesson.exercise('90.1')(lambda: 0.5)()", "FAIL", ("one after the other",),
      alone=True),
    S("a new time limit", "half",
      "from minires.lessons import worker\nworker._ask('cell', 0, 10**6)\nreturn 0.5", "FAIL",
      ("it sent cells in another order",), slow=True),
    S("forged answers", "half",
      "import os\nfor fd in range(3, 20):\n    try:\n        os.write(fd, b'{\"value\": 0.5}\\n')\n"
      "    except OSError:\n        pass\nreturn 9", "FAIL",
      ("an answer to no question", "file descriptors"), slow=True),
    S("nonsense to all files", "half",
      "import os\nfor fd in range(20):\n    try:\n        os.write(fd, b'PASS\\n')\n"
      "    except OSError:\n        pass\nreturn 9", "FAIL", ("file descriptors",), slow=True),
    S("closing all files", "half", "import os\nos.closerange(0, 100)\nreturn 0.5", "FAIL",
      slow=True),
    S("reading the checks", "half",
      "import minires.lessons as m, pathlib\np = pathlib.Path(m.__file__).parent / 'checks'\n"
      "return len((p / 'lesson_01.py').read_text())", "FAIL",
      ("solutions that come with minires",), slow=True),
    S("reading the checks by a link", "half",
      "import minires.lessons as m, os, tempfile\nd = tempfile.mkdtemp()\n"
      "os.symlink(os.path.dirname(m.__file__), d + '/x')\n"
      "return len(open(d + '/x/checks/lesson_01.py').read())", "FAIL",
      ("solutions that come with minires",), slow=True),
    S("importing the checks", "half",
      "from minires.lessons.checks.lesson_01 import EXERCISES\nreturn 0.5", "FAIL",
      ("solutions that come with minires",), slow=True),
    S("reading the lessons", "half",
      "from minires.lessons import files\nreturn len(files.lesson_files()) / 2", "FAIL",
      ("solutions that come with minires",), slow=True),
    S("changing the checker", "half",
      "from minires.lessons import expect\nopen(expect.__file__, 'a').close()\nreturn 0.5", "FAIL",
      ("it changes a file of minires",), slow=True),
    S("changing who may change the checker", "half",
      "import os\nfrom minires.lessons import expect\n"
      "os.chmod(expect.__file__, 0o644)\nreturn 0.5", "FAIL",
      ("it changes a file of minires",), slow=True),
    S("the program that Python's own modules use", "half",
      "import _posixsubprocess\n_posixsubprocess.fork_exec(['true'])\nreturn 0.5", "FAIL",
      ("it starts another program",), slow=True),
    S("another program", "half", "import os\nos.system('echo 0.5')\nreturn 0.5", "FAIL",
      ("it starts another program",), alone=True),
    S("another process", "half", "import os\nos.fork()\nreturn 0.5", "FAIL",
      ("it starts another program",), alone=True),
    S("past subprocess", "half",
      "import subprocess\nsubprocess.run(['true'])\nreturn 0.5", "FAIL",
      ("it starts another program",), alone=True),
    S("all objects", "half", "import gc\nreturn len(gc.get_objects())", "FAIL", ("gc",),
      slow=True),
    S("the parent", "half", "import os\nos.kill(os.getppid(), 9)\nreturn 0.5", "FAIL",
      ("it signals other processes",), slow=True),
    S("memory of the parent", "half",
      "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb')\nreturn 0.5", "FAIL",
      ("reads their memory",), slow=True),
    S("another interpreter", "half",
      "try:\n    import _interpreters as i\nexcept ImportError:\n"
      "    import _xxsubinterpreters as i\ni.create()\nreturn 0.5", "FAIL",
      ("it starts another interpreter",), slow=True),
    S("tracing the parent", "half",
      "import ctypes, os\nctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)\nreturn 0.5", "FAIL",
      ("the C library",), slow=True),
    S("the parent by another name", "half",
      "import os, signal\nsignal.pidfd_send_signal(os.pidfd_open(os.getppid()), 19)\nreturn 0.5",
      "FAIL", ("it signals other processes",), slow=True),
    S("limits of the parent", "half",
      "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU)\nreturn 0.5",
      "FAIL", ("it signals other processes",), slow=True),
    S("priority of the parent", "half",
      "import os\nos.setpriority(os.PRIO_PROCESS, os.getppid(), 19)\nreturn 0.5",
      "FAIL", ("it signals other processes",), slow=True),
    S("deleting a folder", "half",
      "import os, shutil\nshutil.rmtree(os.path.dirname(__file__))\nreturn 0.5", "FAIL",
      ("a folder is opened as a file",), alone=True),
    S("an object that does not go", "half",
      "class Stays:\n    def __del__(self):\n        while True:\n            pass\n"
      "x = Stays()\nreturn 0.5", "FAIL", ("stopped after 1 s",), slow=True),
    S("the C library", "half",
      "import ctypes\nreturn ctypes.CDLL(None).system(b'true') + 0.5", "FAIL",
      ("the C library",), slow=True),
    S("exit at once", "half", "import os\nos._exit(0)", "FAIL",
      ("it ended Python, with exit code 0",), slow=True),
    S("a signal", "half", "import os\nos.kill(os.getpid(), 9)", "FAIL",
      ("it ended Python, by the signal SIGKILL",), slow=True),
    S("a crash", "half", "import ctypes\nctypes.string_at(0)", "FAIL",
      ("it ended Python, by the signal SIGSEGV",), slow=True),
    S("a loop", "half", "while True:\n    pass", "FAIL",
      ("stopped after 1 s", "does a loop run for ever?"), slow=True),
    S("a loop that swallows everything", "half",
      "import signal\nfor s in (2, 10, 15):\n    signal.signal(s, signal.SIG_IGN)\n"
      "while True:\n    try:\n        pass\n    except BaseException:\n        pass", "FAIL",
      ("stopped after 1 s",), slow=True),
    S("asleep", "half", "import time\ntime.sleep(1e6)", "FAIL",
      ("stopped after 1 s", "time.sleep(1e6)"), slow=True),
    S("stopped", "half", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "FAIL",
      ("stopped after 1 s",), slow=True),
    S("an endless iteration", "half", "import itertools\nreturn sum(itertools.count())", "FAIL",
      ("stopped after 1 s", "itertools.count()"), slow=True),
    S("endless recursion", "half",
      "import sys\nsys.setrecursionlimit(10**9)\nreturn g()", "FAIL", ("stopped after 1 s",),
      slow=True),
    S("a flood", "half",
      "import os\nwhile True:\n    for fd in range(3, 9):\n        try:\n"
      "            os.write(fd, b'x' * 10**6)\n        except OSError:\n            pass", "FAIL",
      slow=True),
]  # fmt: skip
SUBMISSIONS = RIGHT + WRONG + EVIL
