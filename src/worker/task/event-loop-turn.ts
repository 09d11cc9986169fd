/**
 * Lets the event loop turn once: sockets and timers get theirs. For loops whose awaited promises may all be resolved
 * already, which would otherwise run on for ever without any other task, heartbeat or message being served.
 */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
