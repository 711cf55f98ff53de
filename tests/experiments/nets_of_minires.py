"""Nets of minires with known ailments, and healthy ones: name -> (make, what is found)."""

from minires import models, nn


def mlp(depth, *options, **named):
    return lambda seed: models.mlp_stack(depth, 128, *options, in_features=64, seed=seed, **named)


def conv(depth, **named):
    return lambda seed: models.resnet(depth, width=8, in_channels=1, seed=seed, **named)


def changed(make, change):
    def made(seed):
        net = make(seed)
        for module in net.modules():
            change(module)
        return net

    return made


def larger(module):
    if isinstance(module, nn.Linear):
        module.weight.update_(module.weight.data * 10)


def darker(module):
    if isinstance(module, nn.Linear) and module.bias is not None:
        module.bias.update_(module.bias.data - 3)


def loud(module):
    if isinstance(module, models.mlp.MLPBlock):
        module.norm2.weight.update_(module.norm2.weight.data * 8)


HEALTHY = {
    "mlp-4": mlp(4),
    "mlp-8": mlp(8),
    "mlp-4 as PyTorch starts it": mlp(4, init="default"),
    "mlp-8 tanh": mlp(8, activation="tanh", init="xavier"),
    "mlp-50 tanh orthogonal": mlp(50, activation="tanh", init="orthogonal"),
    "mlp-50 identity": mlp(50, init="identity"),
    "mlp-20 batch norm": mlp(20, "none", "bn"),
    "mlp-56 residual batch norm": mlp(56, "identity", "bn"),
    "mlp-110 preact batch norm": mlp(110, "preact", "bn"),
    "mlp-56 preact layer norm GELU": mlp(56, "preact", "ln", "gelu"),
    "mlp-56 1/sqrt(blocks)": mlp(56, "preact", branch_scale="1/sqrt(blocks)"),
    "mlp-56 skipinit": mlp(56, "identity", branch_scale="skipinit"),
    "mlp-56 zero-gamma": mlp(56, "identity", "bn", branch_scale="zero-gamma"),
    "mlp-56 residual as PyTorch starts it": mlp(56, "identity", init="default"),
    "conv-8 plain": conv(8, skip=False),
    "conv-20 plain": conv(20, skip=False),
    "conv-20 residual": conv(20),
}
HEALTHY_SLOW = {
    "conv-56 residual": conv(56),
    "conv-110 residual": conv(110),
    "conv-110 preact": conv(110, order="preact"),
    "conv-20 layer norm": conv(20, norm="ln"),
}
SICK = {
    "mlp-8 sigmoid": (mlp(8, activation="sigmoid", init="xavier"), "vanishing"),
    "mlp-4 sigmoid": (mlp(4, activation="sigmoid", init="default"), "vanishing"),
    "mlp-20 as PyTorch starts it": (mlp(20, init="default"), "vanishing"),
    "mlp-50 Xavier": (mlp(50, init="xavier"), "vanishing, signal fades"),
    "mlp-100 He": (mlp(100), "samples alike"),  # of 50 layers: 0.966 to 0.994, by the seed
    "mlp-56 batch norm": (mlp(56, "none", "bn"), "exploding"),
    "mlp-110 batch norm": (mlp(110, "none", "bn"), "exploding"),
    "mlp-20 residual He": (mlp(20, "identity"), "signal grows"),
    "mlp-56 residual He": (mlp(56, "identity"), "exploding, signal grows"),
    "mlp-6 weights x 10": (changed(mlp(6, activation="tanh"), larger), "saturated"),
    "mlp-4 biases - 3": (changed(mlp(4), darker), "dead ReLUs"),
    "mlp-20 loud branches": (changed(mlp(20, "identity", "bn"), loud), "branch dominates"),
    "conv-20 no norm": (conv(20, skip=False, norm="none", init="default"), "vanishing"),
}
SICK_SLOW = {
    "conv-56 plain": (conv(56, skip=False), "exploding"),
    "conv-110 plain": (conv(110, skip=False), "exploding"),
    "conv-56 residual no norm": (conv(56, norm="none"), "signal grows"),
}
