import { type FSWatcher, readFileSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { deferred } from "../../src/base/deferred.js";

/** Resolves with the file's text once it satisfies `predicate`; checks whenever the file system reports a change. */
export async function fileText(path: string, predicate: (text: string) => boolean): Promise<string> {
  const reached = deferred<string>();
  const look = () => {
    if (!statSync(path, { throwIfNoEntry: false })) return;
    const text = readFileSync(path, "utf8");
    if (predicate(text)) reached.resolve(text);
  };
  const watcher: FSWatcher = watch(dirname(path), (_event, name) => {
    if (name === null || name === basename(path)) look();
  });
  look();
  try {
    return await reached.promise;
  } finally {
    watcher.close();
  }
}
