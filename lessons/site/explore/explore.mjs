// The explorable: depth × initial weights × normalisation × skip × branch factor, as three profiles.

import { chart } from "./chart.mjs";
import { html, radios, readable, save } from "./dom.mjs";
import { Live } from "./live.mjs";
import { CHOICES, KINDS, OPENING, QUANTITIES, Store, factorText, fromHash, label, number, sentence, toHash } from "./model.mjs";
import { Prediction } from "./predict.mjs";
import { STATEMENTS } from "./statements.mjs";
import { csv, table } from "./table.mjs";

const here = new URL(".", import.meta.url);
const MAIN = ["init", "norm", "branch"], MORE = ["order", "activation"];
const same = (a, b) => Object.keys(CHOICES).every((key) => a[key] === b[key]);
const title = (key) => html("h2", {}, `${QUANTITIES[key].title}: `, html("span", {}, QUANTITIES[key].symbol));

class Explorable {
  constructor(root) {
    this.root = root;
    this.lessons = root.dataset.lessons ?? "lessons/";
    this.python = new URL("../live/", here);
    this.store = new Store(new URL("stored/", here));
    this.settings = fromHash(location.hash);
    this.build();
    this.show(this.settings, { first: true });
    addEventListener("hashchange", () => {
      const wanted = fromHash(location.hash);
      if (!same(wanted, this.settings)) this.show(wanted);
    });
    new ResizeObserver(() => this.draw()).observe(this.charts.dx);
  }

