"""What the columns of layers.csv, blocks.csv and curves.csv are; run.json has it too."""

COLUMNS = {
    "arch": "mlp or conv",
    "depth": "mlp: hidden layers of equal width, to which a stem and a head come; conv: all layers",
    "skip": "none: plain; identity: residual (2015); preact: pre-activation residual (2016)",
    "norm": "none, bn: batch norm, or ln: layer norm",
    "init": "initialisation of the weights",
    "activation": "of every layer but the last",
    "width": "of an mlp's layers, or filters of a conv net's first stage",
    "branch_scale": "factor of each residual branch, or how branches start",
    "shortcut": "what x passes around a branch; A: the identity, padded where the shape changes",
    "order": "of weights, norm and activation in a block (He et al. 2016, Figure 4)",
    "data": "digits or synthetic images",
    "batch_size": "samples of a batch",
    "optimizer": "sgd, with momentum 0.9, or adam",
    "lr": "learning rate, after the warm-up and before the cuts",
    "weight_decay": "of the optimiser: added to the gradient",
    "warmup": "steps over which the rate rises linearly to lr; 0: none",
    "milestones": "fractions of the training at which the rate is cut to a tenth",
    "clip": "largest norm of all gradients together: longer ones are scaled to it; empty: no limit",
    "epochs": "of the whole training",
    "dtype": "of weights and activations; norms are summed in float64",
    "seed": "of the weights and of the order of the batches",
    "step": "training steps before the measurement; 0: untrained",
    "loss": "mean cross-entropy of the batch, in nats",
    "index": "of the layer or the block, in the order of the calls; 0 is nearest the input",
    "name": "of the module",
    "stream": "False for a layer inside a residual branch, whose input is not on the main path",
    "forward_rms": "root mean square of the layer's input x",
    "w_norm": "‖W‖",
    "dx_norm": "‖∂L/∂x‖ at the input of the layer or the block, over the whole batch",
    "dw_norm": "‖∂L/∂W‖, the part that comes through this call of the layer",
    "uses": "rows that share the weights; 1 unless a layer is called again, or tied to another",
    "dead_relu": "fraction of units of the following ReLU that are 0 on the whole batch",
    "saturated": "fraction of flat outputs of the following tanh or sigmoid: slope below 1 %",
    "update_ratio": "‖ΔW‖ / ‖W‖ of the optimiser's step",
    "skip_norm": "norm of the part of ∂L/∂x that comes along the shortcut",
    "branch_norm": "norm of the part of ∂L/∂x that comes through the branch",
    "cosine": "of the angle between the two parts",
    "stream_rms": "root mean square of what comes around the branch, in the sum of both",
    "branch_rms": "root mean square of the branch in the sum; over stream_rms: its share",
    "epoch": "counts from 1",
    "train_loss": "mean loss of the epoch's batches as they ran, in nats",
    "train_error": "fraction of the epoch's training samples misclassified as they ran",
}


def explain(*names: str) -> str:
    """Return a line for each column, for --help."""
    width = max(map(len, names))
    return "\n".join(f"  {name.ljust(width)}  {COLUMNS[name]}" for name in names)
