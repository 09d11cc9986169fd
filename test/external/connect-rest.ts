/** What a test asks of a Connect worker, the original or ours, over REST. */
export class ConnectRest {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws Error with the worker's own message. */
  async create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    await this.#ask("POST", "/connectors", { name, config });
  }

  async delete(name: string): Promise<void> {
    await this.#ask("DELETE", `/connectors/${name}`);
  }

  status(name: string): Promise<unknown> {
    return this.#ask("GET", `/connectors/${name}/status`);
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}
