// One profile over the layers as SVG, with a logarithmic axis: lines, bands, theory, marks, labels.

import { KINDS, QUANTITIES, decades, number, sentence, superscript } from "./model.mjs";

const NS = "http://www.w3.org/2000/svg";
const EDGE = { top: 12, bottom: 40, left: 46, right: 12, names: 70 };
const FLOAT32 = Math.log10(2 ** -149); // the smallest number above 0

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// The axis: whole decades around all values, at least two of them.
export function axis(logs, room) {
  let low = logs.length ? Math.floor(Math.min(...logs)) : -1;
  let high = logs.length ? Math.ceil(Math.max(...logs)) : 1;
  for (let below = true; high - low < 2; below = !below) below ? low-- : high++;
  const most = Math.max(2, Math.floor(room / 34));
  const step = [1, 2, 5, 10, 20, 50, 100].find((s) => (high - low) / s <= most) ?? 200;
  const ticks = [];
  for (let k = Math.ceil(low / step) * step; k <= high; k += step) ticks.push(k);
  return { low, high, ticks };
}

const tick = (k) => (k === 0 ? "1" : k === 1 ? "10" : k === -1 ? "0.1" : `10${superscript(k)}`);

// A path through the points that have a value; a gap where one has none.
function path(layers, logs, x, y) {
  let text = "", pen = false;
  layers.forEach((layer, i) => {
    if (logs[i] === null || logs[i] === undefined) return void (pen = false);
    text += `${pen ? "L" : "M"}${x(layer).toFixed(1)},${y(logs[i]).toFixed(1)}`;
    pen = true;
  });
  return text;
}

// The band of one deviation, in pieces where values without a logarithm lie between.
function band(layers, { log, spread }, x, y) {
  const pieces = [[]];
  layers.forEach((layer, i) => (log[i] === null ? pieces.push([]) : pieces.at(-1).push([layer, log[i], spread[i]])));
  const edge = (points, sign) => points.map(([l, v, s]) => `${x(l).toFixed(1)},${y(v + sign * s).toFixed(1)}`);
  return pieces
    .filter((known) => known.length > 1 && known.some(([, , s]) => s > 0.02))
    .map((known) => `M${[...edge(known, 1), ...edge(known.toReversed(), -1)].join("L")}Z`)
    .join("");
}

// Where several names would touch, they are moved apart, in their order.
export function apart(places, room, low, high) {
  const sorted = [...places].sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i++) sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + room);
  const over = sorted.length ? sorted.at(-1).y - high : 0;
  if (over > 0) for (const place of sorted) place.y -= over;
  const under = sorted.length ? low - sorted[0].y : 0;
  if (under > 0) for (const place of sorted) place.y += under;
  return places;
}

