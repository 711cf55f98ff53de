"""The PyTorch twin of each net of `family`, and what it makes of the rule's numbers."""

import torch
import torch_others as others
from family import Found, inputs_for, state_for, targets_for
from torch.nn import functional as f
from torch_resnets import STAGES, cifar, imagenet

PRE = {"order": "preact", "shared_act": True}
NECK = {"block": "bottleneck", "shortcut": "B"}
AS_IN_2016 = {**NECK, "stride_in": "1x1"}
TWINS = {
    "preact_resnet18": (imagenet, 18, PRE),
    "preact_resnet50": (imagenet, 50, PRE),
    "preact_resnet110": (cifar, 110, PRE),
    "preact_resnet164": (cifar, 164, PRE | AS_IN_2016),
    "preact_resnet1001": (cifar, 1001, PRE | AS_IN_2016),
    "preact_resnet34": (imagenet, 34, PRE),
    "preact_resnet101": (imagenet, 101, PRE),
    "preact_resnet152": (imagenet, 152, PRE),
    "wide_resnet16_8": (cifar, 14, {**PRE, "shortcut": "B", "widen": 8}),
    "wide_resnet40_4": (cifar, 38, {**PRE, "shortcut": "B", "widen": 4}),
    "wide_resnet101_2": (imagenet, 101, {"width_per_group": 128}),
    "resnext29_16x64d": (cifar, 29, {**NECK, "groups": 16}),
    "resnext101_64x4d": (imagenet, 101, {"groups": 64, "width_per_group": 4}),
    "densenet_bc190": (others.dense_cifar, 190, {"bottleneck": True}),
    "densenet_bc250": (others.dense_cifar, 250, {"bottleneck": True}),
    "resnet164": (cifar, 164, AS_IN_2016),
    "resnet1001": (cifar, 1001, AS_IN_2016),
    "wide_resnet16_4": (cifar, 14, {**PRE, "shortcut": "B", "widen": 4}),
    "wide_resnet28_10": (cifar, 26, {**PRE, "shortcut": "B", "widen": 10}),
    "wide_resnet50_2": (imagenet, 50, {"width_per_group": 128}),
    "resnext29_8x64d": (cifar, 29, {**NECK, "groups": 8}),
    "resnext50_32x4d": (imagenet, 50, {"groups": 32, "width_per_group": 4}),
    "resnext101_32x8d": (imagenet, 101, {"groups": 32, "width_per_group": 8}),
    "densenet40": (others.dense_cifar, 40, {"bottleneck": False}),
    "densenet_bc100": (others.dense_cifar, 100, {"bottleneck": True}),
    "densenet121": (others.dense_imagenet, 121, {}),
    "densenet169": (others.dense_imagenet, 169, {}),
    "densenet201": (others.dense_imagenet, 201, {}),
}
OTHERS = {
    "mlp_stack": others.MLP,
    "mobilenet_v1": others.mobilenet_v1,
    "mobilenet_v2": others.mobilenet_v2,
    "vdsr": others.Restorer,
    "airbench94": others.Airbench,
    "edsr": others.EDSR,
}


def twin(name, **options):
    """Return the PyTorch twin of `models.build(name, **options)`."""
    if name in TWINS:
        make, depth, defaults = TWINS[name]
        return make(depth, **{**defaults, **options})
    if name in OTHERS:
        return OTHERS[name](**options)
    kind, depth = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    return (imagenet if depth in STAGES else cifar)(depth, skip=kind == "resnet", **options)


def build(case, dtype="float64"):
    """Return the twin of a case, with the weights of the rule."""
    net = twin(case.net, **case.options).double()
    state = state_for(case, {name: value.shape for name, value in net.state_dict().items()})
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return net.to(getattr(torch, dtype))


def theirs(case, dtype="float64"):
    """Do with the twin what `family.ours` does with our net."""
    net = build(case, dtype)
    x = torch.from_numpy(inputs_for(case).astype(dtype)).requires_grad_()
    with torch.no_grad():
        logits = net.eval()(x).numpy()
    logits_train = net.train()(x)
    targets = torch.from_numpy(targets_for(case, logits.shape, dtype))
    loss = (f.mse_loss if logits.ndim == 4 else f.cross_entropy)(logits_train, targets)
    loss.backward()
    gradients = {n: p.grad.numpy() for n, p in net.named_parameters() if p.requires_grad}
    gradients["inputs"] = x.grad.numpy()
    statistics = {n: v.numpy() for n, v in net.named_buffers() if "running_" in n}
    return Found(logits, logits_train.detach().numpy(), loss.item(), gradients, statistics)
