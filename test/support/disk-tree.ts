import { basename, dirname } from "node:path";

/** The files and folders of a disk in memory, by path. A folder lists its own entries without a look at all others. */
export class DiskTree<Node> {
  readonly #nodes = new Map<string, Node>();
  readonly #names = new Map<string, Set<string>>();

  get(path: string): Node | undefined {
    return this.#nodes.get(path);
  }

  has(path: string): boolean {
    return this.#nodes.has(path);
  }

  /** All paths and nodes, in the order in which the paths appeared. */
  entries(): IterableIterator<[string, Node]> {
    return this.#nodes.entries();
  }

  nodes(): IterableIterator<Node> {
    return this.#nodes.values();
  }

  set(path: string, node: Node): void {
    this.#nodes.set(path, node);
    if (path === "/") return;
    const folder = dirname(path);
    let names = this.#names.get(folder);
    if (!names) {
      names = new Set();
      this.#names.set(folder, names);
    }
    names.add(basename(path));
  }

  delete(path: string): void {
    this.#nodes.delete(path);
    const folder = dirname(path);
    const names = this.#names.get(folder);
    names?.delete(basename(path));
    if (names?.size === 0) this.#names.delete(folder);
  }

  /** The paths of a folder's entries, in the order in which they appeared. */
  inside(folder: string): string[] {
    const prefix = folder === "/" ? "/" : `${folder}/`;
    return [...(this.#names.get(folder) ?? [])].map((name) => prefix + name);
  }

  /** The paths of all that is in a folder and below, each folder before its entries. */
  below(folder: string): string[] {
    return this.inside(folder).flatMap((path) => [path, ...this.below(path)]);
  }

  copy(): DiskTree<Node> {
    const tree = new DiskTree<Node>();
    for (const [path, node] of this.#nodes) tree.set(path, node);
    return tree;
  }
}
