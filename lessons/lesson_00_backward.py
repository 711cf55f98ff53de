# title: How does backward() work?
# minutes: 60
# seconds: 10
# needs: -
# %% [markdown]
# # Lesson 0: How does backward() work?
#
# Training a network means asking one question over and over: if I turned this weight up a little, by how much would
# the loss change? A network has thousands or millions of weights, and `loss.backward()` answers the question for all
# of them at once. One can call it for years as one calls a lift: the doors close, and one is there.
#
# This course is about networks so deep that training by these answers fails, and about one addition, $y = x + F(x)$,
# which made such networks usual. To see what the addition does you have to know what `backward()` does when it meets
# one. So in this lesson you build it. At the end you have an engine of some sixty lines that gives the same gradients
# as minires, you know three ways in which such engines fail at exactly that addition, and you know what all those
# derivatives cost.
#
# You should know Python and the chain rule, $(g(f(x)))' = g'(f(x)) \cdot f'(x)$. The lesson takes about an hour with
# its eight exercises. Write your solutions in the cells that say so; `minires lessons hint 0 0.1` helps when you are
# stuck.
#
# ## Ten numbers and a graph
#
# Here is a network so small that all of it fits into one line. A **weight** is a number by which a network
# multiplies, and which training may change. This network has one input, $x$, and two weights, $w$ and $v$:
#
# $$y = x + v \cdot \max(w x, 0).$$
#
# The number $y$ should come out as $2.5$. A **loss** is one number that says how far the network is from what we
# want, and training tries to make it small. Ours is the squared error $L = (y - 2.5)^2$.
#
# A computer does not evaluate such a formula in one go. It does one small operation after the other, and every
# operation makes one new number. A **node** is one number of a computation, together with the operation that made it.
# With $x = 2$, $w = 1.5$ and $v = 0.5$ there are ten of them:
#
# | node | made by | value |
# |---|---|---|
# | $x$, $w$, $v$, $c$ | nobody: they are given | $2$, $1.5$, $0.5$, $-2.5$ |
# | $z$ | $w \cdot x$ | $3$ |
# | $a$ | $\max(z, 0)$ | $3$ |
# | $f$ | $v \cdot a$ | $1.5$ |
# | $y$ | $x + f$ | $3.5$ |
# | $e$ | $y + c$ | $1$ |
# | $L$ | $e \cdot e$ | $1$ |
#
# A **leaf** is a node that no operation made: an input, a weight, a constant. **ReLU** is the function $\max(z, 0)$:
# it passes a positive number on and turns a negative one into zero. A **computation graph** is the set of all nodes,
# with an arrow from every node to the nodes that were computed from it. The **forward pass** is the walk along the
# arrows, from the leaves to the loss, that computes the values.
#
# Look at $x$: two arrows leave it. A **skip** is a way on which a number goes around some operations unchanged; here
# it is the arrow straight to the addition $y = x + f$. A **branch** is the way that leads through the operations
# which a skip goes around; here it leads through $z$, $a$ and $f$. A **residual add** is the addition at which a skip
# and a branch meet again. You will meet it again and again in this course.
#
# ## One more number per node
#
# Now the other direction. We give every node a second number: by how much would $L$ change, per unit, if this node's
# value changed a little? The **gradient** of a number in the network is the derivative of the loss with respect to
# it; the gradient of an array is an array of such derivatives, of the same shape. For $L$ itself the answer is $1$.
# For all other nodes we use one observation: *a node influences the loss only through the nodes that read it.* If we
# know the number for every reader, we can work out the number for the node itself.
#
# The **upstream gradient** of an operation is the gradient of its output, which has to be known before the operation
# can send anything on; in code it is called `dy`. A **local derivative** is the derivative of an operation's output
# with respect to one of its inputs, as if nothing else existed. The chain rule says: an operation sends to each of
# its inputs the upstream gradient times the local derivative. And if several operations read the same input, what
# they send is *added*, because all of these influences happen together. That is the whole theory. Walk through it
# with the ten numbers:
#
# 1. $L = e \cdot e$ reads $e$ twice. It sends $1 \cdot e = 1$ for the first factor and $1$ again for the second, so
#    $\partial L / \partial e = 1 + 1 = 2$. (The rule for $e^2$ gives $2e = 2$, as it should.)
# 2. $e = y + c$ is a sum: if $y$ grows by one, so does $e$. The local derivative is $1$, so $y$ and $c$ receive $2$.
# 3. $y = x + f$ is a sum as well: it sends $2$ to $f$, and $2$ to $x$. Keep in mind that $x$ has received $2$ *so
#    far*.
# 4. $f = v \cdot a$ sends $2 \cdot v = 1$ to $a$ and $2 \cdot a = 6$ to $v$: each factor gets the upstream gradient
#    times the *other* factor.
# 5. $a = \max(z, 0)$ passes its $1$ on to $z$, because $z = 3$ is positive. Had $z$ been negative, it would send $0$.
# 6. $z = w \cdot x$ sends $1 \cdot x = 2$ to $w$ and $1 \cdot w = 1.5$ to $x$.
#
# So two parts have arrived at $x$: $2$ by the skip and $1.5$ by the branch, and $\partial L / \partial x = 3.5$. Both
# weights have their gradients as well: $\partial L / \partial w = 2$ and $\partial L / \partial v = 6$. The
# **backward pass** is the walk against the arrows of the graph, from the loss to the leaves, in which every operation
# sends gradients to its inputs. **Reverse mode** is the chain rule evaluated from the loss towards the inputs, with
# one number kept per node.

