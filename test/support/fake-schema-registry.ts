import { createHash } from "node:crypto";
import { avroText, parseAvro } from "../../src/api/index.js";
import type { HttpAnswer, HttpClient, HttpRequest } from "../../src/base/http-client.js";

interface Version {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schemaType: string;
  readonly schema: string;
  readonly references: readonly unknown[];
}

/** A schema registry in memory, as one of release 8 answers a client's requests. */
export class FakeSchemaRegistry implements HttpClient {
  /** `POST /subjects/t-value/versions`, in order. */
  readonly requests: string[] = [];
  readonly sent: HttpRequest[] = [];
  /** What the next requests meet instead of an answer: a status, or the error of a network. */
  readonly failures: (number | Error)[] = [];
  /** Why a new schema of a subject is incompatible with its earlier ones. */
  incompatible: ((subject: string, schema: string) => string | undefined) | undefined;
  readonly #versions: Version[] = [];

  async send(request: HttpRequest): Promise<HttpAnswer> {
    const path = `${request.url.pathname}${request.url.search}`;
    this.requests.push(`${request.method} ${path}`);
    this.sent.push(request);
    const failure = this.failures.shift();
    if (failure instanceof Error) throw failure;
    if (failure !== undefined) return answer(failure, { error_code: failure, message: `HTTP ${failure}` });
    return this.#serve(request.method, request.url, request.body);
  }

  /** Registers a schema, as another client would. */
  register(
    subject: string,
    text: string,
    more: { schemaType?: string; references?: readonly unknown[] } = {},
  ): Version {
    const { schemaType = "AVRO", references = [] } = more;
    const schema = schemaType === "AVRO" && references.length === 0 ? avroText(parseAvro(text)) : text;
    const known = this.#versions.find((each) => each.subject === subject && each.schema === schema);
    if (known) return known;
    const same = this.#versions.find((each) => each.schema === schema);
    const id = same?.id ?? Math.max(0, ...this.#versions.map((each) => each.id)) + 1;
    const version = this.#of(subject).length + 1;
    const made = { subject, version, id, schemaType, schema, references };
    this.#versions.push(made);
    return made;
  }

  #of(subject: string): Version[] {
    return this.#versions.filter((each) => each.subject === subject);
  }

  #serve(method: string, url: URL, body: Buffer | undefined): HttpAnswer {
    // The registry may be below a path.
    const parts = url.pathname
      .replace(/^\/sr(?=\/)/, "")
      .split("/")
      .slice(1)
      .map(decodeURIComponent);
    const given = body ? (JSON.parse(body.toString()) as Given) : undefined;
    if (parts[0] === "schemas" && parts[1] === "ids") {
      const found = this.#versions.find(({ id }) => id === Number(parts[2]));
      return found
        ? answer(200, shown(found, url.searchParams.has("subject")))
        : unknown(`Schema ${parts[2]} not found`);
    }
    if (parts[0] === "schemas" && parts[1] === "guids") {
      const found = this.#versions.find((each) => guidOf(each.schema) === parts[2]);
      return found ? answer(200, shown(found, false)) : unknown(`Schema ${parts[2]} not found`);
    }
    const subject = parts[1]!;
    if (method === "POST" && parts.length === 3) return this.#register(subject, given!);
    if (this.#of(subject).length === 0) {
      return answer(404, { error_code: 40401, message: `Subject '${subject}' not found.` });
    }
    if (method === "POST") {
      const schema = canonical(given!);
      const found = this.#of(subject).find((each) => each.schema === schema);
      return found ? answer(200, shown(found, true, true)) : unknown("Schema not found");
    }
    const found =
      parts[3] === "latest"
        ? this.#of(subject).at(-1)
        : this.#of(subject).find(({ version }) => version === Number(parts[3]));
    return found
      ? answer(200, shown(found, true, true))
      : answer(404, { error_code: 40402, message: `Version ${parts[3]} not found.` });
  }

  #register(subject: string, given: Given): HttpAnswer {
    let schema: string;
    try {
      schema = canonical(given);
    } catch (error) {
      return answer(422, { error_code: 42201, message: `Invalid schema of type AVRO, details: ${String(error)}` });
    }
    const isNew = !this.#of(subject).some((each) => each.schema === schema);
    const reason = isNew ? this.incompatible?.(subject, schema) : undefined;
    if (reason !== undefined) {
      const message = `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${reason}]`;
      return answer(409, { error_code: 40901, message });
    }
    return answer(200, shown(this.register(subject, schema, given), false, true));
  }
}

interface Given {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly unknown[];
}

function canonical({ schema, schemaType = "AVRO", references = [] }: Given): string {
  return schemaType === "AVRO" && references.length === 0 ? avroText(parseAvro(schema)) : schema;
}

function shown({ subject, version, id, ...rest }: Version, hasSubject: boolean, hasId = false): object {
  const { references, ...schema } = rest;
  return {
    ...(hasSubject && { subject, version }),
    ...(hasId && { id }),
    guid: guidOf(rest.schema),
    ...schema,
    ...(references.length > 0 && { references }),
  };
}

export function guidOf(schema: string): string {
  const hex = createHash("md5").update(schema).digest("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function unknown(message: string): HttpAnswer {
  return answer(404, { error_code: 40403, message });
}

function answer(status: number, body: object): HttpAnswer {
  return { status, body: Buffer.from(JSON.stringify(body)) };
}
