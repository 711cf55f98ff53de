# ---
# title: Why do gradients vanish?
# minutes: 30
# needs: lesson 1
# ---
# %% [markdown]
# # Lesson 2: Why do gradients vanish?
#
# In a stack of layers $x_l = \varphi(W_l x_{l-1})$ the chain rule is a product,
#
# $$\frac{\partial L}{\partial x_0} = J_1^\top J_2^\top \cdots J_L^\top \frac{\partial L}{\partial x_L},
# \qquad J_l = \mathrm{diag}(\varphi'(z_l))\, W_l .$$
#
# If every factor shrinks a vector a little, the product shrinks it exponentially. The question is what decides how
# much one layer shrinks it, and where to look for the damage.

# %%
import math

import numpy as np

from minires import gradflow
from minires.lessons import Lesson, spread

lesson = Lesson(2)
P = lesson.params(depths=(8, 20, 56, 200), seeds=3, width=128, fast={"depths": (8, 20), "seeds": 2})
P.depths = sorted(set(P.depths))

# %% [markdown]
# ## Predict
# Xavier initialisation has $\mathrm{Var}(w) = 1/n$. ReLU blocks half of its inputs.

# %%
lesson.predict(
    "factor",
    "by which factor does one ReLU layer with Xavier init change the gradient's norm?",
    mine=None,
)

# %% [markdown]
# ## Exercise 2.1: the factor of one layer
# Going back through one layer, $\delta_{l-1} = W^\top (\varphi'(z) \odot \delta_l)$. Treat the $n^2$ weights as
# independent with mean 0, and the slopes as independent of them.


# %% tags=["exercise"]
@lesson.exercise("2.1")
def backward_factor(fan_in, weight_variance, mean_square_slope):
    """Return the expected factor of the gradient's norm over one layer of equal width."""
    # BEGIN SOLUTION
    return math.sqrt(fan_in * weight_variance * mean_square_slope)
    # END SOLUTION


# %% [markdown]
# ## Exercise 2.2: the default that nobody chose
# PyTorch's `Linear` starts from $U(-1/\sqrt n, 1/\sqrt n)$, which is neither Xavier nor He. Its factor with ReLU?


# %% tags=["exercise"]
@lesson.exercise("2.2")
def default_factor():
    """Return the factor of one ReLU layer with PyTorch's default init."""
    # BEGIN SOLUTION
    return 1 / math.sqrt(6)
    # END SOLUTION


# %% [markdown]
# ## Experiment: eight combinations
# Each net is built, one batch of digits goes forward and back, and the norm $\lVert \partial L / \partial x_l
# \rVert$ is recorded at every layer. The factor is fitted over the middle 80 % of the layers, for several seeds.

# %%
COMBINATIONS = [
    ("relu", "he"),
    ("relu", "xavier"),
    ("relu", "default"),
    ("tanh", "xavier"),
    ("tanh", "default"),
    ("sigmoid", "xavier"),
    ("sigmoid", "default"),
    ("identity", "xavier"),
]


def measure(activation, init, depth):
    """Return the runs of one combination: plain nets without normalisation, one per seed."""
    return gradflow.run(
        "mlp",
        [depth],
        ["none"],
        ["none"],
        [init],
        activation,
        P.seeds,
        width=P.width,
        dtype="float64",
    )


results = {(a, i, d): measure(a, i, d) for a, i in COMBINATIONS for d in P.depths}

factors, table = {}, []
for (activation, init, depth), runs in results.items():
    found = [r.dx_factor for r in runs]
    theory = runs[0].setting.theory(128)
    factors[activation, init, depth] = (float(np.mean(found)), theory)
    table.append(
        {
            "activation": activation,
            "init": init,
            "layers": depth,
            "measured factor": spread(found),
            "theory": f"{theory:.4f}",
            "decades lost": f"{np.median([r.decades_lost() for r in runs]):.1f}",
        }
    )
lesson.table(table)
measured = factors["relu", "xavier", P.depths[-1]][0]
lesson.reveal("factor", f"{measured:.4f}; theory {math.sqrt(0.5):.4f}")

# %% [markdown]
# The factor does not depend on the depth: it is a property of one layer, and the depth is its exponent.
# (Tanh with Xavier is the exception: its signal shrinks slowly, so its slope, and the factor, creep towards 1.)

# %%
SHOWN = [("relu", "he"), ("relu", "xavier"), ("relu", "default"), ("sigmoid", "xavier")]
DEPTH = P.depths[min(2, len(P.depths) - 1)]


def profile(activation, init, quantity):
    """Return a quantity of every layer, (seeds, layers), from the input to the output."""
    return np.array([[quantity(x) for x in r.layers] for r in results[activation, init, DEPTH]])


gradients = {(a, i): profile(a, i, lambda layer: layer.dx_norm) for a, i in SHOWN}
lost = {key: np.median([r.decades_lost() for r in results[(*key, DEPTH)]]) for key in gradients}
back = np.arange(gradients["relu", "he"].shape[1])  # 0 is the last layer
names = {key: f"{key[0]}, {key[1]} init: {factors[(*key, DEPTH)][0]:.2f} a layer" for key in SHOWN}
lesson.curves(
    "gradient_by_layer",
    f"{DEPTH} ReLU layers with He init lose {abs(lost['relu', 'he']):.0f} decades, sigmoid layers {lost['sigmoid', 'xavier']:.0f}",
    back,
    {names[key]: values[:, ::-1] for key, values in gradients.items()},
    x="layers back from the loss",
    y="norm of ∂L/∂x",
    log="y",
    centre="geometric",
    highlight=[names[SHOWN[-1]]],
    note="At the lines: the measured factor of one layer.",
)