  // ---- what stands on the page ----
  build() {
    this.reading = html("div", { class: "reading", id: "reading", role: "status", "aria-live": "polite" });
    this.charts = Object.fromEntries(Object.keys(QUANTITIES).map((key) => [key, html("div", { class: "chart", "data-key": key })]));
    this.statement = html("p", { class: "statement", id: "statement" });
    this.notes = html("ul", { class: "notes", id: "notes" });
    this.cursor = html("input", { type: "range", id: "cursor", min: 0, max: 1, step: 1, value: 0, oninput: () => this.point(+this.cursor.value) });
    this.values = html("output", { for: "cursor", id: "values" });
    this.prediction = new Prediction({ show: (settings) => this.show(settings), draw: () => this.draw() });
    this.live = new Live(this.livePage());
    this.controls = html("form", { class: "controls", "aria-label": "Settings", onsubmit: (e) => e.preventDefault() });
    this.table = html("details", { class: "values", ontoggle: () => this.fill() }, html("summary", {}, "The same values as a table"));
    this.tableBody = html("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of the values" });
    this.table.append(this.tableBody, html("button", { type: "button", onclick: () => this.download() }, "Download as CSV"));
    const presets = STATEMENTS.map((s) => html("button", { type: "button", "data-id": s.id, "aria-pressed": "false", onclick: () => this.show(s.settings) }, s.title));
    this.presets = html("div", { class: "presets", role: "group", "aria-label": "Statements to look at" }, ...presets);
    const panel = (key) => html("section", { class: `panel ${key}` }, title(key), this.charts[key]);
    const claims = html("p", { class: "hint" }, "Look at one of these. In quotes: popular claims that are wrong.");
    this.root.replaceChildren(
      this.reading,
      html("div", { class: "stage" },
        html("div", { class: "focus" }, panel("dx"), legend(), claims, this.presets, this.statement),
        html("div", { class: "side" }, this.controls, this.prediction.element)),
      html("div", { class: "pair" }, panel("x"), panel("dw")),
      this.notes,
      html("div", { class: "cursor" }, html("label", { for: "cursor" }, "Read off at a layer"), this.cursor, this.values),
      this.live.element, this.table,
    );
    this.fillControls();
    for (const chart of Object.values(this.charts)) chart.addEventListener("pointermove", (e) => this.hover(chart, e));
  }

  livePage() {
    const page = this;
    return {
      python: this.python,
      get settings() { return page.settings; },
      measured(pair) { page.pairLive = pair; page.draw(); page.fill(); },
    };
  }

  fillControls() {
    const changed = (key) => (value) => this.show({ ...this.settings, [key]: value });
    const make = (key) => radios(key, CHOICES[key].name, CHOICES[key].values, CHOICES[key].labels, this.settings[key], changed(key));
    const { values } = CHOICES.depth;
    const shown = html("output", { for: "depth", id: "depth-value" });
    const slider = html("input", {
      type: "range", id: "depth", min: 0, max: values.length - 1, step: 1,
      oninput: () => this.show({ ...this.settings, depth: values[+slider.value] }),
    });
    this.depth = { slider, shown };
    const more = html("details", {}, html("summary", {}, "Block and activation"), ...MORE.map(make));
    more.open = MORE.some((key) => this.settings[key] !== OPENING[key]);
    this.more = more;
    const ticks = html("div", { class: "ticks", "aria-hidden": "true" }, ...values.map((v) => html("span", {}, v)));
    this.controls.replaceChildren(
      html("div", { class: "depth" }, html("label", { for: "depth" }, "Depth: ", shown), slider, ticks),
      ...MAIN.map(make), more,
    );
  }

  // ---- changing the settings ----
  async show(settings, { first = false } = {}) {
    const turn = (this.turn = Symbol("turn"));
    this.settings = settings;
    if (!first || location.hash) history.replaceState(null, "", toHash(settings));
    this.mark();
    try {
      const nets = await this.store.pair(settings);
      if (this.turn !== turn) return null; // another change came meanwhile
      this.before = this.nets && !same(settings, this.nets.settings) ? this.nets : null;
      this.nets = { ...nets, settings };
    } catch (error) {
      this.reading.textContent = `The stored runs could not be read: ${error.message}`;
      return null;
    }
    this.pairLive = null;
    this.live.changed();
    this.say();
    this.draw();
    this.fill();
    return this.nets;
  }

  // Let every control show the settings, also those that came from a preset or the address.
  mark() {
    const { values } = CHOICES.depth;
    this.depth.slider.value = values.indexOf(this.settings.depth);
    this.depth.slider.setAttribute("aria-valuetext", `${this.settings.depth} layers`);
    this.depth.shown.textContent = `${this.settings.depth} layers`;
    for (const key of [...MAIN, ...MORE])
      for (const input of this.controls.querySelectorAll(`[name=${key}]`)) input.checked = input.value === this.settings[key];
    if (MORE.some((key) => this.settings[key] !== OPENING[key])) this.more.open = true;
    const chosen = STATEMENTS.find((s) => same(s.settings, this.settings));
    for (const button of this.presets.children) {
      button.setAttribute("aria-pressed", String(button.dataset.id === chosen?.id));
      if (button.dataset.id === chosen?.id) this.presets.scrollLeft = button.offsetLeft - this.presets.offsetLeft - 12;
    }
    this.statement.replaceChildren();
    if (chosen) this.statement.append(`${chosen.text} `, html("a", { href: `${this.lessons}${chosen.lesson}.html` }, `Lesson ${+chosen.lesson.slice(7, 9)} explains it.`));
  }

  say() {
    const { plain, residual, settings } = this.nets;
    const line = (kind, text) => html("span", { class: `line ${kind}` }, html("i", { "aria-hidden": "true" }), html("span", {}, ...readable(text)));
    const detail = (net) => {
      const { found, said } = factorText(net);
      return html("small", {}, ...readable(`${found} per layer; ${said}`));
    };
    const first = line("plain", `Through ${settings.depth} plain layers the gradient ${sentence(plain)}.`);
    const second = line("residual", `In their residual twin it ${sentence(residual)}.`);
    first.append(detail(plain));
    second.append(detail(residual));
    this.reading.replaceChildren(first, second);
    this.notes.replaceChildren(...remarks(this.nets).map((text) => html("li", {}, text)));
  }

  // ---- drawing ----
  draw() {
    if (!this.nets) return;
    const guess = this.prediction?.guess ?? null;
    this.drawn = Object.entries(this.charts).map(([key, place]) => {
      const width = Math.max(280, Math.floor(place.clientWidth));
      const height = Math.round(Math.min(key === "dx" ? 430 : 290, Math.max(210, width * (key === "dx" ? 0.72 : 0.62))));
      const made = chart({ key, width, height, nets: this.nets, before: this.before, live: this.pairLive, guess });
      place.replaceChildren(made.figure);
      return made;
    });
    this.root.querySelector(".legend .before").hidden = !this.before;
    this.root.querySelector(".legend .live").hidden = !this.pairLive;
    this.cursor.max = this.drawn[0].lastLayer;
    this.point(Math.min(+this.cursor.value, this.drawn[0].lastLayer), false);
  }

  hover(place, event) {
    const made = this.drawn?.[Object.values(this.charts).indexOf(place)];
    if (!made) return;
    const box = place.getBoundingClientRect();
    const at = (event.clientX - box.left - made.x(0)) / (made.x(1) - made.x(0));
    this.point(Math.max(0, Math.min(made.lastLayer, Math.round(at))));
  }

  point(layer, shown = true) {
    this.cursor.value = layer;
    if (shown)
      for (const { cross, x } of this.drawn)
        for (const [name, value] of [["x1", x(layer)], ["x2", x(layer)], ["visibility", "visible"]]) cross.setAttribute(name, value);
    const parts = Object.entries(QUANTITIES).map(([key, { symbol }]) => {
      const of = (net) => {
        const i = net.layers.findLastIndex((l) => l <= layer); // a block's values are those at its input
        return net[key].state[i] === "zero" ? "0" : net[key].state[i] === "bad" ? "not finite" : number(net[key].log[i]);
      };
      return html("span", {}, html("b", {}, symbol), " ", ...Object.keys(KINDS).map((kind) => html("span", { class: kind }, `${kind} ${of(this.nets[kind])} `)));
    });
    this.values.replaceChildren(html("span", {}, `Layer ${layer}`), ...parts);
  }

  // ---- table and download ----
  fill() {
    if (!this.table.open || !this.nets) return;
    this.tableBody.replaceChildren(table(this.nets, this.pairLive, this.caption()));
  }

  caption() {
    const { depth, ...others } = this.settings;
    const words = Object.entries(others).map(([key, value]) => `${CHOICES[key].name.toLowerCase()}: ${label(key, value)}`);
    return `${depth} layers of ${this.nets.about.width} units; ${words.join("; ")}. Geometric means over ${this.nets.about.seeds.length} seeds.`;
  }

  download() {
    const name = ["minires", ...Object.values(this.settings)].join("-").replaceAll("/", "-over-").replace(/[^\w.-]/g, "-");
    save(`${name}.csv`, csv(this.nets, this.pairLive), "text/csv");
  }
}

function legend() {
  const item = (kind, text) => html("li", { class: kind }, html("i", { "aria-hidden": "true" }), text);
  return html("ul", { class: "legend", "aria-label": "Lines" },
    item("plain", "plain"), item("residual", "residual twin"), item("theory", "theory"), item("before", "settings before"), item("live", "your run"));
}

// What cannot be drawn is counted and said.
function remarks({ plain, residual }) {
  const found = [];
  for (const [kind, net] of [["Plain net", plain], ["Residual net", residual]])
    for (const [key, { symbol }] of Object.entries(QUANTITIES)) {
      const { zeros, bad, of } = net[key];
      if (zeros) found.push(`${kind}: ${zeros} of ${of} values of ${symbol} are exactly 0 (float32), marked at the lower edge.`);
      if (bad) found.push(`${kind}: ${bad} of ${of} values of ${symbol} are not finite, marked at the upper edge.`);
    }
  return found;
}

const root = document.querySelector("#explore");
if (root) window.explorable = new Explorable(root);
