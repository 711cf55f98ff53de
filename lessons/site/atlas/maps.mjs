// One view as small maps, depth × rate: a block for each norm, a column for each init, a row for each arm.

import { html } from "../explore/dom.mjs";
import { VIEWS, key, outcome, percent, place, times } from "./model.mjs";

const DECADES = 6, BEST = 0.05, WORST = 0.9; // where the colours end

export class View {
  // hooks: point(setting) when one is looked at, open(setting) when it is chosen
  constructor(name, atlas, hooks) {
    Object.assign(this, { name, atlas, hooks });
    this.cells = new Map();
    const { title, what } = VIEWS[name];
    const said = what.replace("THRESHOLD", percent(atlas.about.threshold));
    this.element = html("section", { class: `view ${name}`, "aria-label": title },
      html("h2", {}, title), html("p", { class: "what" }, said), legend(name, atlas),
      html("div", { class: "blocks" }, ...atlas.norms.map((norm) => this.block(norm))));
    this.element.addEventListener("keydown", (event) => this.move(event));
  }

  block(norm) {
    const { atlas } = this;
    const { names } = atlas.about;
    const block = html("div", { class: "block", style: `--columns: ${atlas.inits.length}` });
    block.append(html("h3", {}, names.norm[norm]));
    block.append(html("span"), html("span"), ...atlas.inits.map((init) => html("span", { class: "init" }, names.init[init])));
    for (const arm of atlas.rows) {
      block.append(html("span", { class: "arm" }, names.arm[arm]));
      block.append(html("span", { class: "depths", "aria-hidden": "true" }, ...atlas.depths.map((d) => html("span", {}, d))));
      block.append(...atlas.inits.map((init) => this.panel({ norm, init, arm })));
    }
    const rates = () => html("span", { class: "rates", "aria-hidden": "true" }, ...atlas.rates.map((lr) => html("span", {}, String(lr).replace("0.", "."))));
    block.append(html("span", { class: "axis", "aria-hidden": "true" }, this.name === "start" ? "" : "rate"), html("span"));
    if (this.name !== "start") block.append(...atlas.inits.map(rates));
    return block;
  }

  panel(place_) {
    const { atlas } = this;
    const { names } = atlas.about;
    const label = `${names.norm[place_.norm]}, ${names.init[place_.init]} init, ${names.arm[place_.arm]}`;
    const panel = html("div", { class: "panel", role: "group", "aria-label": label, style: `--rows: ${atlas.depths.length}; --rates: ${this.name === "start" ? 1 : atlas.rates.length}` });
    for (const depth of atlas.depths)
      for (const lr of this.name === "start" ? atlas.rates.slice(0, 1) : atlas.rates) panel.append(this.cell({ depth, ...place_, lr }));
    const net = atlas.depths.map((depth) => atlas.net({ depth, ...place_ })).find(Boolean); // lines are the same at every depth
    for (const line of net?.theory.lines ?? []) {
      const at = (place(line.depth, atlas.depths) + 0.5) / atlas.depths.length;
      if (at < 1) panel.append(html("i", { class: "theory", style: `top: ${(100 * Math.max(at, 0)).toFixed(1)}%`, title: line.label }, html("b", { "aria-hidden": "true" }, line.label)));
    }
    return panel;
  }

  cell(setting) {
    const { atlas, name, hooks } = this;
    const found = atlas.cell(setting);
    const { style, text, said, kind } = PAINT[name](atlas, setting, found);
    const cell = html("button", {
      type: "button", class: `cell ${kind}`, style, tabindex: -1, "aria-label": `${setting.depth} layers${name === "start" ? "" : `, rate ${setting.lr}`}: ${said}`,
      onpointerenter: () => hooks.point(setting), onfocus: () => hooks.point(setting), onclick: () => hooks.open(setting),
    }, text ?? "");
    cell.setting = setting;
    this.cells.set(key(setting), cell);
    return cell;
  }

