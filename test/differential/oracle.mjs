// SPDX-License-Identifier: MIT
// Runs the Python side on CPython 3.14 under node (npm package "pyodide").
//
//   node oracle.mjs PYODIDE_DIR SCRIPT ARG...
//
// SCRIPT is a Python file of this directory; it gets sys.argv, and standard
// input and output of this process. PYODIDE_DIR is node_modules/pyodide.

import { readSync, writeSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [, , dir, script, ...args] = process.argv;
const here = dirname(fileURLToPath(import.meta.url));
const { loadPyodide } = await import(
    pathToFileURL(resolve(dir, "pyodide.mjs")).href);

function writer(fd) {
    return {
        isatty: false,
        write(buffer) {
            for (let at = 0; at < buffer.length;) {
                try {
                    at += writeSync(fd, buffer, at, buffer.length - at);
                } catch (e) {
                    if (e.code !== "EAGAIN") throw e;
                }
            }
            return buffer.length;
        },
    };
}

const py = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
py.setStdout(writer(1));
py.setStderr(writer(2));
py.setStdin({
    read(buffer) {
        try {
            return readSync(0, buffer);
        } catch (e) {
            if (e.code === "EOF") return 0;
            throw e;
        }
    },
});
py.FS.mkdir("/host");
py.FS.mount(py.FS.filesystems.NODEFS, { root: "/" }, "/host");
py.globals.set("here", "/host" + here);
py.globals.set("arguments", py.toPy([script, ...args]));
py.globals.set("cwd", "/host" + process.cwd());
try {
    py.runPython(`
import asyncio, os, sys, runpy
sys.dont_write_bytecode = True
sys.path.insert(0, here)
sys.argv = list(arguments)
os.chdir(cwd)
asyncio._set_running_loop(None)     # the one that drives this page
runpy.run_path(here + "/" + sys.argv[0], run_name="__main__")
sys.stdout.flush()
`);
} catch (e) {
    writer(2).write(Buffer.from(`${e.message}\n`));
    process.exit(1);
}
process.exit(0);
