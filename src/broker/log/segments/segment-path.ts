import { join } from "node:path";
import { segmentName } from "./segment-names.js";

/** The path of a segment's file of that suffix. */
export function segmentPath(folder: string, baseOffset: number, suffix: string): string {
  return join(folder, segmentName(baseOffset, suffix));
}