# %%
import time

import numpy as np

import minires as mr
from minires.lessons import Lesson

lesson = Lesson(0)
P = lesson.params(
    seeds=5,
    widths=(8, 32, 128, 256),
    fast={"seeds": 3, "widths": (8, 32)},
    full={"seeds": 10, "widths": (8, 32, 128, 256, 512)},
)

# %% [markdown]
# ## Exercise 0.1: the same graph, other numbers
#
# Take the same ten nodes with $x = 1$, $w = 2$, $v = -0.25$ and $c = 1$ (so the loss is $(y + 1)^2$). Do the forward
# pass, then the backward pass, with pencil and paper. What arrives at $x$ by the skip, what by the branch, and what
# is $\partial L / \partial x$?


# %% tags=["exercise"]
@lesson.exercise("0.1")
def by_hand():
    """Return (part by the skip, part by the branch, dL/dx): three numbers."""
    # BEGIN SOLUTION
    return 3.0, -1.5, 1.5
    # END SOLUTION


# %% [markdown]
# ## Predict
#
# You will measure two things below. Write down what you expect before you see them; a wrong guess that one remembers
# teaches more than a right sentence that one has read.

# %%
lesson.predict(
    "lost",
    "An engine visits the nodes by their distance from the loss: first those that the loss reads, "
    "then those that these read, and so on. It visits each node once, and the node sends on what it "
    "has received by then. Let x feed a residual block, y = x + branch, and let x be computed from "
    "a weight u. Which part of the gradient at x is lost on the way to u?",
    choices=("the skip's", "the branch's", "neither"),
)
lesson.predict(
    "cost",
    "One forward pass of a network costs 1. What does one backward pass cost, in forward passes?",
)

# %% [markdown]
# ## Exercises 0.2, 0.3 and 0.4: what an operation sends
#
# An engine needs one rule for each operation. A rule gets the upstream gradient `dy` and the values of the inputs,
# and returns what is sent to each of them. Steps 3 to 6 above contain all three.

# %% [markdown]
# ### Exercise 0.2: addition


# %% tags=["exercise"]
@lesson.exercise("0.2")
def add_backward(dy, a, b):
    """Return (what y = a + b sends to a, what it sends to b)."""
    # BEGIN SOLUTION
    return dy, dy
    # END SOLUTION


# %% [markdown]
# ### Exercise 0.3: multiplication


# %% tags=["exercise"]
@lesson.exercise("0.3")
def mul_backward(dy, a, b):
    """Return (what y = a * b sends to a, what it sends to b)."""
    # BEGIN SOLUTION
    return dy * b, dy * a
    # END SOLUTION


# %% [markdown]
# ### Exercise 0.4: ReLU
# At exactly $a = 0$ there is no derivative, for the slope on the left is 0 and on the right it is 1. Engines have to
# choose something; let yours send 0.


# %% tags=["exercise"]
@lesson.exercise("0.4")
def relu_backward(dy, a):
    """Return what y = max(a, 0) sends to a: one number."""
    # BEGIN SOLUTION
    return dy if a > 0 else 0.0
    # END SOLUTION


# %% [markdown]
# ## In which order?
#
# A node may send only when it has received everything. In the walk above $x$ was a leaf, which sends nothing. Had it
# been computed from another node, it would have had to wait for the branch before sending: after step 3 it held $2$,
# and not yet $3.5$. A **topological order** is a list of the nodes in which each one stands behind all nodes that it
# depends on. For the backward pass we need such a list the other way round, with the loss first and each node behind
# *all of its readers*.
#
# ### Exercise 0.5: the order of the backward pass
# The graph comes as a dictionary that gives for each node the nodes that it reads. The one above would be
# `{"x": (), "w": (), "v": (), "c": (), "z": ("w", "x"), "a": ("z",), "f": ("v", "a"), "y": ("x", "f"), ...}`. It may
# hold nodes that the loss does not depend on; leave them out.


