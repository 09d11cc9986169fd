import { connect, type Socket } from "node:net";

/** A connection on which a test writes the bytes of requests itself. */
export class RawHttp {
  readonly #socket: Socket;
  /** Everything that the server sent, once it has closed the connection. */
  readonly answer: Promise<string>;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.answer = new Promise((resolve) => {
      let text = "";
      this.#socket.on("data", (chunk) => {
        text += chunk.toString("latin1");
      });
      this.#socket.on("error", () => {});
      this.#socket.on("close", () => resolve(text));
    });
  }

  write(text: string): this {
    this.#socket.write(text);
    return this;
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** Sends one text and returns everything that the server answers until it closes the connection. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new RawHttp(port).write(text).answer;
}
