// "Measure it live": the real engine in this page, for settings between the stored ones.

import { html } from "./dom.mjs";
import { factorText, measured } from "./model.mjs";

// page: { settings, measured(pair), python }, the last being the folder of the module python.mjs
export class Live {
  constructor(page) {
    this.page = page;
    this.layers = html("input", { type: "number", id: "live-depth", min: 2, max: 200, step: 2, required: true });
    this.width = html("select", { id: "live-width" }, ...[32, 64, 128, 256].map((w) => html("option", { value: w, selected: w === 128 }, String(w))));
    this.seed = html("input", { type: "number", id: "live-seed", min: 0, max: 999999, step: 1, value: 7, required: true });
    this.button = html("button", { type: "submit", class: "primary" }, "Measure live");
    this.stop = html("button", { type: "button", hidden: true, onclick: () => this.end() }, "Stop");
    this.status = html("p", { id: "live-status", role: "status" });
    const field = (input, text) => html("label", {}, html("span", {}, text), input);
    this.element = html(
      "section", { class: "live", "aria-labelledby": "live-title" },
      html("h2", { id: "live-title" }, "Measure it live"),
      html("p", {}, "The same engine, in this page, for any depth, width and seed. The first time your browser loads Python (10 to 17 MB); nothing is installed and nothing is sent."),
      html("form", { class: "row", onsubmit: (event) => this.run(event) },
        field(this.layers, "Layers"), field(this.width, "Units per layer"), field(this.seed, "Seed"), this.button, this.stop),
      this.status,
    );
    this.changed();
  }

  // The reader chose other settings: what was measured is of the old ones.
  changed() {
    this.layers.value = this.page.settings.depth;
  }

  async run(event) {
    event.preventDefault();
    const { init, norm, activation, order, branch } = this.page.settings;
    const settings = {
      depth: +this.layers.value, width: +this.width.value, seed: +this.seed.value,
      init, norm, activation, order, branch: branch === "1" ? 1 : branch,
    };
    this.button.disabled = true;
    this.stop.hidden = false;
    const turn = (this.turn = Symbol("turn"));
    try {
      const python = await this.start();
      this.say(`Measuring two nets of ${settings.depth} layers …`);
      const began = performance.now();
      const raw = await python.call("measure", settings);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const pair = { plain: measured(raw.plain, settings), residual: measured(raw.residual, settings), settings };
      const factors = `plain ${factorText(pair.plain).found}, residual ${factorText(pair.residual).found} per layer`;
      this.say(`Measured in ${seconds} s, seed ${settings.seed}, ${settings.depth} layers of ${settings.width} units: ${factors}. Your run is the open marks.`);
      this.page.measured(pair);
    } catch (error) {
      const why = error.message.trim().split("\n").at(-1) || "the engine refuses these settings";
      if (this.turn === turn) this.say(`That did not work: ${why}`);
    }
    this.button.disabled = false;
    this.stop.hidden = true;
  }

  async start() {
    const { Python } = await import(new URL("python.mjs", this.page.python).href);
    this.python ??= new Python();
    await this.python.start((text) => text && this.say(text));
    return this.python;
  }

  end() {
    this.turn = null;
    this.python?.stop();
    this.say("Stopped.");
  }

  say(text) {
    this.status.textContent = text;
  }
}