# %% tags=["exercise"]
@lesson.exercise("0.5")
def backward_order(inputs, loss):
    """Return the names of all nodes that the loss depends on: the loss first, each node once.

    inputs: name -> tuple of the names that it reads. A node stands behind all of its readers.
    """
    # BEGIN SOLUTION
    order, seen = [], set()

    def visit(name):
        if name not in seen:
            seen.add(name)
            for source in inputs[name]:
                visit(source)
            order.append(name)  # behind everything that it depends on

    visit(loss)
    return order[::-1]
    # END SOLUTION


# %% [markdown]
# ### Exercise 0.6: find the bug
# Somebody wrote the loop that sends the gradients. It has passed all tests on networks without skips. Here it is;
# below, it runs on the ten numbers. (`send(name, dy)` is a function that knows the local rules: it returns what the
# node sends to each of its inputs.)


# %% tags=["show"]
def propagate_with_a_bug(order, inputs, send):
    gradients = {order[0]: 1.0}
    for name in order:
        parts = send(name, gradients[name])
        for source, part in zip(inputs[name], parts, strict=True):
            gradients[source] = part
    return gradients


# %%
GRAPH = {  # node: (what it reads, the local derivatives), as in the walk above
    "z": (("w", "x"), (2.0, 1.5)),
    "a": (("z",), (1.0,)),
    "f": (("v", "a"), (3.0, 0.5)),
    "y": (("x", "f"), (1.0, 1.0)),
    "e": (("y", "c"), (1.0, 1.0)),
    "L": (("e", "e"), (1.0, 1.0)),
}
TEN = dict.fromkeys("xwvc", ()) | {name: reads for name, (reads, _) in GRAPH.items()}


def send(name, dy):
    """Return what the node sends to each of its inputs, in their order."""
    return [dy * slope for slope in GRAPH.get(name, ((), ()))[1]]


BY_HAND = {"e": 2.0, "x": 3.5, "w": 2.0, "v": 6.0}
buggy = propagate_with_a_bug(backward_order(TEN, "L"), TEN, send)
print("with the bug:", {name: buggy[name] for name in BY_HAND})
print("by hand:     ", BY_HAND)

# %% [markdown]
# Write the loop without the bug.


# %% tags=["exercise"]
@lesson.exercise("0.6")
def propagate(order, inputs, send):
    """Return name -> gradient of the loss order[0]; send(name, dy) gives a part per input."""
    # BEGIN SOLUTION
    gradients = {order[0]: 1.0}
    for name in order:
        parts = send(name, gradients[name])
        for source, part in zip(inputs[name], parts, strict=True):
            gradients[source] = gradients.get(source, 0.0) + part
    return gradients
    # END SOLUTION


# %% [markdown]
# ## Your engine
#
# The rest is bookkeeping. Python lets a class say what `+` and `*` mean, so a node can record by itself how it was
# made, while the program runs. That is why frameworks need no formula of the network: they watch it being evaluated.


# %% tags=["show"]
RULES = {
    "leaf": lambda dy: (),
    "add": add_backward,
    "mul": mul_backward,
    "relu": lambda dy, a: (relu_backward(dy, a),),
}


class Node:
    """A number, the operation that made it, and after backward() the gradient of the loss."""

    def __init__(self, value, operation="leaf", inputs=()):
        self.value, self.operation, self.inputs = value, operation, inputs
        self.gradient = 0.0

    def __add__(self, other):
        return Node(self.value + other.value, "add", (self, other))

    def __mul__(self, other):
        return Node(self.value * other.value, "mul", (self, other))

    def relu(self):
        return Node(max(self.value, 0.0), "relu", (self,))

    def backward(self):
        nodes, to_see = {}, [self]
        while to_see:  # collects every node that self depends on; id(node) is its name
            node = to_see.pop()
            if id(node) not in nodes:
                nodes[id(node)] = node
                to_see.extend(node.inputs)
        inputs = {i: tuple(id(source) for source in node.inputs) for i, node in nodes.items()}

        def send(i, dy):
            return RULES[nodes[i].operation](dy, *(source.value for source in nodes[i].inputs))

        order = backward_order(inputs, id(self))
        for i, gradient in propagate(order, inputs, send).items():
            nodes[i].gradient += gradient


