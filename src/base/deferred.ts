/** A promise with its resolve and reject. A rejection that nothing awaits yet does not end the process. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly settled: boolean;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Creates a deferred. Only the first resolve or reject counts. */
export function deferred<T = void>(): Deferred<T> {
  let settled = false;
  let resolveOuter!: (value: T) => void;
  let rejectOuter!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    resolveOuter = resolve;
    rejectOuter = reject;
  });
  promise.catch(noteOnly);
  return {
    promise,
    get settled() {
      return settled;
    },
    resolve(value) {
      settled = true;
      resolveOuter(value);
    },
    reject(error) {
      settled = true;
      rejectOuter(error);
    },
  };
}

/**
 * Awaiting `promise` still rejects; this handler only keeps Node from treating a late await as an unhandled rejection.
 */
function noteOnly(): void {}
