// What the programs of the Node clients share: the records that they write, and the lines that they print.
import { deepStrictEqual } from "node:assert";
import { EventEmitter, once } from "node:events";

/** The records of a topic. Each has the header origin=NAME. */
export const recordsOf = (name) =>
  Array.from({ length: 200 }, (_, at) => ({ key: `k${at}`, value: `${name} ${at} é`, headers: { origin: name } }));

export const equal = deepStrictEqual;

/** Calls the steps in order. Prints the client's version, and the name of each step that has passed. */
export async function run(version, steps) {
  console.log(`version ${version}`);
  for (const [name, step] of Object.entries(steps)) {
    await step();
    console.log(`ok ${name}`);
  }
}

/** The values that the members of a group have taken, with the commit that makes them theirs. */
export class Taken {
  #changes = new EventEmitter();
  values = [];

  add(...values) {
    this.values.push(...values);
    this.#changes.emit("changed");
  }

  async until(condition) {
    while (!condition()) await once(this.#changes, "changed");
  }
}
