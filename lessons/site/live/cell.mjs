// One cell of a lesson's page: an editor in the place of its code, buttons, and what it shows.
import { button, element, markdown } from "./dom.mjs";
import { Output } from "./output.mjs";

export class Cell {
  // `lesson` runs cells, and keeps what a reader has written; `editor` makes an editor.
  constructor(box, lesson, editor) {
    this.box = box;
    this.lesson = lesson;
    this.number = Number(box.dataset.cell);
    this.original = box.querySelector(".cell_input pre").textContent.replace(/\n+$/, "");
    this.exercise = this.original.match(/@lesson\.exercise\(\s*["']([\d.]+)["']/)?.[1] ?? null;
    this.recorded = [...box.querySelectorAll(":scope > .cell_output")];
    this.label = this.exercise ? `Exercise ${this.exercise}` : `Cell ${this.number}`;
    this.#dress(editor);
    this.state = "";
  }

  // "": not run; then waiting, running, asks, done or error
  get state() { return this.box.dataset.state; }
  set state(state) { this.box.dataset.state = state; }

  get code() { return this.editor.text; }

  #dress(editor) {
    const input = this.box.querySelector(".cell_input");
    input.hidden = true;
    const place = element("div", { class: "live-editor" });
    const code = input.querySelector("details.code"); // the page folds it: so do we
    this.folded = code && element("details", { class: "code", open: code.open },
      element("summary", {}, code.querySelector("summary").textContent), place);
    this.tools = element("div", { class: "live-tools" });
    this.help = element("div", { class: "live-help" });
    const main = this.exercise ? "Check" : "Run";
    this.run = button(main, () => this.lesson.run(this), { title: "Shift+Enter", "aria-label": `${main}, ${this.label}` });
    this.reset = button("Reset", () => this.#reset(), { "aria-label": `Reset, ${this.label}` });
    this.tools.append(this.run);
    if (this.exercise) {
      this.hint = button("Hint", () => this.#hint(), { "aria-label": `Hint, ${this.label}` });
      this.solution = button("Solution", () => this.#solution(), { "aria-label": `Solution, ${this.label}` });
      this.tools.append(this.hint, this.solution);
    }
    this.tools.append(this.reset);
    input.after(this.folded ?? place, this.tools, this.help);
    this.output = new Output(this.box, `What ${this.label} shows`);
    const text = this.lesson.store.code(this.number, this.original) ?? this.original;
    this.editor = editor({
      parent: place, text, label: `Code of ${this.label}`, description: "live-keys",
      onRun: () => this.lesson.run(this), onChange: () => this.#changed(),
    });
    this.reset.hidden = text === this.original;
  }

  #changed() {
    this.lesson.store.keep(this.number, this.original, this.code);
    this.reset.hidden = this.code === this.original;
    if (this.state === "done" || this.state === "error") this.state = "";
  }

  #reset() {
    this.editor.text = this.original;
    this.editor.focus();
  }

  begin() {
    for (const part of this.recorded) part.hidden = true;
    this.output.clear();
    this.state = "running";
    this.output.say(`${this.label} is running …`);
  }

  // Show how a run ended: {state: "done"} or {state: "error", message, ...}
  end(result) {
    this.state = result.state;
    if (result.state === "error") {
      if (this.folded) this.folded.open = true;
      this.output.error(result);
      this.output.say(`${this.label} stopped: ${result.message}`);
      return;
    }
    const verdict = this.output.verdicts[this.exercise];
    if (verdict) this.box.dataset.verdict = verdict;
    const judged = { PASS: ": solved", FAIL: ": not right yet", TODO: ": still to do" }[verdict] ?? "";
    this.output.say(`${this.label}${judged} (${result.seconds.toFixed(1)} s)`);
  }

  // The run was stopped, or did not begin.
  cancel(why) {
    if (this.state === "running" || this.state === "asks") this.output.say(why);
    this.box.querySelector(".live-question")?.remove();
    this.state = "";
  }

  async #hint() {
    const hint = await this.lesson.ask("hint", this.exercise);
    if (!hint) return;
    const name = `Hint ${hint.shown} of ${hint.of}`;
    if (this.help.dataset.hints !== name) {
      this.help.append(element("div", { class: "live-hint", role: "status" },
        element("strong", {}, name), markdown(hint.html)));
    }
    this.help.dataset.hints = name;
    this.hint.disabled = hint.shown === hint.of;
  }

  async #solution() {
    const code = await this.lesson.ask("solution", this.exercise);
    if (!code) return;
    this.solution.disabled = true;
    const shown = element("details", { class: "live-solution", open: true },
      element("summary", {}, `A solution of exercise ${this.exercise}`),
      element("pre", { tabindex: "0" }, code),
      button("Put it into the cell", () => { this.editor.text = code; this.editor.focus(); }));
    this.help.append(shown);
  }
}
