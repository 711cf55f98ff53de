// What can be chosen, what is stored for it, and what a pair of nets shows. Values are kept as log10:
// a gradient of 1e-95 is drawn and compared like any other.

export const CHOICES = {
  depth: { name: "Depth", values: ["8", "20", "32", "56", "110"] },
  init: {
    name: "Initial weights",
    values: ["default", "he", "xavier", "orthogonal", "identity"],
    labels: ["PyTorch’s default", "He", "Xavier", "orthogonal", "identity"],
  },
  norm: { name: "Normalisation", values: ["none", "bn"], labels: ["none", "batch norm"] },
  branch: {
    name: "Branch factor of the residual net",
    values: ["1", "1/sqrt(blocks)", "skipinit"],
    labels: ["1", "1/√blocks", "0 (SkipInit)"],
  },
  order: {
    name: "Residual block",
    values: ["original", "preact"],
    labels: ["2015: activation after the sum", "2016: activation before the weights"],
  },
  activation: {
    name: "Activation",
    values: ["relu", "tanh", "sigmoid"],
    labels: ["ReLU", "tanh", "sigmoid"],
  },
};
export const OPENING = { depth: "56", init: "default", norm: "none", branch: "1", order: "original", activation: "relu" };
export const KINDS = { plain: "plain", residual: "residual" };
export const QUANTITIES = {
  dx: { title: "Gradient", symbol: "‖∂L/∂x‖", what: "the gradient that reaches the input of each layer" },
  x: { title: "Signal", symbol: "RMS of x", what: "the size of the signal at the input of each layer" },
  dw: { title: "Weights’ gradient", symbol: "‖∂L/∂W‖", what: "the gradient of each layer’s weights" },
};

export const label = (key, value) => {
  const { values, labels } = CHOICES[key];
  return labels ? labels[values.indexOf(value)] : value;
};

// ---- settings and the address --------------------------------------------------------------------
export function toHash(settings) {
  const changed = Object.keys(CHOICES).map((key) => `${key}=${encodeURIComponent(settings[key])}`);
  return `#${changed.join("&")}`;
}

export function fromHash(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const settings = { ...OPENING };
  for (const [key, { values }] of Object.entries(CHOICES))
    if (values.includes(given.get(key))) settings[key] = given.get(key);
  return settings;
}

// ---- stored nets ---------------------------------------------------------------------------------
export class Store {
  #files = new Map();

  constructor(folder) {
    this.folder = folder;
  }

