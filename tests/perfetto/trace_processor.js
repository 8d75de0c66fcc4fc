// Perfetto's trace processor, as its user interface runs it: a WebAssembly module behind a message port.
//
//   node trace_processor.js FOLDER REQUESTS REPLIES
//
// FOLDER holds engine_bundle.js and trace_processor.wasm; REQUESTS and REPLIES are files of
// TraceProcessorRpcStream messages.
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const [folder, requests, replies] = process.argv.slice(2);
const { exit } = process;

const file = (name) => fs.readFileSync(path.join(folder, path.basename(String(name))));

// What the bundle takes for a browser's worker; it refuses to run where it sees Node.
Object.assign(globalThis, {
  self: globalThis,
  WorkerGlobalScope: function () {},
  importScripts: () => {},
  location: { href: "file:///engine_bundle.js" },
  fetch: async (url) => new Response(file(url), { headers: { "Content-Type": "application/wasm" } }),
  XMLHttpRequest: class {
    open(_method, url) {
      this.url = url;
    }
    send() {
      const data = file(this.url);
      this.status = 200;
      this.response = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
    }
  },
});
globalThis.process = undefined;

const out = [];
const port = { postMessage: (data) => out.push(Buffer.from(data)), onmessage: null };
vm.runInThisContext(file("engine_bundle.js").toString());
self.onmessage({ data: port });

// The module announces nothing when it is ready: a request before that fails.
const data = fs.readFileSync(requests);
let tries = 0;
function ask() {
  try {
    port.onmessage({ data: new Uint8Array(data) });
  } catch (error) {
    if (++tries < 100 && out.length === 0) return setTimeout(ask, 100);
    console.error(String(error));
    exit(1);
  }
  fs.writeFileSync(replies, Buffer.concat(out));
  exit(0);
}
setTimeout(ask, 2000);
