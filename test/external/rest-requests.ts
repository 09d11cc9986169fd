/** Parts of an answer that a client can see. */
export type Aspect = "status" | "type" | "allow" | "location" | "shape" | "message";

/** A request to both workers, and where their answers differ. */
export interface RestRequest {
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, or a value that is sent as JSON. */
  readonly body?: unknown;
  /** Each aspect that differs, with the reason; docs/compatibility.md lists them. */
  readonly differs?: Readonly<Partial<Record<Aspect, string>>>;
}

const JSON_TYPE = { "Content-Type": "application/json" };
const FILE_SOURCE = { "connector.class": "FileStreamSource", topic: "parity", file: "/nonexistent" };

const get = (path: string, differs: RestRequest["differs"] = {}): RestRequest => ({ line: `GET ${path}`, differs });
const bare = (line: string, differs: RestRequest["differs"] = {}): RestRequest => ({ line, differs });
const accepting = (accept: string, path = "/connectors", differs: RestRequest["differs"] = {}): RestRequest => ({
  line: `GET ${path}`,
  headers: { Accept: accept },
  differs,
});
const send = (line: string, body: unknown, differs: RestRequest["differs"] = {}): RestRequest => ({
  line,
  headers: JSON_TYPE,
  body,
  differs,
});
const typed = (line: string, type: string, body: unknown, differs: RestRequest["differs"] = {}): RestRequest => ({
  line,
  headers: { "Content-Type": type },
  body,
  differs,
});
const create = (name: string, differs: RestRequest["differs"] = {}) =>
  send("POST /connectors", { name, config: FILE_SOURCE }, differs);

const UNTYPED = { type: "their server's own errors have no Content-Type" };
const HTML = { type: "their server's own errors are HTML", shape: "HTML there", message: "HTML there" };
const CLIENT_FAULT = { status: "500 there for a client's mistake", message: "a Java exception's text there" };

/**
 * In order: later requests meet what earlier ones created. Everything but offsets, loggers and the requests between
 * workers. The connector's tasks need no file.
 */