# %% [markdown]
# The ten numbers again. The function `small_net` runs twice: with your nodes, and with the tensors of minires, which
# know `+`, `*` and `relu()` too.


# %%
def small_net(x, w, v, c):
    """Return the loss of the ten nodes, from numbers of any kind that know +, * and relu()."""
    y = x + v * (w * x).relu()
    e = y + c
    return e * e


VALUES = {"x": 2.0, "w": 1.5, "v": 0.5, "c": -2.5}
leaves = {name: Node(value) for name, value in VALUES.items()}
small_net(**leaves).backward()
by_engine = {name: node.gradient for name, node in leaves.items()}
print("your engine:", by_engine)


def leaf(value):
    return mr.tensor(value, requires_grad=True, dtype="float64")


tensors = {name: leaf(value) for name, value in VALUES.items()}
with mr.watching(mr.GraphDrawing(tensors.items())) as drawing:
    loss = small_net(**tensors)
    loss.backward()
by_minires = {name: float(t.grad) for name, t in tensors.items()}
print("minires:    ", by_minires)
if not lesson.checking:
    print("the drawing of the graph:", drawing.save(lesson.out / "L00_graph.svg"))
drawing  # a notebook shows it here

# %% [markdown]
# The drawing (an SVG file, which a browser opens) shows what minires recorded. The forward pass runs from the top to
# the bottom: the last box is the loss. Blue boxes are leaves, white boxes are operations, and `‖∂L‖` in a box is the
# size of the gradient that arrived there. The thick orange line that leads from $x$ around `Mul`, `ReLU` and `Mul` to
# `Add` is the skip.
#
# ## Experiment: is it right on other graphs?
#
# One example proves little. So we build random expressions: four numbers, then twelve additions, products and ReLUs of
# numbers picked at random, many of them used more than once. A **seed** is the number that a generator of random
# numbers starts from; here each seed makes another graph, and wherever something in this course is random, it is
# repeated with several seeds, for one lucky draw proves nothing. Each graph is differentiated by your engine, by
# minires, and by a method that knows nothing of the chain rule. A **finite difference** is an estimate of a derivative:
# the input is moved a little, and the change of the output is divided by that of the input. Lesson 1 is about how far
# that can be trusted; here it is $(L(x + h) - L(x - h)) / 2h$ with $h = 10^{-5}$.


# %%
def expression(make, values, seed):
    """Return (leaves, loss): twelve random operations on numbers made by `make`."""
    rng = np.random.default_rng(seed)
    leaves = [make(value) for value in values]
    nodes, loss = list(leaves), leaves[0] + leaves[1] + leaves[2] + leaves[3]
    for _ in range(12):
        a, b = (nodes[i] for i in rng.integers(len(nodes), size=2))
        nodes.append([a + b, a * b, a.relu()][rng.integers(3)])
        loss = loss + nodes[-1]
    return leaves, loss


def gradient_by_differences(values, seed, h=1e-5):
    found = []
    for i in range(len(values)):
        ends = []
        for step in (h, -h):
            moved = [v + step * (i == j) for j, v in enumerate(values)]
            ends.append(expression(Node, moved, seed)[1].value)
        found.append((ends[0] - ends[1]) / (2 * h))
    return np.array(found)


to_minires, to_differences = [], []
for seed in range(P.seeds):
    values = np.random.default_rng([seed, 1]).uniform(-1.5, 1.5, 4).tolist()
    nodes, loss = expression(Node, values, seed)
    loss.backward()
    ours = np.array([node.gradient for node in nodes])
    tensors, loss = expression(leaf, values, seed)
    loss.backward()
    scale = np.abs(ours).max()
    to_minires.append(np.abs(ours - [float(t.grad) for t in tensors]).max() / scale)
    to_differences.append(np.abs(ours - gradient_by_differences(values, seed)).max() / scale)

most = "exactly 0" if max(to_minires) == 0 else f"{max(to_minires):.0e}, which is rounding"

lesson.say(f"""
On {P.seeds} random graphs the largest difference between your engine and minires, relative to the largest entry of
the gradient, is {most}. Between your engine and the finite differences it is {max(to_differences):.0e}; lesson 1
shows where an error of such a size comes from. So your engine computes what minires computes, which does it with
arrays in place of numbers and has more operations.
""")

