// The presets: each is one statement of the course, or refutes one misconception, with the lesson that
// explains it. `holds` says when the statement is true; the tests ask it of the stored runs.

import { decades } from "./model.mjs";

const settings = (changes) => ({ depth: "56", init: "default", norm: "none", branch: "1", order: "original", activation: "relu", ...changes });
const level = (net) => Math.abs(decades(net)) < 1;
const factor = (net) => net.factor[0];
const span = (series) => Math.max(...series.log.slice(1, -1)) - Math.min(...series.log.slice(1, -1));

export const STATEMENTS = [
  {
    id: "contrast", title: "Depth, without and with a skip", lesson: "lesson_07_residual",
    text: "PyTorch’s default weights are small: every plain layer takes more than half of the gradient away. The skip carries it past all of them.",
    settings: settings({}),
    holds: ({ plain, residual }) => decades(plain) < -20 && level(residual),
  },
  {
    id: "sigmoid", title: "The classic: sigmoid", lesson: "lesson_02_vanishing_gradients",
    text: "Sigmoid layers with Xavier’s weights lose three quarters of the gradient each. Twenty are enough for more than ten decades.",
    settings: settings({ depth: "20", init: "xavier", activation: "sigmoid", order: "preact" }),
    holds: ({ plain, residual }) => decades(plain) < -10 && level(residual),
  },
  {
    id: "flat", title: "“∂L/∂W is flat, so nothing vanishes”", lesson: "lesson_02_vanishing_gradients",
    text: "Wrong: the weights’ gradient is the product of a signal that dies forwards and a gradient that dies backwards. The product is nearly the same in every layer, and tiny in all of them.",
    settings: settings({ init: "xavier" }),
    holds: ({ plain }) => decades(plain) < -7 && span(plain.dw) < 1.5,
  },
  {
    id: "he", title: "“He’s weights solve it”", lesson: "lesson_03_shattered_gradients",
    text: "They keep the size of the plain net’s gradient, as theory says: a factor of 1. Yet such a net does not train at this depth: its size was not the only problem.",
    settings: settings({ init: "he" }),
    holds: ({ plain }) => decades(plain) > -1.5 && Math.abs(factor(plain) - 1) < 0.05,
  },
  {
    id: "normed", title: "“Batch norm: deep nets vanish”", lesson: "lesson_04_batch_norm",
    text: "The other way round: at the start a plain net with batch norm explodes, by √(π / (π − 1)) per layer, whatever its weights. The twin grows only by a power of its depth.",
    settings: settings({ norm: "bn", depth: "110", init: "he" }),
    holds: ({ plain, residual }) => decades(plain) > 7 && decades(residual) < 4,
  },
  {
    id: "identity", title: "“Only a skip can save 56 layers”", lesson: "lesson_06_identity",
    text: "Plain layers that start as the identity pass signal and gradient on unchanged, without any skip. What is hard for plain layers is to find the identity, not to be it.",
    settings: settings({ init: "identity" }),
    holds: ({ plain }) => Math.abs(factor(plain) - 1) < 0.001,
  },
  {
    id: "guarantee", title: "“The + 1 guarantees a gradient”", lesson: "lesson_07_residual",
    text: "It does not: an activation after the sum, here a sigmoid, stands in the way of skip and branch alike, and the residual net’s gradient vanishes too.",
    settings: settings({ init: "xavier", activation: "sigmoid" }),
    holds: ({ residual }) => decades(residual) < -10,
  },
  {
    id: "explodes", title: "“With skips, no norm is needed”", lesson: "lesson_08_branch_scale",
    text: "With He’s weights every residual block adds a branch as large as its input: signal and gradient grow by a factor per block. It is the residual net that explodes.",
    settings: settings({ init: "he" , order: "preact" }),
    holds: ({ plain, residual }) => decades(residual) > 3 && decades(residual) > decades(plain) + 3,
  },
  {
    id: "scaled", title: "A smaller branch", lesson: "lesson_08_branch_scale",
    text: "Divided by the square root of the number of blocks, all branches together add about as much as the signal had: the growth stays bounded, however deep the net.",
    settings: settings({ init: "he", order: "preact", branch: "1/sqrt(blocks)", depth: "110" }),
    holds: ({ residual }) => Math.abs(decades(residual)) < 0.8,
  },
  {
    id: "skipinit", title: "Branches that start at 0", lesson: "lesson_08_branch_scale",
    text: "With SkipInit every block starts as the identity: a factor of exactly 1 at any depth. The price is in the weights’ gradient: it is 0 in every branch at first, where only the branch’s own factor can learn.",
    settings: settings({ init: "he", branch: "skipinit", depth: "110" }),
    holds: ({ residual }) => factor(residual) === 1 && residual.dw.state.slice(1, -1).every((s) => s === "zero"),
  },
];

// Predictions: the factor per layer that a change brings, asked one after the other.
export const QUESTIONS = [
  { kind: "plain", to: settings({ norm: "bn" }), text: "Next: batch norm after the weights of every layer. What will the plain net’s gradient do?" },
  { kind: "plain", to: settings({ init: "he" }), text: "Next: no batch norm, but He’s larger weights. The plain net’s gradient?" },
  { kind: "residual", to: settings({ init: "he", order: "preact" }), text: "The same weights, in blocks of 2016. And the residual twin’s gradient?" },
  { kind: "residual", to: settings({ init: "he", order: "preact", branch: "1/sqrt(blocks)" }), text: "Next: each branch is divided by √28, as there are 28 blocks. The residual net’s gradient?" },
  { kind: "residual", to: settings({ init: "xavier", activation: "sigmoid" }), text: "Last: a sigmoid after each sum. Does the skip still carry the residual net’s gradient?" },
];
