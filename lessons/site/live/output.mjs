// What a cell shows while it runs: text, Markdown, figures, verdicts, errors, questions.
import { button, element, markdown } from "./dom.mjs";

const VERDICTS = { PASS: "Solved", FAIL: "Not right yet", TODO: "Still to do" };

export class Output {
  constructor(parent, label) {
    this.box = element("div", { class: "live-output", role: "region", "aria-label": label, hidden: true });
    this.said = element("p", { class: "live-said", role: "status" });
    parent.append(this.box, this.said);
    this.clear();
  }

  clear() {
    for (const image of this.box.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    this.box.replaceChildren();
    this.box.hidden = true;
    this.said.textContent = "";
    this.verdicts = {};
    this.items = []; // an element for each output, or the text that was added to one
  }

  say(text) { this.said.textContent = text; }

  // An output of the worker; {kind: "keep", keep: n} takes back those after the first n of them.
  add(output) {
    if (output.kind === "keep") return this.keep(output.keep);
    if (output.kind === "text") this.#text(output.text);
    else this.#append({ markdown: this.#markdown, figure: this.#figure, verdict: this.#verdict }[output.kind].call(this, output));
    this.items.push(output);
  }

  // Show only the first n outputs: the statement after them runs once more.
  keep(n) {
    const kept = this.items.slice(0, n);
    this.clear();
    for (const output of kept) this.add(output);
  }

  #append(child) {
    this.box.hidden = false;
    this.box.append(child);
  }

  #text(text) {
    let last = this.box.lastElementChild;
    if (!last?.classList.contains("live-text")) {
      last = element("pre", { class: "live-text", tabindex: "0" });
      this.#append(last);
    }
    last.append(text);
  }

  #markdown({ html }) { return markdown(html); }

  #figure({ svg, alt }) {
    const src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    return element("img", { class: "live-figure", src, alt });
  }

  #verdict({ name, verdict, message, where }) {
    this.verdicts[name] = verdict;
    const text = verdict === "PASS" ? "" : `: ${message}`;
    const made = element("p", { class: "live-verdict", "data-verdict": verdict },
      element("strong", {}, `Exercise ${name}: ${VERDICTS[verdict]}`), text);
    if (where) made.append(element("br"), element("code", {}, where));
    return made;
  }

  error({ message, line, source, trace }) {
    const made = element("div", { class: "live-error" }, element("p", {}, element("strong", {}, message)));
    if (line) made.append(element("p", {}, `line ${line}: `, element("code", {}, source)));
    if (trace.split("\n").length > 4) {
      made.append(element("details", {}, element("summary", {}, "The whole traceback"),
        element("pre", { tabindex: "0" }, trace)));
    }
    this.#append(made);
  }

  // Ask, and return the answer as text; null skips. `question.complaint` says what was wrong.
  ask(question) {
    return new Promise((resolve) => {
      const name = `question-${question.key}`;
      const fields = question.choices.length
        ? question.choices.map((choice) => element("label", {},
            element("input", { type: "radio", name, value: choice, required: true }), ` ${choice}`))
        : [element("label", {}, "Your prediction, a number: ",
            element("input", { name, inputmode: "decimal", autocomplete: "off", size: "12", required: true }))];
      const legend = element("legend", {}, "Prediction: ");
      legend.append(markdown(question.html, { class: "live-legend" }));
      const complaint = element("p", { class: "live-complaint", role: "alert" }, question.complaint ?? "");
      const done = (answer) => { form.remove(); resolve(answer); };
      const form = element("form", { class: "live-question" },
        element("fieldset", {}, legend, ...fields, complaint,
          element("div", { class: "live-tools" },
            element("button", { type: "submit" }, "Record my prediction"),
            button("Skip", () => done(null)))));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        done(new FormData(form).get(name));
      });
      this.#append(form);
      form.querySelector("input").focus();
    });
  }
}