# %% [markdown]
# ## Three engines that go wrong at a residual add
#
# The loop of exercise 0.6 overwrote. That is one of three mistakes that all pass every test on a chain. To see them
# clearly, look at the ways along the arrows that lead from a node to the loss. Every operation on a way multiplies by
# its local derivative, and parts that meet are added. So the gradient is a sum with one part for each way: the
# product of the local derivatives along it. (In $\partial L / \partial x = 2 + 1.5$ above, $2$ came over the ways
# with the skip and $1.5$ over those with the branch.) Now take graphs in which all local derivatives are 1. Each way
# then contributes exactly 1, and *the gradient counts the ways*. A **residual block** is a piece of a network that
# adds the output of its branch to its own input. Let a node $u$ feed a stack of blocks, so that the output of each is
# the input of the next. Each block doubles the number of ways from $u$ to the loss.


# %% tags=["show"]
def stack(blocks):
    """Return the graph of residual blocks x1 = x0 + f1(x0), … behind u: u -> x0 -> … -> L."""
    inputs = {"u": (), "x0": ("u",)}
    for i in range(1, blocks + 1):
        inputs |= {f"z{i}": (f"x{i - 1}",), f"f{i}": (f"z{i}",), f"x{i}": (f"x{i - 1}", f"f{i}")}
    return inputs | {"L": (f"x{blocks}",)}


def right(inputs, loss):
    order = backward_order(inputs, loss)
    return propagate(order, inputs, lambda name, dy: (dy,) * len(inputs[name]))


def overwriting(inputs, loss):
    gradients = {loss: 1.0}
    for name in backward_order(inputs, loss):
        for source in inputs[name]:
            gradients[source] = gradients[name]
    return gradients


def breadth_first(inputs, loss):  # each node once, by its distance from the loss
    gradients, queue = {loss: 1.0}, [loss]
    for name in queue:
        for source in inputs[name]:
            if source not in gradients:
                queue.append(source)
            gradients[source] = gradients.get(source, 0.0) + gradients[name]
    return gradients


def at_every_visit(inputs, loss):  # passes on all that has arrived, each time something arrives
    gradients = {loss: 1.0}

    def visit(name):
        for source in inputs[name]:
            gradients[source] = gradients.get(source, 0.0) + gradients[name]
            visit(source)

    visit(loss)
    return gradients


def way_by_way(inputs, loss):  # passes on only the new part
    gradients, visits = {}, 0

    def visit(name, part):
        nonlocal visits
        visits += 1
        gradients[name] = gradients.get(name, 0.0) + part
        for source in inputs[name]:
            visit(source, part)

    visit(loss, 1.0)
    return gradients | {"visits": visits}


# %%
lesson.reveal("lost", "the branch's part: x has sent before it arrives", value="the branch's")
ENGINES = (right, overwriting, breadth_first, at_every_visit, way_by_way)
at_u = {engine.__name__: [engine(stack(n), "L")["u"] for n in range(4)] for engine in ENGINES}
lesson.table(
    [
        {"engine": name, "no block": found[0], "1 block": found[1], "2 blocks": found[2]}
        | {"3 blocks": found[3]}
        for name, found in at_u.items()
    ]
)
at_x0 = breadth_first(stack(1), "L")["x0"]
visits = {n: way_by_way(stack(n), "L")["visits"] for n in (5, 10)}

# %%
lesson.say(f"""
The table shows the gradient at $u$. Without a block all five engines agree, so a test on a chain cannot tell them
apart. With blocks the right engine counts {at_u["right"][1]:.0f}, {at_u["right"][2]:.0f} and
{at_u["right"][3]:.0f} ways.

* *Overwriting* keeps only the part that came last, so it finds {at_u["overwriting"][3]:.0f} everywhere: for it,
  a residual net is a plain chain.
* *Breadth-first* reaches the input of a block over the skip, which is short, and lets it send at once. The
  branch's part arrives later, and is never passed on. Note how well this mistake hides: with one block the gradient
  at $x_0$ itself is right, {at_x0:.0f}; it is wrong only at $u$, to which $x_0$ should have sent all of it.
* *At every visit* adds up correctly, but sends the whole sum again each time something new arrives, so it counts
  ways more than once: {at_u["at_every_visit"][3]:.0f} in place of {at_u["right"][3]:.0f} with three blocks.
* *Way by way* is right. But it walks each way on its own: {visits[5]} visits for five blocks and {visits[10]:,} for
  ten, while the graph of ten blocks has {len(stack(10))} nodes. Adding up at each node *before* sending is what
  makes reverse mode cheap.
""")

# %% [markdown]
# ## Exercise 0.7: design a test
#
# You review an engine that works breadth-first. Its author's test is one residual block directly on a leaf: `L` reads
# `x` and `f`, and `f` reads `x`. The test passes. Write a graph that catches the engine. Your graph is checked with
# random positive local derivatives, by the right engine and by the one that you want to catch.


