// A lesson's page that comes to life on "Run this lesson here": nothing is loaded before.
import { button, element } from "./dom.mjs";
import { Python, Stopped } from "./python.mjs";
import { Store } from "./store.mjs";

const begun = performance.now();
export const marks = {}; // seconds since the page was opened, for tests and tables
const mark = (name) => (marks[name] ??= (performance.now() - begun) / 1000);

class Lesson {
  constructor(number, boxes) {
    this.number = number;
    this.boxes = boxes;
    this.store = new Store(number);
    this.python = new Python();
    this.cells = [];
    this.queue = []; // cells that wait; the first one runs
    this.news = false; // whether a form of the page has an answer that Python does not know
    document.addEventListener("minires-prediction", () => (this.news = true));
    this.#invite();
  }

  #invite() {
    const kept = this.store.used ? " What you did here before was kept." : "";
    this.status = element("span", { class: "live-status", role: "status" },
      `Every cell can be changed and run on this page: nothing to install.${kept}`);
    this.open = button("Run this lesson here", () => this.#open(), { class: "live-open" });
    this.bar = element("div", { class: "live-bar", role: "region", "aria-label": "Run this lesson here" }, this.open, this.status);
    const heading = document.querySelector("article h1, main h1, h1");
    if (heading) heading.after(this.bar);
    else this.boxes[0].before(this.bar);
  }

  async #open() {
    mark("opened");
    this.open.disabled = true;
    this.#begin(); // while the editors are made
    try {
      const { editor } = await import("./codemirror/codemirror.min.mjs");
      const { Cell } = await import("./cell.mjs");
      this.cells = this.boxes.map((box) => new Cell(box, this, editor));
    } catch (error) {
      this.open.disabled = false;
      return this.say(`The editor cannot be loaded (${error.message}). Is the page offline?`);
    }
    this.stopper = button("Stop", () => this.stop(), { disabled: true });
    this.open.replaceWith(button("Run all", () => this.runAll()), this.stopper, button("Start over", () => this.#startOver()));
    this.bar.after(element("p", { id: "live-keys", class: "live-keys" },
      "Shift+Enter runs the cell; Tab indents; Escape, then Tab, leaves the editor."));
    document.body.dataset.live = "open";
    mark("dressed");
  }

  say(text) { this.status.textContent = text; }

  // Python with this lesson begun; loads it if it is not there.
  #begin() {
    this.session ??= (async () => {
      await this.python.start((text) => this.say(text || "Python is ready."));
      await this.python.call("start", this.number, this.store.progress);
      mark("ready");
    })();
    const session = this.session;
    session.catch((error) => {
      if (this.session === session) this.session = null;
      if (!(error instanceof Stopped)) this.say(error.message);
    });
    return session;
  }

  // Call a function that needs no variables of the lesson.
  async ask(name, ...args) {
    try {
      await this.#begin();
      const result = await this.python.call(name, ...args);
      this.store.progress = await this.python.call("progress");
      return result;
    } catch (error) {
      if (!(error instanceof Stopped)) this.say(error.message);
      return null;
    }
  }

  // Run a cell, after those above it that have not run.
  run(cell) {
    const above = this.cells.slice(0, this.cells.indexOf(cell));
    return this.#add([...above.filter((c) => c.state === "" || c.state === "error"), cell]);
  }

  runAll() {
    return this.#add(this.cells);
  }

  async #add(cells) {
    const added = cells.filter((cell) => !this.queue.includes(cell));
    for (const cell of added) cell.state = "waiting";
    const idle = this.queue.length === 0;
    this.queue.push(...added);
    if (!idle) return;
    this.stopper.disabled = false;
    try {
      await this.#begin();
      while (this.queue.length) {
        if (!(await this.#one(this.queue[0]))) break;
        this.queue.shift();
      }
      if (cells.at(-1) === this.cells.at(-1) && !this.queue.length) mark("all");
    } catch (error) {
      if (error instanceof Stopped) return; // stop() has cleared the queue
      this.#forget(error.message);
    }
    this.#clear("");
  }

  // Run one cell to its end; whether the next one may run.
  async #one(cell) {
    const onOutput = (output) => {
      cell.output.add(output);
      if (output.kind === "figure") mark("figure");
      if (output.verdict === "PASS") mark("pass");
    };
    if (this.news) await this.python.call("know", this.store.predictions);
    this.news = false;
    cell.begin();
    let result = await this.python.run(cell.code, { cell: cell.number, onOutput });
    while (result.state === "asks") {
      cell.state = "asks";
      cell.output.say("");
      const given = await cell.output.ask(result.question);
      cell.state = "running";
      result = await this.python.answer(given, { onOutput });
    }
    cell.end(result);
    this.store.progress = await this.python.call("progress");
    return result.state === "done";
  }

  // What still waits does not run.
  #clear(why) {
    for (const cell of this.queue) if (cell.state !== "error") cell.cancel(why);
    this.queue = [];
    this.stopper.disabled = true;
  }

  stop() {
    this.python.stop();
    this.#forget("Stopped, and Python begins anew: a cell runs those above it again.");
    this.#begin();
  }

  // Python has ended, and with it the lesson's variables.
  #forget(why) {
    this.session = null;
    this.#clear("Stopped.");
    for (const cell of this.cells) cell.state = "";
    this.say(why);
  }

  #startOver() {
    if (!confirm("Forget your code, your predictions and what you have solved in this lesson?")) return;
    this.store.forget();
    location.reload();
  }
}

const number = document.querySelector("meta[name=minires-lesson]")?.content ?? document.body.dataset.lesson;
const boxes = [...document.querySelectorAll(".cell[data-cell]")].filter((box) => box.querySelector(".cell_input pre"));
if (number !== undefined && boxes.length) {
  window.minires = { lesson: new Lesson(Number(number), boxes), marks };
}
