// The summary of the atlas: settings, what came of their runs, and how that is said.

export const VIEWS = {
  trains: { title: "Does it train?", what: "In how many of the seeds the training error of the last epoch is below THRESHOLD." },
  start: { title: "How does it start?", what: "The gradient at the input of the first layer, as a multiple of that at the last, before any training. The learning rate does not matter yet." },
  end: { title: "Where does it end?", what: "Error on the test digits after the last step; the median of the seeds." },
};
const RUN = { error: 0, loss: 1, test: 2, at: 3, decades: 4, errors: 5, losses: 6 }; // as summarise.py writes them

export class Atlas {
  constructor(document) {
    Object.assign(this, document); // about, nets
    const { axes } = this.about;
    this.depths = axes.depth;
    this.rates = axes.lr;
    this.rows = axes.arm;
    this.norms = axes.norm;
    this.inits = axes.init;
  }

  net({ depth, norm, init, arm }) {
    return this.nets[`${depth}/${norm}/${init}/${arm}`];
  }

  // The runs of a setting, with the seed of each.
  runs(setting) {
    const runs = this.net(setting)?.runs[rateKey(setting.lr)] ?? [];
    return runs.flatMap((run, i) => {
      if (!run) return [];
      const named = Object.fromEntries(Object.entries(RUN).map(([name, k]) => [name, run[k]]));
      const trained = named.error !== null && named.error < this.about.threshold;
      return [{ seed: this.about.seeds[i], place: i, diverged: named.at !== null, trained, ...named }];
    });
  }

  // How many seeds trained and diverged, and the medians of those that did not diverge.
  cell(setting) {
    const runs = this.runs(setting);
    const ended = runs.filter((run) => !run.diverged);
    return {
      runs: runs.length,
      trained: runs.filter((run) => run.trained).length,
      diverged: runs.length - ended.length,
      error: median(ended.map((run) => run.error)),
      test: median(ended.map((run) => run.test)),
    };
  }

  // log10 of the gradient at the first layer over that at the last; null if one is 0 or not finite.
  start(setting) {
    const lost = this.net(setting)?.decades.filter((v) => v !== null) ?? [];
    return lost.length ? -median(lost) : null;
  }

  has(setting) {
    return this.depths.includes(setting.depth) && this.norms.includes(setting.norm) && this.inits.includes(setting.init)
      && this.rows.includes(setting.arm) && this.rates.includes(setting.lr);
  }

  command(setting, seed) {
    const [skip, scale] = this.about.arms[setting.arm];
    const { depth, norm, init, lr } = setting;
    return `minires sweep benchmarks/atlas/atlas.toml depth=${depth} norm=${norm} init=${init} skip=${skip} branch_scale=${scale} lr=${lr} --seeds ${seed}, --store out/one`;
  }

  // "24 layers, batch norm, He init, plain, rate 0.1"
  name({ depth, norm, init, arm, lr }) {
    const { names } = this.about;
    return `${depth} layers, ${names.norm[norm]}, ${names.init[init]} init, ${names.arm[arm]}, rate ${lr}`;
  }
}

// Python's {:g}, as the rates are named.
const rateKey = (lr) => (lr < 1e-4 ? lr.toExponential().replace(/e-(\d)$/, "e-0$1") : String(lr));

export const key = ({ depth, norm, init, arm, lr }) => [depth, norm, init, arm, lr].join("/");

export function fromKey(text) {
  const [depth, norm, init, arm, lr] = decodeURIComponent(text.replace(/^#/, "")).split("/");
  return { depth: +depth, norm, init, arm, lr: +lr };
}

export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
}

// Where a depth lies on a map: 0 is the middle of the first row; between rows the axis is logarithmic.
export function place(depth, depths) {
  if (depths.length < 2) return 0;
  let i = depths.findIndex((d) => d > depth) - 1;
  if (i === -1) i = 0;
  if (i < 0) i = depths.length - 2;
  return i + Math.log(depth / depths[i]) / Math.log(depths[i + 1] / depths[i]);
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const raised = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => RAISED[d]);

// 10^log as text: 0.4, 25, 10⁻¹⁹.
export function times(log) {
  if (log === null) return "not finite";
  if (Math.abs(log) < 1.95) return String(+(10 ** log).toPrecision(log < 1 ? 1 : 2));
  return `10${raised(Math.round(log))}`;
}

export const percent = (share) => (share === null ? "–" : `${+(100 * share).toPrecision(share < 0.1 ? 2 : 3)} %`);

// What came of a setting, in a sentence.
export function outcome(cell) {
  if (!cell.runs) return "not run";
  const parts = [`${cell.trained} of ${cell.runs} seeds train`];
  if (cell.diverged) parts.push(`${cell.diverged === cell.runs ? "all" : cell.diverged} diverge${cell.diverged === 1 ? "s" : ""}`);
  if (cell.error !== null) parts.push(`training error ${percent(cell.error)}, test error ${percent(cell.test)}`);
  return parts.join("; ");
}