# %% tags=["exercise"]
@lesson.exercise("0.7")
def graph_that_catches_it():
    """Return inputs, name -> tuple of names, with a loss "L" and at most 8 nodes."""
    # BEGIN SOLUTION
    return {"u": (), "x": ("u",), "z": ("x",), "f": ("z",), "L": ("x", "f")}
    # END SOLUTION


# %% [markdown]
# ## Ten thousand nodes
#
# The order can be found by a function that calls itself: visit what a node reads, then append the node. It is the
# shortest program, and it has a limit. Each call that waits for another one takes a place on Python's call stack; a
# chain of ten thousand nodes would need ten thousand places, and by default Python allows far fewer. The alternative
# keeps its own list: count the readers of each node, and put a node on the list when its last reader is there. (A
# reader that the loss does not depend on is never put there, so such nodes have to be taken out first. The chain has
# none.)


# %% tags=["show"]
def order_by_recursion(inputs, loss):
    order, seen = [], set()

    def visit(name):
        if name not in seen:
            seen.add(name)
            for source in inputs[name]:
                visit(source)
            order.append(name)

    visit(loss)
    return order[::-1]


def order_by_counting(inputs, loss):
    readers = dict.fromkeys(inputs, 0)
    for sources in inputs.values():
        for source in sources:
            readers[source] += 1
    order = [loss]
    for name in order:
        for source in inputs[name]:
            readers[source] -= 1
            if readers[source] == 0:
                order.append(source)
    return order


# %%
def outcome(order, inputs, loss):
    try:
        return f"{len(order(inputs, loss)):,} nodes in order"
    except RecursionError:
        return "RecursionError"


chain = {0: ()} | {i: (i - 1,) for i in range(1, 10_000)}
outcomes = {
    "by recursion": outcome(order_by_recursion, chain, 9_999),
    "by counting": outcome(order_by_counting, chain, 9_999),
    "yours (exercise 0.5)": outcome(backward_order, chain, 9_999),
}
for name, found in outcomes.items():
    print(f"{name:>20}: {found}")

x = y = leaf(1.0)
for _ in range(5_000):  # two nodes each: a product and a residual add
    y = y + y * 1e-4
y.backward()
deep_gradient, deep_theory = float(x.grad), 1.0001**5_000
print(
    f"minires, 10,000 nodes: dL/dx = {deep_gradient:.6f}; in theory 1.0001^5000 = {deep_theory:.6f}"
)

# %% [markdown]
# minires has a still simpler way. It numbers the nodes in the order in which the forward pass makes them. A node is
# always made after everything it reads, so *the recording read backwards* is a right order; `topological_order` in
# `minires/engine.py` is ten lines long and never calls itself. Depth is then limited by memory alone, which a course
# on deep networks needs.
#
# ## What does it cost?
#
# A finite difference needs two evaluations of the network for every single weight. The backward pass does something
# for each node once, like the forward pass. So it should cost about as much as the forward pass, whatever the number
# of weights. But how much is "about"? A **layer** is a step of the network that turns one vector of numbers into the
# next; a linear layer computes $y = W x$, the product of a matrix with a vector. On the way forward each weight
# $W_{ij}$ is multiplied once, by $x_j$. On the way back you know the rule of a product: $x_j$ receives $W_{ij} dy_i$,
# and $W_{ij}$ receives $x_j dy_i$. These are *two* products for each weight, one for the gradient that the layer sends
# on to $x$ and one for the gradient of its weights. The first layer is an exception: nobody asks for the gradient of
# the network's input.
#
# ### Exercise 0.8: backward over forward
# Count only the products, all of one size, in a network of linear layers. The input of the network needs no gradient.


# %% tags=["exercise"]
@lesson.exercise("0.8")
def backward_over_forward(layers):
    """Return (products on the way back) / (products on the way forward) for a number of layers."""
    # BEGIN SOLUTION
    return (2 * layers - 1) / layers
    # END SOLUTION


# %% [markdown]
# Now measure it. A **parameter** is any number in the network that training may change, such as a weight or a number
# that a linear layer adds to its output. `FlopCounter` looks on while a network runs and counts its arithmetic:
# additions, products, comparisons. The nets have eight linear layers with a ReLU after each; the longer the vectors,
# the more parameters. A stopwatch for the processor runs beside it.

# %%
LAYERS = 8
clock = time.perf_counter if lesson.browser else time.process_time  # which stands in a browser