# %% [markdown]
# Now the same net with ReLU and Xavier init, seen three ways. The gradient by a layer's input falls from layer to
# layer on its way back. The gradient by its weights is level, and shows nothing of it. (That is so for this
# combination: with the default init or with sigmoid the gradient by the weights falls as well.)


# %%
def relative(values):
    """Return values of shape (seeds, layers), each seed relative to its largest."""
    return values / values.max(axis=1, keepdims=True)


def ends(activation, init, quantity):
    """Return the geometric mean over seeds of quantity(first body layer) / quantity(last body layer)."""
    values = profile(activation, init, quantity)
    ratios = values[:, 1] / values[:, -2]
    return float(np.prod(ratios ** (1 / len(ratios))))


dx_ratio = ends("relu", "xavier", lambda layer: layer.dx_norm)
dw_ratio = ends("relu", "xavier", lambda layer: layer.dw_norm)
lesson.curves(
    "three_quantities",
    f"∂L/∂x loses {-np.log10(dx_ratio):.0f} decades on its way to the input; ∂L/∂W does not show it",
    np.arange(len(back)),
    {
        "∂L/∂x": relative(profile("relu", "xavier", lambda layer: layer.dx_norm)),
        "∂L/∂W": relative(profile("relu", "xavier", lambda layer: layer.dw_norm)),
        "x itself": relative(profile("relu", "xavier", lambda layer: layer.forward_rms)),
    },
    x="layer (0 is the input)",
    y="relative to its largest value",
    log="y",
    centre="geometric",
    highlight=["∂L/∂x", "∂L/∂W"],
    note=f"ReLU, Xavier, {DEPTH} layers: norms of the gradients, root mean square of the signal.",
)
print(
    f"ReLU, Xavier, {DEPTH} layers: first / last ‖∂L/∂x‖ = {dx_ratio:.1e}, ‖∂L/∂W‖ = {dw_ratio:.2f}"
)
for activation, init in SHOWN:
    ratio = ends(activation, init, lambda layer: layer.dw_norm)
    print(f"{activation}, {init}: first / last ‖∂L/∂W‖ = {ratio:.1e}")

# %% [markdown]
# ## Exercise 2.5: why is it flat?
# $\lVert \partial L/\partial W_l \rVert$ multiplies $\delta_l$, which decays towards the input, by another vector.


# %% tags=["exercise"]
@lesson.exercise("2.5")
def what_cancels_the_decay():
    """Return "forward" (the signal x), "weights" (the norm of W) or "loss" (the upstream)."""
    # BEGIN SOLUTION
    return "forward"
    # END SOLUTION


# %% [markdown]
# ## Exercise 2.3: design an initialisation
# Leaky ReLU has slope 1 for positive and $a$ for negative inputs. Which standard deviation makes the factor 1?


# %% tags=["exercise"]
@lesson.exercise("2.3")
def leaky_relu_std(width, slope):
    """Return the standard deviation of the weights for which one layer's factor is 1."""
    # BEGIN SOLUTION
    return math.sqrt(2 / ((1 + slope**2) * width))
    # END SOLUTION


# %% [markdown]
# ## Exercise 2.4: when is nothing left?
# The smallest normal float32 is $2^{-126} \approx 1.2 \cdot 10^{-38}$. A gradient that starts at 1 is multiplied by
# `factor` in each layer. A norm computed from float32 squares gives up at half of that depth already.


# %% tags=["exercise"]
@lesson.exercise("2.4")
def underflow_depth(factor, smallest):
    """Return the number of layers after which factor^layers is below `smallest`."""
    # BEGIN SOLUTION
    return math.ceil(math.log(smallest) / math.log(factor))
    # END SOLUTION


# %%
sigmoid = factors["sigmoid", "xavier", P.depths[-1]][0]
print(f"sigmoid, Xavier (measured factor {sigmoid:.4f}): below the smallest normal float32 after")
print(
    f"  {underflow_depth(sigmoid, 2.0**-126)} layers, its square after {underflow_depth(sigmoid**2, 2.0**-126)}"
)

# %% [markdown]
# ## Remember
# - One layer multiplies the gradient's norm by $\sqrt{n\,\mathrm{Var}(w)\,E[\varphi'^2]}$; depth is the exponent.
# - He init makes it 1 for ReLU (He et al. 2015, arXiv 1502.01852, §2.2). That a norm is level does not mean that the
#   net trains: lesson 5 is about nets that fail although nothing vanishes.
# - Look at $\partial L/\partial x$ and at the forward signal, not only at $\partial L/\partial W$.
#
# ## Misconceptions
# - *"A flat $\partial L/\partial W$ plot means that nothing vanishes."* Refuted above for ReLU with Xavier init: flat
#   within a factor of a few, while $\partial L/\partial x$ lost decades.
# - *"Xavier, He and the default are about the same."* Their factors with ReLU, 0.71, 1 and 0.41, differ little for
#   one layer, and by the numbers below for the deepest net of this lesson.

# %%
for init in ("he", "xavier", "default"):
    runs = results["relu", init, P.depths[-1]]
    print(
        f"relu, {init}, {P.depths[-1]} layers: {np.median([r.decades_lost() for r in runs]):.1f} decades lost"
    )
