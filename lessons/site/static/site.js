// Predictions on a lesson's page, and folded code. Predictions are asked where the lesson asks, and again before the result, which
// stays covered until there is one or the reader opens it. Without this script the questions stand
// there as text, and the covers open like any <details>.

const number = document.querySelector('meta[name="minires-lesson"]')?.content;
const slots = [...document.querySelectorAll(".prediction[data-question]")].map((element) => ({
  element,
  question: JSON.parse(element.dataset.question),
  asked: [...element.children], // the question again, before a result
}));
for (const { element, question } of slots) { // buttons show the choices that a question lists
  const before = element.previousElementSibling;
  const list = before?.matches("ol") ? before : before?.querySelector("ol");
  if (list && question.choices.length === list.children.length) list.hidden = true;
}
const forgotten = {}; // where a browser keeps nothing, this page does

const place = (key) => `minires-prediction-${number}-${key}`;

function recall(key) {
  try { return localStorage.getItem(place(key)); } catch { return forgotten[key] ?? null; }
}

function remember(key, answer) {
  forgotten[key] = answer;
  try {
    if (answer === null) localStorage.removeItem(place(key));
    else localStorage.setItem(place(key), answer);
  } catch { /* kept above */ }
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function answer(key, text, slot) {
  remember(key, text);
  show(key);
  if (text !== null) document.dispatchEvent(new CustomEvent("minires-prediction", { detail: { key, answer: text } }));
  slot.element.querySelector("button, input")?.focus();
}

// Draw every form of a question anew: with the answer, or asking for it.
function show(key) {
  const mine = recall(key);
  for (const slot of slots.filter((s) => s.question.key === key)) draw(slot, mine);
  for (const cover of document.querySelectorAll(".cover")) {
    const keys = cover.dataset.keys.split(" ");
    if (!keys.includes(key)) continue;
    if (mine !== null && keys.every((k) => recall(k) !== null)) cover.querySelector("details").open = true;
    for (const strong of cover.querySelectorAll("strong"))
      if (strong.textContent === `Prediction ${key}`) beside(strong.parentElement, mine);
  }
}

function draw(slot, mine) {
  const { element, question, asked } = slot;
  element.replaceChildren(...asked);
  if (mine !== null) {
    const again = make("button", { type: "button", className: "again", textContent: "change" });
    again.onclick = () => answer(question.key, null, slot);
    element.append(make("p", { className: "said" }, `You predict: ${mine}`, again));
    return;
  }
  const set = make("fieldset", {}, make("legend", { textContent: "Your prediction, before you read on" }));
  if (question.choices.length) {
    for (const choice of question.choices) {
      const button = make("button", { type: "button", textContent: choice });
      button.onclick = () => answer(question.key, choice, slot);
      set.append(button);
    }
    element.append(set);
    return;
  }
  const input = make("input", { type: "text", inputMode: "decimal", autocomplete: "off", placeholder: "a number" });
  input.setAttribute("aria-label", question.text);
  const form = make("form", {}, set);
  set.append(input, make("button", { textContent: "Predict" }));
  form.onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.trim().replace(",", ".");
    const right = text !== "" && Number.isFinite(Number(text));
    input.setCustomValidity(right ? "" : "A number, e.g. 0.5 or 1e-8");
    if (right) answer(question.key, text, slot);
    else input.reportValidity();
  };
  input.oninput = () => input.setCustomValidity("");
  element.append(form);
}

// Write the reader's prediction behind what was measured.
function beside(paragraph, mine) {
  paragraph.querySelector(".mine")?.remove();
  if (mine !== null) paragraph.append(make("span", { className: "mine", textContent: `; you predicted ${mine}` }));
}

for (const key of new Set(slots.map((s) => s.question.key))) show(key);

// Code that is folded opens one by one, or all at once.
const folded = [...document.querySelectorAll("details.code")];
const facts = document.querySelector(".facts ul");
if (folded.length && facts) {
  const button = make("button", { type: "button", className: "code-switch", textContent: "show all code" });
  button.setAttribute("aria-pressed", "false");
  button.onclick = () => {
    const open = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", String(open));
    button.textContent = open ? "fold the code" : "show all code";
    for (const details of document.querySelectorAll("details.code")) details.open = open;
  };
  facts.append(make("li", {}, button));
}

// What scrolls sideways can be scrolled with the keys, too.
function reach() {
  for (const element of document.querySelectorAll(".highlight pre, figure.wide picture, .scroll, .table-wrapper, div.math, .long-formula")) {
    const scrolls = element.scrollWidth > element.clientWidth + 1;
    if (scrolls && !element.hasAttribute("tabindex")) { element.tabIndex = 0; element.dataset.reached = ""; }
    else if (!scrolls && "reached" in element.dataset) { element.removeAttribute("tabindex"); delete element.dataset.reached; }
  }
}
reach();
addEventListener("resize", reach);
document.addEventListener("toggle", reach, true);
