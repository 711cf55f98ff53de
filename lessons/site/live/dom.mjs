// A few words for making elements.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export const button = (text, onclick, attributes = {}) =>
  element("button", { type: "button", onclick, ...attributes }, text);

// HTML that minires has made from a lesson's own Markdown.
export function markdown(html, attributes = {}) {
  const made = element("div", { class: "live-markdown", ...attributes });
  made.innerHTML = html;
  return made;
}
