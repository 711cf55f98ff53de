// The atlas: three linked sets of small maps, and the runs of the setting that is chosen.

import { html } from "../explore/dom.mjs";
import { detail } from "./detail.mjs";
import { View } from "./maps.mjs";
import { Atlas, VIEWS, fromKey, key, outcome, times } from "./model.mjs";

class Page {
  constructor(root, atlas) {
    Object.assign(this, { root, atlas });
    const hooks = { point: (setting) => this.point(setting), open: (setting) => this.open(setting) };
    this.views = Object.keys(VIEWS).map((name) => new View(name, atlas, hooks));
    this.reading = html("p", { class: "reading", "aria-hidden": "true" });
    this.detail = html("section", { class: "detail", id: "runs", tabindex: "-1", "aria-label": "Runs of one setting" });
    root.replaceChildren(this.reading, ...this.views.map((view) => view.element), this.detail, this.about());
    this.detail.addEventListener("keydown", (event) => event.key === "Escape" && this.back());
    root.addEventListener("pointerleave", () => this.point(this.chosen));
    addEventListener("hashchange", () => this.fromAddress());
    this.chosen = null;
    this.fromAddress();
  }

  fromAddress() {
    const wanted = fromKey(location.hash);
    if (this.atlas.has(wanted)) this.choose(wanted);
    else if (!this.chosen) this.choose(this.opening());
  }

  // The deepest plain net of the first norm and init at a middle rate.
  opening() {
    const { depths, norms, inits, rows, rates } = this.atlas;
    return { depth: depths.at(-1), norm: norms[0], init: inits[0], arm: rows[0], lr: rates[Math.floor(rates.length / 2)] };
  }

  // Look at a setting: every map marks it.
  point(setting) {
    for (const view of this.views) view.mark(setting);
    const start = this.atlas.start(setting);
    const gradient = start === null ? "" : `; at the start the first layer's gradient is ${times(start)} times the last's`;
    this.reading.replaceChildren(html("b", {}, this.atlas.name(setting)), `: ${outcome(this.atlas.cell(setting))}${gradient}.`);
  }

  choose(setting) {
    this.chosen = setting;
    this.root.querySelectorAll(".chosen").forEach((cell) => cell.classList.remove("chosen"));
    for (const view of this.views) view.at(setting)?.classList.add("chosen");
    this.point(setting);
    const back = html("button", { type: "button", onclick: () => this.back() }, "Back to the maps");
    this.detail.replaceChildren(...detail(this.atlas, setting), back);
  }

  back() {
    this.views[0].at(this.chosen)?.focus();
  }

  // Choose a setting, and go to its runs.
  open(setting) {
    this.choose(setting);
    history.replaceState(null, "", `#${key(setting)}`);
    this.detail.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    this.detail.focus({ preventScroll: true });
  }

  about() {
    const { about } = this.atlas;
    const missing = about.missing ? `, ${about.missing} of the plan are missing` : "";
    return html("p", { class: "about" }, `${about.runs} runs${missing}, seeds ${about.seeds.join(", ")}, ${Math.round(about.seconds / 60)} minutes of one core in all; minires ${about.versions.minires}, NumPy ${about.versions.numpy}. Made by `, html("code", {}, about.command), ".");
  }
}

async function load(root) {
  const own = document.getElementById("atlas-summary"); // in the page that needs no server
  if (own) return JSON.parse(own.textContent);
  const answer = await fetch(root.dataset.summary);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
}

const root = document.getElementById("atlas");
load(root).then(
  (summary) => (globalThis.atlas = new Page(root, new Atlas(summary))),
  (error) => root.replaceChildren(html("p", {}, `The summary of the atlas could not be loaded (${error.message}).`)),
);
