// One setting: its seeds' curves, how its net starts beside theory, its numbers, the command for a run.

import { html } from "../explore/dom.mjs";
import { median, outcome, percent, times } from "./model.mjs";

const NS = "http://www.w3.org/2000/svg";
const BOX = { width: 420, height: 260, left: 52, right: 12, top: 12, bottom: 38 };

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(NS, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

export function detail(atlas, setting) {
  const net = atlas.net(setting);
  const runs = atlas.runs(setting);
  if (!net || !runs.length) return [html("h2", {}, atlas.name(setting)), html("p", {}, "This setting was not run.")];
  return [
    html("h2", {}, atlas.name(setting)),
    html("p", { class: "outcome" }, `${outcome(atlas.cell(setting))}.`),
    html("div", { class: "charts" }, curves(atlas, runs), profile(net)),
    html("p", { class: "said" }, html("b", {}, "Theory. "), net.theory.text),
    table(atlas, setting, net, runs),
    command(atlas, setting),
  ];
}

// ---- axes ----------------------------------------------------------------------------------------
function frame(label, xlabel, ylabel, [x0, x1], [y0, y1], xticks, yticks) {
  const { width, height, left, right, top, bottom } = BOX;
  const x = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  const y = (v) => height - bottom - ((v - y0) / (y1 - y0 || 1)) * (height - top - bottom);
  const figure = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const [v, text] of yticks) {
    figure.append(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
    figure.append(draw("text", { class: "tick end", x: left - 6, y: y(v) + 4 }, text));
  }
  for (const v of xticks) figure.append(draw("text", { class: "tick middle", x: x(v), y: height - bottom + 16 }, String(v)));
  figure.append(draw("text", { class: "tick middle", x: (left + width - right) / 2, y: height - 6 }, xlabel));
  figure.append(draw("text", { class: "tick", x: left + 4, y: top + 10 }, ylabel));
  return { figure, x, y };
}

const line = (points, x, y) => points.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)},${y(b).toFixed(1)}`).join("");

function wrapped(title, figure, names) {
  return html("figure", {}, html("figcaption", {}, title), figure, html("ul", { class: "legend" }, ...names));
}

// ---- training error by step ----------------------------------------------------------------------
function curves(atlas, runs) {
  const steps = atlas.about.points, last = steps.at(-1);
  const spoken = runs.map((run) => `Seed ${run.seed}: ${run.diverged ? `diverged at step ${run.at}` : `ends at ${percent(run.error)}`}.`).join(" ");
  const { figure, x, y } = frame(`Training error by step. ${spoken}`, "step", "training error", [0, last], [0, 1], [0, Math.round(last / 2), last], [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]]);
  const goal = y(atlas.about.threshold);
  figure.append(draw("line", { class: "goal", x1: BOX.left, x2: BOX.width - BOX.right, y1: goal, y2: goal }));
  for (const run of runs) {
    const points = run.errors.map((error, i) => [steps[i], error]).filter(([, error]) => error !== null);
    figure.append(draw("path", { class: `curve seed${run.place % 3}`, d: line(points, x, y) }));
    if (run.diverged) figure.append(draw("text", { class: "gone", x: x(Math.min(run.at, last)), y: y(points.at(-1)?.[1] ?? 1) + 5 }, "✕"));
  }
  const names = runs.map((run) => html("li", {}, html("i", { class: `line seed${run.place % 3}` }), `seed ${run.seed}${run.diverged ? `, ✕ diverges at step ${run.at}` : ""}`));
  return wrapped("Training error", figure, [...names, html("li", {}, html("i", { class: "line goal" }), `${percent(atlas.about.threshold)}: it has trained`)]);
}

// ---- gradient by layer ---------------------------------------------------------------------------
function profile(net) {
  const { m, lo, hi } = net.dx;
  const known = (values) => values.flatMap((v, i) => (typeof v === "number" ? [[net.layer[i], v / 100]] : []));
  const logs = [m, lo, hi, net.theory.dx].flatMap((values) => values.filter((v) => typeof v === "number").map((v) => v / 100));
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))];
  const top = high === low ? high + 1 : high;
  const step = Math.max(1, Math.ceil((top - low) / 5));
  const yticks = [];
  for (let v = low; v <= top; v += step) yticks.push([v, v ? times(Math.abs(v) < 2 ? v * 1.0001 : v) : "1"]);
  const last = net.layer.at(-1);
  const gained = median(net.decades.filter((v) => v !== null));
  const spoken = `Gradient by layer before training. At the first layer ${gained === null ? "not known" : `${times(-gained)} times that at the last`}.`;
  const { figure, x, y } = frame(spoken, "layer; ← the gradient goes this way", "‖∂L/∂x‖", [0, last], [low, top], [0, Math.round(last / 2), last], yticks);
  const edge = [...known(hi), ...known(lo).reverse()];
  if (edge.length) figure.append(draw("path", { class: "band", d: `${line(edge, x, y)}Z` }));
  figure.append(draw("path", { class: "curve start", d: line(known(m), x, y) }));
  const said = net.theory.dx;
  const first = net.layer.length - 1 - said.length; // theory ends before the head
  const predicted = said.flatMap((v, i) => (typeof v === "number" ? [[net.layer[first + i], v / 100]] : []));
  if (predicted.length) figure.append(draw("path", { class: "predicted", d: line(predicted, x, y) }));
  const names = [html("li", {}, html("i", { class: "line start" }), "median of the seeds, and their range")];
  names.push(html("li", {}, predicted.length ? html("i", { class: "line predicted" }) : null, predicted.length ? "theory" : "no theory layer by layer"));
  return wrapped("Gradient before the first step", figure, names);
}

// ---- numbers and command -------------------------------------------------------------------------
function table(atlas, setting, net, runs) {
  const records = atlas.about.fixed.records.filter((step) => step > 0);
  const head = ["seed", "training error", "test error", "training loss", "first / last gradient", ...records.map((step) => `at step ${step}`)];
  const cell = (text) => html("td", {}, text);
  const ratio = (lost) => (lost === null || lost === undefined ? "–" : times(-lost));
  const rows = runs.map((run) => html("tr", {}, html("th", { scope: "row" }, String(run.seed)),
    run.diverged ? html("td", { colspan: 3 }, `diverged at step ${run.at}`) : null,
    ...(run.diverged ? [] : [cell(percent(run.error)), cell(percent(run.test)), cell(String(+run.loss.toPrecision(3)))]),
    cell(ratio(net.decades[run.place])), ...records.map((_, i) => cell(ratio(run.decades[i])))));
  return html("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The runs" },
    html("table", {}, html("thead", {}, html("tr", {}, ...head.map((text) => html("th", { scope: "col" }, text)))), html("tbody", {}, ...rows)));
}

function command(atlas, setting) {
  const text = atlas.command(setting, atlas.about.seeds[0]);
  const done = html("span", { role: "status" });
  const copy = html("button", { type: "button", onclick: () => navigator.clipboard?.writeText(text).then(() => (done.textContent = "copied")) }, "Copy");
  return html("div", { class: "command" }, html("p", {}, "Run it again, in a clone of minires; then ", html("code", {}, "minires runs list out/one"), " shows it: ", copy, " ", done), html("pre", { tabindex: "0" }, text));
}
