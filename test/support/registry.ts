import type { Clock } from "../../src/api/index.js";
import { SimClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { SeededRandom } from "../../src/base/random.js";
import type { AccessRules } from "../../src/http/access/access-rules.js";
import { LeaderWrites } from "../../src/registry/leader/leader-writes.js";
import type { LeaderPlace } from "../../src/registry/leader/leadership.js";
import { TEXTS_7, TEXTS_8 } from "../../src/registry/operations/mode-texts.js";
import { ParsedSchemas } from "../../src/registry/operations/parsed-schemas.js";
import { RegistryApi } from "../../src/registry/routes/registry-app.js";
import type { RegistryContext } from "../../src/registry/server/registry-context.js";
import { RegistryFold } from "../../src/registry/state/registry-fold.js";
import { CompactedLog } from "../../src/stores/compacted-log.js";
import { MemoryLog } from "./memory-log.js";

export interface RegistryAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
  /** The answer's JSON. */
  readonly json: unknown;
}

/** A registry over a topic in memory, called without HTTP. */
export class MemoryRegistry {
  private constructor(
    readonly topic: MemoryLog,
    readonly fold: RegistryFold,
    readonly log: CompactedLog,
    private readonly api: RegistryApi,
    /** Its place in its group; it leads at first. */
    readonly group: { place: LeaderPlace | undefined },
  ) {}

  static async open(
    topic = new MemoryLog(),
    changes: Partial<RegistryContext> = {},
    access: AccessRules = { users: undefined, cors: undefined, headers: [] },
  ): Promise<MemoryRegistry> {
    const clock: Clock = new SimClock();
    const fold = new RegistryFold((record) => writes.restore(record));
    const logger = silentLogger;
    const log = new CompactedLog({
      topic: "_schemas",
      transport: topic,
      clock,
      random: new SeededRandom(1),
      logger,
      fold,
    });
    const group: { place: LeaderPlace | undefined } = { place: { term: {}, url: "http://a:1" } };
    const place = () => group.place;
    const writes = new LeaderWrites({ log, place, logger, timeoutMs: 1000, catchUpMs: 1000 });
    const release = changes.release ?? 8;
    const { state } = fold;
    const context: RegistryContext = {
      view: {
        state,
        schemas: new ParsedSchemas(state),
        defaultLevel: "BACKWARD",
        texts: release < 8 ? TEXTS_7 : TEXTS_8,
        hasAvroType: release >= 8,
      },
      release,
      writes,
      place,
      forward: () => Promise.reject(new Error("not the leader")),
      clusterId: async () => "cluster-1",
      groupId: "schema-registry",
      isModeMutable: true,
      rejectsEmptySubject: false,
      schemaLimits: { fallback: 1000, most: 1000 },
      version: "8.1.0",
      commit: "abc",
      skipped: () => fold.skipped,
      ...changes,
    };
    await log.start();
    return new MemoryRegistry(topic, fold, log, new RegistryApi({ context, access, clock, logger }), group);
  }

  /** @param body a text as it is, or a value as JSON */
  async call(
    method: string,
    target: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RegistryAnswer> {
    const sent = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const answer = await this.api.answer({ method, target, headers }, async () => Buffer.from(sent));
    const text = answer.body.toString();
    const isJson = answer.type?.includes("json") ?? false;
    let json: unknown;
    try {
      json = isJson ? JSON.parse(text) : undefined;
    } catch {
      json = undefined;
    }
    return { status: answer.status, type: answer.type, text, json };
  }

  get(target: string): Promise<RegistryAnswer> {
    return this.call("GET", target);
  }

  /** Registers a schema and returns the answer's JSON, or fails. */
  async register(subject: string, schema: string, more: object = {}): Promise<{ id: number; version: number }> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const answer = await this.call("POST", path, { schema, ...more });
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.json as { id: number; version: number };
  }

  async close(): Promise<void> {
    await this.log.close();
  }
}

/** `{"error_code":…,"message":…}` as it is written. */
export function errorText(code: number, message: string): string {
  return JSON.stringify({ error_code: code, message });
}
