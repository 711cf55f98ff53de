// The page's side of Python in a worker.
//
//   const python = new Python();
//   await python.start((text) => show(text));            what is being loaded; "" at the end
//   await python.call("measure", { depth: 56 });         a function of minires.lessons.page
//   await python.run("print(1)", { cell: 3, onOutput }); {state: "done"}, or "error", "asks"
//   python.stop();                                       whatever runs; start() begins anew

export class Stopped extends Error {}

export class Python {
  #worker = null;
  #waiting = new Map();
  #next = 1;
  #started = null;
  #broken = null;
  #onProgress = () => {};

  // Nothing is loaded before this; a second call waits for the first.
  start(onProgress) {
    if (onProgress) this.#onProgress = onProgress;
    this.#started ??= this.#begin();
    return this.#started;
  }

  get running() { return this.#waiting.size > 0; }

  async #begin() {
    const worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
    this.#worker = worker;
    this.#broken = null;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (e) => this.#end(new Error(e.message || "its script is not there"));
    try {
      const start = await configuration();
      if (worker !== this.#worker) throw this.#broken;
      const seconds = await this.#send({ start });
      this.#onProgress("");
      return seconds;
    } catch (error) {
      if (worker === this.#worker) this.#end(error);
      if (error instanceof Stopped) throw error;
      throw new Error(`Python cannot be loaded (${error.message}). Is the page offline?`);
    }
  }

  async call(name, ...args) {
    await this.start();
    return this.#send({ call: name, args });
  }

  async run(code, { cell = 0, onOutput } = {}) {
    await this.start();
    return this.#send({ call: "run", args: [code, cell] }, onOutput);
  }

  // Go on after {state: "asks"}; null skips the question.
  async answer(given, { onOutput } = {}) {
    return this.#send({ call: "answer", args: [given] }, onOutput);
  }

  // A loop without end cannot be asked to stop: that takes memory shared with the worker, which
  // browsers allow only to sites with special headers. So the worker is ended; start() makes a new
  // one from the browser's memory, without the variables.
  stop() {
    this.#end(new Stopped("stopped"));
  }

  #end(error) {
    this.#worker?.terminate();
    this.#worker = this.#started = null;
    this.#broken = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #send(message, onOutput = () => {}) {
    if (this.#broken) return Promise.reject(this.#broken);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onOutput });
      this.#worker.postMessage({ id, ...message });
    });
  }

  #receive(data) {
    if ("progress" in data) return this.#onProgress(data.progress);
    const waiting = this.#waiting.get(data.id);
    if (!waiting) return;
    if (data.output) return waiting.onOutput(data.output);
    this.#waiting.delete(data.id);
    if ("error" in data) waiting.reject(new Error(data.error));
    else waiting.resolve(data.result);
  }
}

// Where Pyodide and the wheel are: config.json, which the build of the site writes.
export async function configuration() {
  const url = new URL("config.json", import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const config = await response.json();
  return {
    pyodideURL: new URL(config.pyodide, url).href,
    wheelURL: new URL(`files/${config.wheel}`, url).href,
    env: { HOME: "/home/pyodide", MPLBACKEND: "agg", MINIRES_OUT: "/home/pyodide/out" },
  };
}
