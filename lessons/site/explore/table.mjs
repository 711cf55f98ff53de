// The values behind the charts, as a table for reading and as CSV.

import { KINDS, QUANTITIES, number } from "./model.mjs";

const NOT = { zero: "0", bad: "not finite" };

// A row per layer of either net; a column per quantity and net, then theory's.
function columns(nets, live) {
  const found = [];
  for (const [source, pair] of [["", nets], ["your run: ", live]]) {
    if (!pair) continue;
    for (const key of Object.keys(QUANTITIES))
      for (const kind of Object.keys(KINDS)) {
        const net = pair[kind];
        const at = new Map(net.layers.map((layer, i) => [layer, [net[key].log[i], NOT[net[key].state[i]]]]));
        found.push({ title: `${source}${QUANTITIES[key].symbol}, ${kind}`, at });
        const { layers, [key]: line } = net.theory;
        if (!source && line?.length) found.push({ title: `theory, ${kind}`, at: new Map(layers.map((layer, i) => [layer, [line[i]]])) });
      }
  }
  return found;
}

function layersOf(nets, live) {
  const layers = [nets, live].filter(Boolean).flatMap((pair) => [...pair.plain.layers, ...pair.residual.layers]);
  return [...new Set(layers)].sort((a, b) => a - b);
}

export function table(nets, live, caption) {
  const all = columns(nets, live);
  const element = document.createElement("table");
  element.createCaption().textContent = caption;
  const head = element.createTHead().insertRow();
  for (const title of ["layer", ...all.map((c) => c.title)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = title;
    head.append(cell);
  }
  const body = element.createTBody();
  for (const layer of layersOf(nets, live)) {
    const row = body.insertRow();
    const first = document.createElement("th");
    first.scope = "row";
    first.textContent = layer;
    row.append(first);
    for (const { at } of all) {
      const [log, instead] = at.get(layer) ?? [null, ""];
      row.insertCell().textContent = instead ?? (log === null ? "" : number(log));
    }
  }
  return element;
}

export function csv(nets, live) {
  const all = columns(nets, live);
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const value = ([log, instead]) => (instead === NOT.bad ? "nan" : (instead ?? (log === null || log === undefined ? "" : scientific(log))));
  const rows = layersOf(nets, live).map((layer) => [layer, ...all.map(({ at }) => (at.has(layer) ? value(at.get(layer)) : ""))]);
  return [["layer", ...all.map((c) => c.title)].map(quoted), ...rows].map((row) => row.join(",")).join("\n") + "\n";
}

// Also below what a double can hold.
function scientific(log) {
  const power = Math.floor(log);
  return `${(10 ** (log - power)).toFixed(3)}e${power}`;
}
