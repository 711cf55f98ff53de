// What a reader has done of a lesson, kept by the browser; lost where it keeps nothing.

export class Store {
  constructor(lesson) {
    this.key = `minires-lesson-${lesson}`;
    this.asked = `minires-prediction-${lesson}-`; // and a question's key: the page's own forms keep answers so
    this.kept = { cells: {}, progress: {} };
    try {
      Object.assign(this.kept, JSON.parse(localStorage.getItem(this.key) ?? "{}"));
    } catch { /* nothing was kept, or it is damaged */ }
  }

  get used() { return Object.keys(this.kept.cells).length > 0 || this.progress.solved?.length > 0; }
  get progress() { return { ...this.kept.progress, predictions: this.predictions }; }

  set progress(progress) {
    this.kept.progress = progress;
    this.#write();
    try {
      for (const [key, answer] of Object.entries(progress.predictions)) localStorage.setItem(this.asked + key, answer);
    } catch { /* full, or private */ }
  }

  get predictions() {
    const found = {};
    try {
      for (const key of Object.keys(localStorage))
        if (key.startsWith(this.asked)) found[key.slice(this.asked.length)] = localStorage.getItem(key);
    } catch { /* nothing is kept */ }
    return found;
  }

  // Code belongs to a cell as long as the lesson's own text of it is the same.
  code(cell, original) {
    const found = this.kept.cells[cell];
    return found?.original === digest(original) ? found.text : null;
  }

  keep(cell, original, text) {
    if (text === original) delete this.kept.cells[cell];
    else this.kept.cells[cell] = { original: digest(original), text };
    this.#write();
  }

  forget() {
    this.kept = { cells: {}, progress: {} };
    try {
      for (const key of [this.key, ...Object.keys(this.predictions).map((k) => this.asked + k)]) localStorage.removeItem(key);
    } catch { /* nothing was kept */ }
  }

  #write() {
    try { localStorage.setItem(this.key, JSON.stringify(this.kept)); } catch { /* full, or private */ }
  }
}

function digest(text) {
  let sum = 5381;
  for (const c of text) sum = (sum * 33 + c.codePointAt(0)) >>> 0;
  return sum.toString(16);
}
