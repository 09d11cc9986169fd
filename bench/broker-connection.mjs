// One connection to a broker under measurement, by Millrace's own frames.
import { once } from "node:events";
import { connect } from "node:net";
import { createTopics } from "../dist/src/protocol/apis/create-topics.js";

/** Requests may overlap; each resolves once its answer is complete, with the answer's frame. */
export class BrokerConnection {
  #socket;
  #received = [];
  #bytes = 0;
  #waiting = [];

  static async open(port) {
    const socket = connect({ host: "127.0.0.1", port: Number(port) });
    socket.setNoDelay(true);
    await once(socket, "connect");
    return new BrokerConnection(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("The broker closed the connection"));
    });
    socket.on("data", (chunk) => this.#take(chunk));
  }

  /** Sends a request that is already encoded: chunks, or one buffer. */
  request(chunks) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      for (const chunk of chunks) this.#socket.write(chunk);
    });
  }

  send(api, version, request) {
    return this.request(api.encodeRequest(version, 1, "bench", request));
  }

  async createTopic(name, numPartitions, flushMessages) {
    const configs = [{ name: "flush.messages", value: flushMessages }];
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs };
    await this.send(createTopics, 5, { topics: [topic], timeoutMs: 60_000, validateOnly: false });
  }

  close() {
    this.#socket.destroy();
  }

  #take(chunk) {
    this.#received.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= 4) {
      const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received, this.#bytes);
      this.#received = [all];
      const length = 4 + all.readInt32BE(0);
      if (all.length < length) return;
      this.#received = [all.subarray(length)];
      this.#bytes -= length;
      this.#waiting.shift().resolve(all.subarray(0, length));
    }
  }
}