def net_and_batch(width, seed):
    mr.manual_seed(seed)
    layers = [mr.nn.Linear(width, width) for _ in range(LAYERS)]
    batch = np.random.default_rng(seed).standard_normal((256, width), dtype=np.float32)
    parameters = sum(p.size for layer in layers for p in layer.parameters())

    def forward():
        x = mr.tensor(batch)
        for layer in layers:
            x = layer(x).relu()
        return x.sum()

    return forward, parameters


def counted(forward):
    """Return (arithmetic of the backward pass) / (of the forward pass), and the products' share."""
    with mr.watching(mr.FlopCounter()) as counter:
        forward().backward()
    share = counter.forward["Linear"] / counter.forward.total()
    return counter.backward.total() / counter.forward.total(), share


def timed(forward, repeats=7):
    """Return the same for seconds of the processor: the fastest of some runs of each pass."""
    seconds = {"forward": [], "backward": []}
    for _ in range(repeats):
        start = clock()
        loss = forward()
        middle = clock()
        loss.backward()
        seconds["forward"].append(middle - start)
        seconds["backward"].append(clock() - middle)
    return min(seconds["backward"]) / min(seconds["forward"])


parameters, by_counter, by_stopwatch = [], [], []
for width in P.widths:
    nets = [net_and_batch(width, seed) for seed in range(P.seeds)]
    parameters.append(nets[0][1])
    by_counter.append([counted(forward) for forward, _ in nets])
    by_stopwatch.append([timed(forward) for forward, _ in nets])
by_counter, share = np.array(by_counter).T  # (seeds, widths)
by_stopwatch = np.array(by_stopwatch).T
by_differences = np.array([[2.0 * n for n in parameters]] * P.seeds)
times_dearer = by_differences[0, -1] / (1 + by_counter[0, -1])
lesson.reveal(
    "cost",
    f"{by_counter.mean():.2f} by counting; {backward_over_forward(LAYERS):.2f} in theory",
    value=float(by_counter.mean()),
)

# %%
lesson.curves(
    "cost",
    f"All {parameters[-1]:,} derivatives together cost {1 + by_counter[0, -1]:.1f} forward passes",
    np.array(parameters),
    {
        "finite differences": by_differences,
        "forward + backward, arithmetic": 1 + by_counter,
        "forward + backward, stopwatch": 1 + by_stopwatch,
    },
    x="number of parameters",
    y="cost of the whole gradient (forward passes)",
    log="xy",
    highlight=["forward + backward, arithmetic"],
    note="Finite differences: two forward passes per parameter.",
)
lesson.say(f"""
The horizontal axis is the number of parameters, from {parameters[0]:,} to {parameters[-1]:,}. The vertical axis is
the cost of the *whole* gradient, counted in forward passes. Each line of the grid stands for ten times as much. The
grey line that climbs is what finite differences would cost: twice as many parameters, twice the cost. At its right
end it is {round(times_dearer, -3):,.0f} times as high as the coloured line, which does not climb. The coloured line is
forward plus backward; the backward pass alone takes between {by_counter.min():.2f} and {by_counter.max():.2f} forward
passes by arithmetic (theory from exercise 0.8: {backward_over_forward(LAYERS):.2f}). It was enough to count the
products, for they are {share[:, -1].min():.1%} of the arithmetic of the largest net's forward pass. The stopwatch,
which sees Python and the memory as well as the arithmetic, says {np.median(by_stopwatch[:, 0]):.1f} for the smallest
nets and {np.median(by_stopwatch[:, -1]):.1f} for the largest (from {by_stopwatch[:, -1].min():.1f} to
{by_stopwatch[:, -1].max():.1f} over the seeds).
""")

# %% [markdown]
# ## The residual add, with arrays
#
# Back to what this course is about. Does the gradient at a residual add split, as water does at a fork? You have
# written `add_backward`, so you know: it does not. Both inputs receive the *whole* upstream gradient. The parts that
# arrive at $x$ can be told apart by a trick: feed the skip and the branch from two different leaves with the same
# values, and each leaf receives its own part. The branch is $W_2 \max(W_1 x, 0)$ with random weights whose size is
# chosen so that the branch, on average, neither shrinks nor stretches a gradient ($\mathrm{Var}(W_1) = 2/n$,
# $\mathrm{Var}(W_2) = 1/n$).


