// Memory of `millrace broker` for each idle connection: its resident memory before and after clients have connected and
// asked for the API versions, once it has been quiet for some seconds.
//   node bench/connections.mjs [--connections 2000]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { options, residentMib, temporaryFolder } from "./processes.mjs";

const { connections } = options({ connections: 2000 });
const WARM = 100;
const QUIET_MS = 5000;
/** ApiVersions v0 of the client "a", with its size. */
const API_VERSIONS = Buffer.from("0000000b0012000000000001000161", "hex");

const main = fileURLToPath(new URL("../dist/src/main.js", import.meta.url));
const args = [main, "broker", "--data", temporaryFolder(), "--listen", "127.0.0.1:0"];
const broker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
const port = await new Promise((found, failed) => {
  let text = "";
  const read = (chunk) => {
    text += chunk;
    const named = /port[=": ]+(\d{4,5})/.exec(text);
    if (named) found(Number(named[1]));
  };
  broker.stdout.on("data", read);
  broker.stderr.on("data", read);
  broker.on("exit", () => failed(new Error(text)));
});

async function client() {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(API_VERSIONS);
  await once(socket, "data");
  return socket;
}

async function quiet() {
  await new Promise((next) => setTimeout(next, QUIET_MS));
  return residentMib(broker.pid);
}

const sockets = await Promise.all(Array.from({ length: WARM }, client));
const before = await quiet();
for (let count = 0; count < connections; count += WARM) {
  sockets.push(...(await Promise.all(Array.from({ length: WARM }, client))));
}
const after = await quiet();
const each = ((after - before) * 1024) / connections;
console.log(
  `${connections} idle connections: ${before.toFixed(0)} → ${after.toFixed(0)} MiB, ${each.toFixed(1)} KiB each`,
);
broker.removeAllListeners("exit");
for (const socket of sockets) socket.destroy();
broker.kill();