// nets: { plain, residual }; before: the same of the settings before, live: of this browser's own run;
// guess: { kind, factor } that the reader expects. Returns the figure and what a pointer needs.
export function chart({ key, width, height, nets, before, live, guess }) {
  const own = [nets, live].filter(Boolean).flatMap((pair) => Object.keys(KINDS).map((kind) => pair[kind]));
  const lastLayer = Math.max(...own.map((net) => net.layers.at(-1)));
  const named = key === "x" ? "right" : "left"; // the end at which the curves differ
  const left = EDGE.left + (named === "left" ? EDGE.names : 8);
  const right = width - EDGE.right - (named === "right" ? EDGE.names : 0);
  const bottom = height - EDGE.bottom;
  const hints = guess && key === "dx" ? expectation(nets, guess, lastLayer) : null;
  const logs = own.flatMap((net) => [
    ...net[key].log.flatMap((v, i) => (v === null ? [] : [v - net[key].spread[i], v + net[key].spread[i]])),
    ...(net.theory[key] ?? []).filter((v) => v !== null && v > FLOAT32 - 5),
  ]);
  if (hints) logs.push(...hints.log);
  const { low, high, ticks } = axis(logs, bottom - EDGE.top);
  const x = (layer) => left + ((right - left) * layer) / lastLayer;
  const y = (log) => EDGE.top + ((bottom - EDGE.top) * (high - log)) / (high - low);
  const figure = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": spoken(key, nets) });

  if (low < FLOAT32) {
    const top = y(FLOAT32);
    figure.append(svg("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "nothing" }));
    if (bottom - top > 16) figure.append(svg("text", { x: right - 4, y: top + 13, class: "note end" }, "float32 has only 0 below"));
  }
  for (const k of ticks) {
    figure.append(svg("line", { x1: EDGE.left, x2: right, y1: y(k), y2: y(k), class: k === 0 ? "grid one" : "grid" }));
    figure.append(svg("text", { x: EDGE.left - 6, y: y(k) + 4, class: "tick end" }, tick(k)));
  }
  const every = [1, 2, 5, 10, 20, 50].find((step) => lastLayer / step <= 6) ?? 100;
  for (let layer = 0; layer <= lastLayer; layer += every)
    figure.append(svg("text", { x: x(layer), y: bottom + 16, class: "tick middle" }, String(layer)));
  const way = key === "x" ? "layer; the signal goes this way →" : "layer; ← the gradient goes this way";
  figure.append(svg("text", { x: (left + right) / 2, y: bottom + 33, class: "tick middle" }, way));

  const inside = svg("clipPath", { id: `inside-${key}` }, svg("rect", { x: left - 6, y: EDGE.top - 3, width: right - left + 12, height: bottom - EDGE.top + 6 }));
  const body = svg("g", { "clip-path": `url(#inside-${key})` });
  figure.append(inside, body);
  for (const kind of Object.keys(KINDS)) {
    if (before) body.append(svg("path", { d: path(before[kind].layers, before[kind][key].log, x, y), class: `before ${kind}` }));
  }
  for (const kind of Object.keys(KINDS)) {
    const net = nets[kind];
    const shade = band(net.layers, net[key], x, y);
    if (shade) body.append(svg("path", { d: shade, class: `band ${kind}` }));
    body.append(svg("path", { d: path(net.layers, net[key].log, x, y), class: `curve ${kind}` }));
    edges(body, net, key, kind, x, bottom);
  }
  for (const kind of Object.keys(KINDS)) {
    const { layers, [key]: line } = nets[kind].theory;
    if (line?.length) body.append(svg("path", { d: path(layers, line.map((v) => (v < low ? null : v)), x, y), class: "theory" }));
    if (live) dots(body, live[kind], key, kind, x, y, bottom);
  }
  if (hints) body.append(svg("path", { d: path(hints.layers, hints.log, x, y), class: "guess" }));
  names(figure, nets, key, { named, x, y, bottom, right, left, hints });
  const cross = svg("line", { y1: EDGE.top, y2: bottom, class: "cross", visibility: "hidden" });
  figure.append(cross);
  return { figure, cross, x, lastLayer };
}

// The line that a factor per layer would draw, from the measured gradient at the last layer.
function expectation(nets, { kind, factor }, lastLayer) {
  const end = nets[kind].dx.log.at(-1) ?? nets.residual.dx.log.at(-1) ?? 0;
  return { layers: [0, lastLayer], log: [end + Math.log10(factor) * lastLayer, end] };
}

// Values that have no logarithm are marked at the edge where they would be, never drawn as numbers.
function edges(body, net, key, kind, x, bottom) {
  net.layers.forEach((layer, i) => {
    const state = net[key].state[i];
    if (!state) return;
    const [cx, cy] = [x(layer), state === "zero" ? bottom - 4 : EDGE.top + 4];
    const tip = state === "zero" ? 4 : -4;
    body.append(svg("path", { d: `M${cx - 3.5},${cy - tip}h7l-3.5,${2 * tip}z`, class: `edge ${kind}` }));
  });
}

function dots(body, net, key, kind, x, y, bottom) {
  net.layers.forEach((layer, i) => {
    const v = net[key].log[i];
    if (v === null) return;
    const shape = kind === "plain" ? svg("circle", { cx: x(layer), cy: y(v), r: 2.6 }) : svg("rect", { x: x(layer) - 2.4, y: y(v) - 2.4, width: 4.8, height: 4.8 });
    shape.setAttribute("class", `live ${kind}`);
    body.append(shape);
  });
  edges(body, net, key, kind, x, bottom);
}

function names(figure, nets, key, { named, x, y, bottom, right, left, hints }) {
  const places = Object.entries(KINDS).map(([kind, text]) => {
    const { log, state } = nets[kind][key];
    const i = named === "left" ? 0 : log.length - 1;
    const at = state[i] === "zero" ? bottom - 4 : state[i] === "bad" ? EDGE.top + 4 : y(log[i]);
    return { text: state[i] === "zero" ? `${text} = 0` : state[i] === "bad" ? `${text}: ∞` : text, kind, y: at };
  });
  if (hints && named === "left") places.push({ text: "your guess", kind: "guess", y: y(hints.log[0]) });
  for (const place of apart(places, 15, EDGE.top + 4, bottom - 4))
    figure.append(svg("text", { x: named === "left" ? left - 6 : right + 6, y: place.y + 4, class: `name ${place.kind} ${named === "left" ? "end" : ""}` }, place.text));
}

function spoken(key, nets) {
  const { title, symbol } = QUANTITIES[key];
  const ends = (net) => {
    const value = (i) => (net[key].state.at(i) === "zero" ? "exactly 0" : net[key].state.at(i) === "bad" ? "not finite" : number(net[key].log.at(i)));
    return `${value(0)} at the first layer and ${value(-1)} at the last`;
  };
  const gist = key === "dx" && decades(nets.plain) !== null ? ` Towards the input it ${sentence(nets.plain)} (plain) and ${sentence(nets.residual)} (residual).` : "";
  return `${title}, ${symbol}, over the layers. Plain: ${ends(nets.plain)}. Residual: ${ends(nets.residual)}.${gist}`;
}
