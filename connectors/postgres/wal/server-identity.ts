import type pg from "pg";
import { DataError } from "../../../src/api/index.js";
import { queryRows } from "../server/query-rows.js";
import { type Lsn, parseLsn } from "./lsn.js";

/** Which WAL a position belongs to: positions of other systems, and beyond a fork of timelines, cannot be compared. */
export interface ServerIdentity {
  /** The number that initdb gave the cluster. Text: it has 64 bits. */
  readonly systemId: string;
  readonly timeline: number;
}

/** An ancestor of the server's timeline, and the position at which its successor forked off. */
export interface TimelineFork {
  readonly timeline: number;
  readonly endLsn: Lsn;
}

/** @param client a replication connection. */
export async function identifyServer(client: pg.Client): Promise<ServerIdentity> {
  const [row] = await queryRows(client, "IDENTIFY_SYSTEM");
  return { systemId: row!["systemid"]!, timeline: Number(row!["timeline"]) };
}

/**
 * The ancestors of a timeline, oldest first.
 *
 * @param client a replication connection.
 */
export async function readForks(client: pg.Client, timeline: number): Promise<readonly TimelineFork[]> {
  // The first timeline has no ancestors, and no file of them.
  if (timeline === 1) return [];
  const [row] = await queryRows(client, `TIMELINE_HISTORY ${timeline}`);
  return parseForks(row!["content"]!);
}

/** Reads a timeline history file: a line per ancestor, its number, where it ended, and why. */
export function parseForks(content: string): TimelineFork[] {
  return content
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [timeline, end] = line.split(/\s+/);
      if (!/^\d+$/.test(timeline!) || end === undefined)
        throw new DataError("VALUE_INVALID", `The server's timeline history has a line of an unknown form: ${line}`);
      return { timeline: Number(timeline), endLsn: parseLsn(end) };
    });
}
