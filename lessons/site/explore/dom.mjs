// Small helpers for making elements.

export function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Text with powers, e.g. 10²², so that it is read aloud as "10 to the power 22".
export function readable(text) {
  const parts = text.split(/([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/);
  return parts.map((part, i) => {
    if (i % 2 === 0) return part;
    const digits = [...part].map((c) => "-0123456789"["⁻⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)]).join("");
    return html("span", {}, html("sup", { "aria-hidden": "true" }, digits), html("span", { class: "spoken" }, ` to the power ${digits}`));
  });
}

// A group of radio buttons that looks like one segmented control.
export function radios(name, title, values, labels, chosen, changed) {
  const options = values.map((value, i) => {
    const input = html("input", { type: "radio", name, value, checked: value === chosen, onchange: () => changed(value) });
    return html("label", {}, input, html("span", {}, labels?.[i] ?? value));
  });
  return html("fieldset", { class: "segments", "data-name": name }, html("legend", {}, title), html("div", {}, ...options));
}

export function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  html("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
