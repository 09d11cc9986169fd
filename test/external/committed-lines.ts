import type { Peers } from "./peers.js";

const CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer";

/**
 * The values that Java's consumer reads of a topic with `isolation.level=read_committed`, in order.
 *
 * @param count the number expected; one more may be returned.
 */
export async function committedLines(peers: Peers, topic: string, count: number): Promise<string[]> {
  const read = await peers.tool(CONSOLE_CONSUMER, [
    ...["--bootstrap-server", peers.bootstrap, "--topic", topic, "--from-beginning"],
    // One more than there are: it ends by its timeout, which it prints as an error, or has one too many.
    ...["--isolation-level", "read_committed", "--max-messages", String(count + 1), "--timeout-ms", "20000"],
  ]);
  return read.split("\n").filter((line) => line !== "" && !/^\[|^org\.apache/.test(line));
}
