/** A promise with its settlers outside. A rejection that nobody has awaited yet does not end the process. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly settled: boolean;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Makes a deferred. Settling twice keeps the first. */
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

/** Whoever awaits `promise` still gets the rejection; this only tells Node that being late to await it is no crash. */
function noteOnly(): void {}