  // The cell that shows a setting: at the start all rates share one.
  at(setting) {
    return this.cells.get(key(this.name === "start" ? { ...setting, lr: this.atlas.rates[0] } : setting));
  }

  // Mark a setting, and more faintly the same depth and rate in the other maps.
  mark(setting) {
    this.element.querySelectorAll(".here").forEach((cell) => cell.classList.remove("here"));
    this.element.querySelectorAll("[tabindex='0']").forEach((cell) => (cell.tabIndex = -1));
    const cell = this.at(setting);
    if (!cell) return;
    cell.classList.add("here");
    cell.tabIndex = 0;
  }

  // Arrow keys go from cell to cell, and on into the next map.
  move(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const from = event.target.setting;
    if (!step || !from) return;
    event.preventDefault();
    const { atlas } = this;
    const rates = this.name === "start" ? atlas.rates.slice(0, 1) : atlas.rates;
    const columns = atlas.norms.flatMap((norm) => atlas.inits.flatMap((init) => rates.map((lr) => ({ norm, init, lr }))));
    const rows = atlas.rows.flatMap((arm) => atlas.depths.map((depth) => ({ arm, depth })));
    const is = (a) => Object.entries(a).every(([name, value]) => from[name] === value);
    const row = clamp(rows.findIndex(is) + step[0], rows.length), column = clamp(columns.findIndex(is) + step[1], columns.length);
    this.at({ ...rows[row], ...columns[column] })?.focus();
  }
}

const clamp = (i, n) => Math.min(Math.max(i, 0), n - 1);
const mix = (share) => `--v: ${(100 * share).toFixed(0)}%`;

// How a cell looks, and what is said of it.
const PAINT = {
  trains(atlas, setting, cell) {
    const said = outcome(cell);
    if (!cell.runs) return { kind: "missing", said };
    return { kind: cell.diverged ? "diverged" : "", style: `${mix(cell.trained / cell.runs)}; --d: ${(100 * cell.diverged) / cell.runs}%`, said };
  },
  start(atlas, setting) {
    const log = atlas.start(setting);
    if (log === null) return { kind: "missing", said: "not known" };
    const said = `the first layer's gradient is ${times(log)} times the last's`;
    return { kind: log < 0 ? "less" : "more", style: mix(Math.min(Math.abs(log) / DECADES, 1)), text: times(log), said };
  },
  end(atlas, setting, cell) {
    const said = outcome(cell);
    if (!cell.runs) return { kind: "missing", said };
    if (cell.test === null) return { kind: "diverged", style: `${mix(0)}; --d: 100%`, said };
    const share = Math.log(WORST / cell.test) / Math.log(WORST / BEST);
    return { kind: cell.diverged ? "diverged" : "", style: `${mix(Math.min(Math.max(share, 0), 1))}; --d: ${(100 * cell.diverged) / cell.runs}%`, said };
  },
};

function legend(name, atlas) {
  const swatch = (kind, style, text) => html("li", {}, html("i", { class: `cell ${kind}`, style }), text);
  const n = atlas.about.seeds.length;
  const theory = html("li", {}, html("i", { class: "theory" }), "theory: below this line it ends, or the gradient is × 100");
  const diverged = swatch("diverged", "--v: 0%; --d: 100%", "diverged (in part of the seeds: part of the cell)");
  const items = {
    trains: () => [swatch("", "--v: 100%", `all ${n} seeds`), swatch("", "--v: 0%", "none"), diverged, theory],
    start: () => [swatch("less", "--v: 100%", `10⁻⁶ or less: it vanishes`), swatch("less", "--v: 0%", "1"), swatch("more", "--v: 100%", "10⁶ or more: it explodes"), theory],
    end: () => [...[0.05, 0.1, 0.2, 0.9].map((e) => swatch("", mix(Math.log(WORST / e) / Math.log(WORST / BEST)), percent(e))), diverged, theory],
  };
  return html("ul", { class: "legend" }, ...items[name]());
}