export const REST_REQUESTS: readonly RestRequest[] = [
  create("c1"),
  create("c1"),
  get("/"),
  bare("HEAD /"),
  bare("PUT /", UNTYPED),
  get("/nothing", UNTYPED),
  bare("OPTIONS /nothing", UNTYPED),
  get("/Connectors", UNTYPED),
  get("/connectors"),
  get("/connectors/"),
  bare("HEAD /connectors"),
  ...["/", "/health", "/connectors", "/connectors/c1", "/connectors/none", "/connectors/c1/config"].map((path) =>
    bare(`OPTIONS ${path}`),
  ),
  ...["status", "restart", "pause", "resume", "stop", "tasks", "topics", "topics/reset", "tasks/0/restart"].map(
    (path) => bare(`OPTIONS /connectors/c1/${path}`),
  ),
  bare("OPTIONS /connector-plugins"),
  bare("OPTIONS /connector-plugins/x/config"),
  bare("OPTIONS /connector-plugins/x/config/validate"),
  { line: "OPTIONS /connectors", headers: { Accept: "application/json" } },
  { line: "OPTIONS /connectors", headers: { Accept: "text/plain" } },
  { line: "OPTIONS /connectors", headers: { Accept: "image/png" } },
  bare("PUT /connectors", UNTYPED),
  bare("PATCH /connectors/c1", UNTYPED),
  get("/connectors/c1/pause", UNTYPED),
  accepting("text/plain", "/connectors", UNTYPED),
  accepting("x", "/connectors", UNTYPED),
  accepting("application/vnd.api+json", "/connectors", UNTYPED),
  accepting("text/html, application/json;q=0.5"),
  accepting("application/json;q=0"),
  accepting("application/*"),
  accepting("*/*;q=0.1"),
  accepting(""),
  accepting("application/json;charset=utf-8", "/connectors", { type: "repeats the charset there" }),
  accepting("text/plain", "/nothing", UNTYPED),
  accepting("text/plain", "/connectors/none", UNTYPED),
  get("/connectors/none"),
  bare("HEAD /connectors/none"),
  get("/connectors/c1"),
  get("/connectors/c1/"),
  get("/connectors/c1/config"),
  get("/connectors/c1/nothing", UNTYPED),
  get("/connectors/c1/tasks-config", UNTYPED),
  get("/connectors/c1/tasks"),
  get("/connectors/c1/tasks/x/status"),
  get("/connectors/c1/tasks/-1/status"),
  get("/connectors/c1/tasks/99999999999/status"),
  get("/connectors/c1/tasks/9/status"),
  get("/connectors/none/status"),
  get("/connectors/none/config"),
  get("/connectors/none/tasks"),
  get("/connectors/none/topics"),
  { line: "POST /connectors", body: { name: "c2", config: FILE_SOURCE } },
  typed("POST /connectors", "text/plain", "{}", UNTYPED),
  typed("POST /connectors", "application/vnd.api+json", "{}", UNTYPED),
  typed("POST /connectors", "application/json; charset=utf-8", { name: "c3", config: FILE_SOURCE }),
  { line: "GET /connectors", headers: { "Content-Type": "text/plain" }, differs: UNTYPED },
  typed("PUT /connectors/c1/pause", "text/plain", "x", UNTYPED),
  send("POST /connectors", "", CLIENT_FAULT),
  ...["{", "null", "[]", "{}", '{"name":"x"}', '{"name":"x","config":null}', '{"nmae":"x","config":{}}'].map((body) =>
    send("POST /connectors", body, CLIENT_FAULT),
  ),
  send("POST /connectors", { name: null, config: {} }, { message: "quotes the configuration there" }),
  send("POST /connectors", { name: "x", config: FILE_SOURCE, initial_state: "ASLEEP" }, CLIENT_FAULT),
  send("POST /connectors", { name: "x", config: { a: {} } }, CLIENT_FAULT),
  send("POST /connectors", { name: "x", config: { ...FILE_SOURCE, name: "y" } }),
  send(
    "POST /connectors",
    { name: "x", config: { "connector.class": "Absent" } },
    { message: "names the installed classes, in Java's form there" },
  ),
  send("POST /connectors", { name: "x", config: { ...FILE_SOURCE, "tasks.max": "dog", "batch.size": "0" } }),
  create("sp ace"),
  create("\u00e4\u{1f642}"),
  create("q?x#y&z=;:@+,!$'()*"),
  create("a/b", { location: "a slash stays there, so that the address leads nowhere" }),
  create("nl\nx", { message: "quotes the name there" }),
  create("del\u007f\u0085", { message: "quotes the name there" }),
  create(""),
  create("  trimmed "),
  send("PUT /connectors/put%20me/config", FILE_SOURCE),
  send("PUT /connectors/put%20me/config", FILE_SOURCE),
  send("PUT /connectors/c1/config", { ...FILE_SOURCE, name: "other" }),
  send("PUT /connectors/c1/config", "null", CLIENT_FAULT),
  send("PATCH /connectors/none/config", {}),
  send("PATCH /connectors/c3/config", { "tasks.max": "2", file: null }),
  send("PATCH /connectors/c3/config", { topic: null }),
  get("/connectors/%zz", HTML),
  get("/connectors/%ff", HTML),
  get("/connectors/%F0%9F%99%82"),
  get("/connectors?expand=info"),
  get("/connectors?expand=nothing"),
  get("/connectors?expand"),
  bare("POST /connectors/none/restart"),
  bare("POST /connectors/none/restart?includeTasks=true"),
  bare("POST /connectors/none/tasks/0/restart"),
  bare("POST /connectors/c1/tasks/9/restart"),
  bare("PUT /connectors/none/pause"),
  bare("PUT /connectors/none/resume"),
  bare("PUT /connectors/none/stop"),
  bare("PUT /connectors/c1/pause"),
  send("PUT /connectors/c1/pause", {}),
  bare("PUT /connectors/c1/resume"),
  bare("PUT /connectors/c1/stop"),
  bare("PUT /connectors/c1/topics/reset"),
  get("/connectors/c1/topics"),
  get("/connector-plugins"),
  get("/connector-plugins?connectorsOnly=x"),
  get("/connector-plugins?connectorsOnly="),
  get("/connector-plugins/none/config"),
  get("/connector-plugins/FileStreamSource/config"),
  get("/connector-plugins/org.apache.kafka.connect.json.JsonConverter/config"),
  ...["latest", "4.3.1", "%5B4,5)", "4.3.1&version=2"].map((version) =>
    get(`/connector-plugins/FileStreamSource/config?version=${version}`),
  ),
  ...["0.0.1", "x", "LATEST", "(4.3.1,)", "%5B1,", "%5B5,4%5D"].map((version) =>
    get(`/connector-plugins/FileStreamSource/config?version=${version}`),
  ),
  get("/connector-plugins/none/config?version=1"),
  send("PUT /connector-plugins/FileStreamSource/config/validate", { ...FILE_SOURCE, name: "v" }),
  send(
    "PUT /connector-plugins/FileStreamSource/config/validate",
    { "connector.class": "FileStreamSink" },
    {
      message: "says what to do here",
    },
  ),
  send("PUT /connector-plugins/FileStreamSource/config/validate", "null", CLIENT_FAULT),
  send("PUT /connector-plugins/FileStreamSource/config/validate", "{}", {
    status: "the class must be in the body there",
    shape: "an error there",
    message: "an error there",
  }),
  bare("DELETE /connectors/none"),
  bare("DELETE /connectors/c3"),
  send("DELETE /connectors/c1", {}),
  get("/health"),
  bare("HEAD /health"),
];
