// "Predict first": the reader sets the factor per layer that he expects, then sees what was measured.

import { html, readable } from "./dom.mjs";
import { change, factorText } from "./model.mjs";
import { QUESTIONS } from "./statements.mjs";

const LOW = Math.log10(0.1), HIGH = Math.log10(2.5);
const NAMES = { plain: "plain net", residual: "residual twin" };

// page: { settings, show(settings), draw(guess) }
export class Prediction {
  constructor(page) {
    this.page = page;
    this.at = 0;
    this.slider = html("input", { type: "range", min: LOW, max: HIGH, step: "0.005", id: "guess", "aria-describedby": "guess-said", oninput: () => this.moved() });
    this.question = html("p", { id: "question" });
    this.said = html("output", { id: "guess-said", for: "guess" });
    this.outcome = html("p", { id: "outcome", role: "status" });
    this.button = html("button", { type: "button", class: "primary", onclick: () => (this.shown ? this.following() : this.reveal()) }, "Show");
    this.element = html(
      "section", { class: "predict", "aria-labelledby": "predict-title" },
      html("h2", { id: "predict-title" }, "Predict, then look"),
      this.question,
      html("label", { for: "guess" }, "Factor per layer, towards the input"),
      this.slider, this.said,
      html("div", { class: "row" }, this.button),
      this.outcome,
    );
    this.ask(QUESTIONS[0]);
  }

  ask(question) {
    Object.assign(this, { asked: question, shown: false, touched: false });
    this.question.textContent = question.text;
    this.outcome.replaceChildren();
    this.button.textContent = "Show me";
    this.button.disabled = true;
    this.slider.value = 0;
    this.slider.disabled = false;
    this.said.textContent = "Move the slider to what you expect.";
  }

  get guess() {
    return this.touched ? { kind: this.asked.kind, factor: 10 ** +this.slider.value } : null;
  }

  moved() {
    this.touched = true;
    this.button.disabled = false;
    const depth = +this.asked.to.depth;
    const { factor } = this.guess;
    this.slider.setAttribute("aria-valuetext", `times ${factor.toFixed(2)}`);
    this.said.replaceChildren(...readable(`× ${factor.toFixed(2)}: over ${depth} layers it ${change(Math.log10(factor) * depth)}`));
    this.page.draw();
  }

  async reveal() {
    const { kind } = this.asked;
    const { factor } = this.guess;
    const nets = await this.page.show(this.asked.to);
    if (!nets) return;
    this.shown = true;
    this.slider.disabled = true;
    const net = nets[kind];
    const { found, said } = factorText(net);
    const off = net.factor ? Math.abs(Math.log(factor / net.factor[0])) : Infinity;
    const sides = net.factor && (factor - 1) * (net.factor[0] - 1) < 0 && Math.abs(net.factor[0] - 1) > 0.02;
    const verdict = off < 0.03 ? "That is it." : sides ? "The other way round." : off < 0.15 ? "Close." : "Not quite.";
    this.outcome.replaceChildren(...readable(`${verdict} You said × ${factor.toFixed(2)}; the ${NAMES[kind]} has ${found} (${said}).`));
    this.at = (QUESTIONS.indexOf(this.asked) + 1) % QUESTIONS.length;
    this.button.textContent = this.at ? "Next question" : "Begin again";
  }

  following() {
    this.ask(QUESTIONS[this.at]);
    this.page.draw();
  }
}