  // The points of one activation; loaded once.
  async load(activation) {
    if (!this.#files.has(activation)) {
      const loading = fetch(new URL(`${activation}.json`, this.folder)).then((answer) => {
        if (!answer.ok) throw new Error(`stored runs could not be loaded: ${answer.status} ${answer.statusText}`);
        return answer.json();
      });
      loading.catch(() => this.#files.delete(activation)); // the next change tries again
      this.#files.set(activation, loading);
    }
    return this.#files.get(activation);
  }

  // { plain, residual, about } for settings.
  async pair(settings) {
    const { about, formulas, nets } = await this.load(settings.activation);
    const start = `${settings.depth}/${settings.init}/${settings.norm}`;
    return {
      plain: unpack(nets[`${start}/plain`], +settings.depth, formulas, about),
      residual: unpack(nets[`${start}/${settings.order}/${settings.branch}`], +settings.depth, formulas, about),
      about,
    };
  }
}

// Means are stored as differences, in hundredths; null is 0 in some seed, "x" is not finite.
function sums(differences) {
  let sum = 0;
  return differences.map((d) => (typeof d === "number" ? (sum += d) / 100 : null));
}

function unpack(entry, depth, formulas, about) {
  const points = entry.dx.m.length;
  const layers = layersOf(points, depth);
  const net = { layers, seeds: about.seeds.length, width: about.width };
  for (const key of Object.keys(QUANTITIES)) {
    const { m, s, bad = [0, 0] } = entry[key];
    net[key] = {
      log: sums(m),
      spread: s.map((v) => v / 100),
      state: m.map((v) => (v === null ? "zero" : v === "x" ? "bad" : "")),
      zeros: bad[0],
      bad: bad[1],
      of: points * about.seeds.length,
    };
  }
  net.factor = entry.factor ?? null;
  const theory = entry.theory;
  net.theory = { factor: theory?.factor ?? null, formula: formulas[entry.formula] };
  if (theory) {
    const body = layers.slice(1, -1);
    Object.assign(net.theory, lines(net, body, line(theory.x, body), line(theory.dx, body)));
  }
  return net;
}

// Of a straight line only its ends are stored.
function line(stored, body) {
  if (stored.length === body.length) return sums(stored);
  const [from, to] = stored;
  return body.map((_, i) => (from + ((to - from) * i) / (body.length - 1)) / 100);
}

function layersOf(points, depth) {
  if (points === depth + 2) return Array.from({ length: points }, (_, i) => i);
  return Array.from({ length: points }, (_, i) => (i === 0 ? 0 : i === points - 1 ? depth + 1 : 2 * i - 1));
}

// Theory's three lines. The weights' gradient is a product: ‖∂L/∂W‖ goes as signal × gradient, from
// what is measured at the last of these layers.
function lines(net, layers, x, dx) {
  const last = layers.length;
  const end = net.dw.log[last];
  const product = x.map((v, i) => (v === null || dx[i] === null ? null : v + dx[i]));
  const from = product.at(-1);
  const dw = end === null || from === null || from === undefined ? [] : product.map((v) => (v === null ? null : v + end - from));
  return { layers, x, dx, dw };
}

// A net as the engine's `measure` returns it.
export function measured(raw, settings) {
  const net = { layers: raw.layer, seeds: 1, width: settings.width };
  const log = (v) => (typeof v === "number" && v > 0 ? Math.log10(v) : null);
  for (const key of Object.keys(QUANTITIES)) {
    const state = raw[key].map((v) => (v === 0 ? "zero" : typeof v === "number" ? "" : "bad"));
    const count = (name) => state.filter((s) => s === name).length;
    net[key] = { log: raw[key].map(log), spread: raw[key].map(() => 0), state, zeros: count("zero"), bad: count("bad"), of: state.length };
  }
  net.factor = raw.factor === null ? null : [raw.factor, 0];
  net.theory = { factor: raw.theory.factor, formula: raw.theory.formula };
  if (raw.theory.x.length) Object.assign(net.theory, lines(net, raw.theory.layer, raw.theory.x.map(log), raw.theory.dx.map(log)));
  return net;
}

// ---- what it says --------------------------------------------------------------------------------
// How many decades the gradient gains on its way from the last layer to the first; null if 0 or not finite.
export function decades(net) {
  const { log } = net.dx;
  return log[0] === null || log.at(-1) === null ? null : log[0] - log.at(-1);
}

const SUPERSCRIPT = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹";
export const superscript = (n) => String(n).replace(/[-\d]/g, (c) => SUPERSCRIPT["-0123456789".indexOf(c)]);

// 10^log as text: 0.043, 1.2, 340, 3·10⁻¹⁹.
export function number(log) {
  if (log === null) return "–";
  if (log > -3 && log < 4) return String(+(10 ** log).toPrecision(2));
  let power = Math.floor(log);
  let lead = (10 ** (log - power)).toPrecision(2);
  if (lead === "10") [lead, power] = ["1.0", power + 1];
  return `${lead}·10${superscript(power)}`;
}

// A factor in words: "falls by a factor of 10²²", "grows by a factor of 30", "stays level (× 0.9)".
export function change(gained) {
  const size = Math.abs(gained);
  if (size < 0.2) return `stays level (× ${number(gained)})`;
  const by = size < 4 ? number(size) : `10${superscript(Math.round(size))}`;
  return `${gained < 0 ? "falls" : "grows"} by a factor of ${by}`;
}

export function sentence(net) {
  if (net.dx.bad) return "overflows: values are not finite";
  const gained = decades(net);
  if (gained === null) return "falls to exactly 0: float32 has no smaller numbers";
  return change(gained);
}

export function factorText(net) {
  const { factor, theory } = net;
  const found = factor ? `× ${factor[0].toFixed(3)}${factor[1] ? ` ± ${factor[1].toFixed(3)}` : ""}` : "no factor can be fitted";
  const said = theory.factor === null ? `no theory: ${theory.formula}` : `theory × ${theory.factor.toFixed(4)} = ${theory.formula}`;
  return { found, said };
}
