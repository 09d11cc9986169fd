import { join } from "node:path";

/** The path of a segment's file of that suffix. Kafka's names: the base offset in 20 digits, as in `….log`. */
export function segmentPath(folder: string, baseOffset: number, suffix: string): string {
  return join(folder, `${String(baseOffset).padStart(20, "0")}.${suffix}`);
}
