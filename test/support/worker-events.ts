import { type Deferred, deferred } from "../../src/base/deferred.js";
import type { TaskId } from "../../src/contract/task-id.js";
import type { WorkerListener } from "../../src/worker/worker.js";

/** A worker's reports as lines: `orders RUNNING`, `orders-0 FAILED TRACE`, `orders uses TOPIC`, `orders reconfigures`. */
export class WorkerEvents implements WorkerListener {
  readonly lines: string[] = [];
  readonly #expected: { readonly text: string; readonly found: Deferred<string> }[] = [];

  /** Resolves with the next line that contains `text`. Call it before the act. */
  expect(text: string): Promise<string> {
    const found = deferred<string>();
    this.#expected.push({ text, found });
    return found.promise;
  }

  connectorStatus(name: string, state: string, trace: string | null): void {
    this.#note(`${name} ${state} ${trace ?? ""}`.trim());
  }

  taskStatus({ connector, task }: TaskId, state: string, trace: string | null): void {
    this.#note(`${connector}-${task} ${state} ${trace ?? ""}`.trim());
  }

  requestReconfiguration(connector: string): void {
    this.#note(`${connector} reconfigures`);
  }

  topicUsed({ connector }: TaskId, topic: string): void {
    this.#note(`${connector} uses ${topic}`);
  }

  #note(line: string): void {
    this.lines.push(line);
    for (const { text, found } of this.#expected) if (line.includes(text)) found.resolve(line);
  }
}