# %%
def parts_at_add(seed, n=128, batch=64):
    """Return the norms of (skip's part, branch's part, whole), over that of dy; and an error."""
    rng = np.random.default_rng(seed)
    values, dy = rng.standard_normal((2, batch, n))
    w1 = mr.tensor(rng.standard_normal((n, n)) * np.sqrt(2 / n))
    w2 = mr.tensor(rng.standard_normal((n, n)) * np.sqrt(1 / n))
    skip, branch, x = (mr.tensor(values, requires_grad=True) for _ in range(3))
    (skip + (branch @ w1).relu() @ w2).backward(dy)  # the same block, fed by two leaves
    (x + (x @ w1).relu() @ w2).backward(dy)
    norms = [
        float(np.linalg.norm(g) / np.linalg.norm(dy)) for g in (skip.grad, branch.grad, x.grad)
    ]
    return (*norms, float(np.abs(skip.grad + branch.grad - x.grad).max()))


block = np.array([parts_at_add(seed) for seed in range(P.seeds)])
skip_norm, branch_norm, whole_norm, off = block.mean(axis=0)
lesson.table(
    [
        {
            "seed": seed,
            "by the skip": f"{s:.3f}",
            "by the branch": f"{b:.3f}",
            "their sum": f"{w:.3f}",
        }
        for seed, (s, b, w, _) in enumerate(block)
    ]
)
lesson.say(f"""
The table gives the norm of each gradient, divided by the norm of the upstream gradient. The skip's part is
{skip_norm:.3f} exactly: it *is* the upstream gradient. The branch's part is {branch_norm:.3f}. The gradient at $x$
is their sum, entry by entry (the largest difference is {block[:, 3].max():.1g}). But its norm is {whole_norm:.3f},
and not {skip_norm + branch_norm:.2f}. With random weights the two parts point in unrelated directions, which in so
many dimensions are nearly perpendicular; and the norms of perpendicular arrows add like the sides of a right
triangle, $\\sqrt{{1^2 + 1^2}} = \\sqrt 2$. Remember this number. In a deep stack of such blocks every block
multiplies the gradient by it once more, and lesson 8 shows what comes of that.
""")

# %% [markdown]
# ## What people get wrong

# %%
lesson.say(f"""
* *"Backward approximates the gradient."* It evaluates the chain rule exactly, up to rounding: with the ten numbers
  it found what you found by hand. It is the finite difference that approximates, and its error was
  {max(to_differences):.0e}.
* *"With more parameters the backward pass costs more forward passes."* It does not: it cost
  {by_counter[:, 0].mean():.2f} of them with {parameters[0]:,} parameters and {by_counter[:, -1].mean():.2f} with
  {parameters[-1]:,}.
* *"At a residual add the gradient splits, or takes the skip and leaves the branch alone."* Both receive all of it.
  With the ten numbers the skip brought 2 and the branch 1.5, and the sum {by_engine["x"]:.1f} arrived. In exercise
  0.1 the two parts had opposite signs: a branch can also cancel what the skip brings.
* *"Any order will do, if each node is visited once."* Breadth-first visits each node once and returns
  {at_u["breadth_first"][2]:.0f} in place of {at_u["right"][2]:.0f} in front of two blocks.
""")

# %% [markdown]
# ## What the paper found
#
# * Baydin et al. 2018 (arXiv 1502.05767) survey the method and quote the bound of Griewank and Walther (2008): the
#   gradient of a function costs less than 6 evaluations of the function, typically 2 to 3, for any number of inputs.
#   Your coloured line, at forward plus backward, is an instance.
# * An early version of Karpathy's teaching engine micrograd sent at every visit. A user noticed that the gradients
#   were wrong when a node that is not a leaf was used twice (micrograd, issue #2, 2020). How one finds such mistakes
#   without luck is the subject of lesson 1.
# * He et al. 2016 (arXiv 1603.05027) write a stack of residual blocks as $x_L = x_l + \sum F$. The gradient is then
#   $\partial L / \partial x_l = \partial L / \partial x_L \cdot (1 + \partial (\sum F) / \partial x_l)$. The $1$ in
#   it is your skip, and the second term is your branch.
#
# ## Remember
#
# - Backward walks from the loss to the leaves, and each operation sends to its inputs the upstream gradient times the
#   local derivative.
# - Where a value was used more than once the parts are added, and a node sends only after all of them have arrived;
#   at a residual add the skip brings the whole upstream gradient and the branch adds its own part.
# - One backward pass gives all derivatives of a loss, and costs about two forward passes, however many parameters there
#   are.
#
# ## Read next
#
# `minires/engine.py` is the engine of minires, in fewer than two hundred lines; you now know its order and its sums,
# and most of the rest guards against misuse. Then lesson 1: the rules that you wrote here were short enough to
# believe, but who checks the long ones?
