// Python (Pyodide) and minires, away from the page so that the page stays responsive.
// In:  {id, start: configuration}, {id, call: name, args}
// Out: {id, result} or {id, error} for each; before them {id, output} and {progress}

let pyodide;
let page; // the module minires.lessons.page
let current; // id of the call that runs
const DRAWS = /\.(curves|bars|pictures)\(|\bmatplotlib\b/;

const tell = (text) => postMessage({ progress: text });

async function bytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

async function start({ pyodideURL, wheelURL, env }) {
  const seconds = {}, begun = performance.now();
  const mark = (name) => (seconds[name] = (performance.now() - begun) / 1000);
  tell("Loading Python: once 19 MB, from your browser's memory later …");
  const { loadPyodide } = await import(new URL("pyodide.mjs", pyodideURL).href);
  const wheel = bytes(wheelURL); // while the interpreter is compiled; so is NumPy
  pyodide = await loadPyodide({ indexURL: pyodideURL, env, packages: ["numpy"] });
  mark("python");
  tell("Loading minires …");
  const site = pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')");
  pyodide.unpackArchive(await wheel, "wheel", { extractDir: site });
  page = pyodide.pyimport("minires.lessons.page");
  page.connect((kind, fields) => postMessage({ id: current, output: { kind, ...fields } }));
  mark("minires");
  return seconds;
}

async function load(name) {
  tell(`Loading ${name}, which draws …`);
  await pyodide.loadPackage(name, { messageCallback: () => {} });
  tell("");
}

const python = (name, ...args) => JSON.parse(page.call(name, JSON.stringify(args)));

async function call(name, args) {
  if (name === "run") {
    if (DRAWS.test(args[0]) && !pyodide.loadedPackages.matplotlib) await load("matplotlib");
    await pyodide.loadPackagesFromImports(args[0], { messageCallback: () => {} });
  }
  let result = python(name, ...args);
  while (result?.state === "needs") {
    await load({ PIL: "pillow" }[result.package] ?? result.package);
    result = python("go_on");
  }
  return result;
}

// One call at a time, in the order in which they came: loading takes its time.
let turn = Promise.resolve();
onmessage = ({ data }) => {
  turn = turn.then(async () => {
    current = data.id;
    try {
      const result = await (data.start ? start(data.start) : call(data.call, data.args));
      postMessage({ id: data.id, result });
    } catch (error) {
      postMessage({ id: data.id, error: String(error.message ?? error) });
    }
  });
};
