import { MessageChannel } from "node:worker_threads";

/**
 * Keeps the process alive although nothing else does. Node ends a process without open sockets, even in the middle of
 * an await that only timers of a `Clock` would continue.
 *
 * @returns a function that lets the process end again; it must be called.
 */
export function holdProcess(): () => void {
  const { port1 } = new MessageChannel();
  port1.on("message", () => {});
  return () => port1.close();
}
