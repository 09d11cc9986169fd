/** Parts of an answer that a client can see. */
export type AccessAspect = "status" | "headers" | "body";

/** A request to both workers, and where their answers differ. */
export interface AccessRequest {
  /** The listener that it is sent to. */
  readonly to: "http" | "https" | "admin";
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For https: whose certificate the client shows. */
  readonly as?: "worker" | "stranger";
  /** Each aspect that differs, with the reason; docs/compatibility.md lists them. */
  readonly differs?: Readonly<Partial<Record<AccessAspect, string>>>;
}

type Differs = NonNullable<AccessRequest["differs"]>;

const basic = (credentials: string) => ({ Authorization: `Basic ${Buffer.from(credentials).toString("base64")}` });
const ANN = basic("ann:p:w");
const TRUSTED = { Origin: "https://a.trusted.example" };
const preflight = (origin: string, method: string, headers?: string) => ({
  Origin: origin,
  "Access-Control-Request-Method": method,
  ...(headers !== undefined && { "Access-Control-Request-Headers": headers }),
});
const http = (line: string, headers: Readonly<Record<string, string>> = {}, differs: Differs = {}): AccessRequest => ({
  to: "http",
  line,
  headers,
  differs,
});
const admin = (line: string, headers: Readonly<Record<string, string>> = {}, differs: Differs = {}): AccessRequest => ({
  ...http(line, headers, differs),
  to: "admin",
});
const https = (
  line: string,
  as: AccessRequest["as"],
  headers: Readonly<Record<string, string>> = {},
  differs: Differs = {},
): AccessRequest => ({
  ...http(line, headers, differs),
  to: "https",
  ...(as && { as }),
});

const TEXT = { body: "their refusal is a text, under the type of JSON" };
const PLAIN = { ...TEXT, headers: "their refusal has the type of OPTIONS's own answer" };
const BASE64 = { status: "500 there for credentials that are not base64", body: "a Java exception's text there" };
const UNTYPED = { headers: "their server's own errors have no Content-Type" };
const NO_BODY = { status: "500 there for a client's mistake", body: "a Java exception's text there" };
const OPEN_ADMIN = { status: "their admin listeners ask for no user", body: "so they answer" };
const LOGIN = { headers: "ours allows pages to send Authorization, which they need" };

/** To workers with basic auth, CORS, further headers, a listener of its own for /admin, and https that asks for certificates. */
export const GUARDED_REQUESTS: readonly AccessRequest[] = [
  http("GET /", ANN),
  http("GET /connectors", ANN),
  http("HEAD /connectors", ANN),
  http("GET /connectors", basic("bob:")),
  http("GET /connectors", {}, TEXT),
  http("GET /connectors", basic("ann:wrong"), TEXT),
  http("GET /connectors", basic("ann:p"), TEXT),
  http("GET /connectors", basic("ann:"), TEXT),
  http("GET /connectors", basic("carl:p:w"), TEXT),
  http("GET /connectors", basic("ann"), TEXT),
  http("GET /connectors", basic("ANN:p:w"), TEXT),
  http("GET /connectors", { Authorization: "Basic" }, TEXT),
  http("GET /connectors", { Authorization: "Basic " }, TEXT),
  http("GET /connectors", { Authorization: "Basic !!!" }, BASE64),
  http("GET /connectors", { Authorization: "Bearer abc" }, TEXT),
  http("GET /connectors", { Authorization: ANN.Authorization.replace("Basic", "basic") }),
  http("GET /connectors", { Authorization: ANN.Authorization.replace("Basic", "BASIC") }),
  http("GET /connectors", { Authorization: ANN.Authorization.replace("Basic ", "Basic  ") }, BASE64),
  http("GET /connectors", { Authorization: `${ANN.Authorization}=` }, BASE64),
  http("GET /", {}, TEXT),
  http("GET /health", {}, TEXT),
  http("HEAD /"),
  http("OPTIONS /connectors", {}, PLAIN),
  http("GET /nothing", {}, UNTYPED),
  http("GET /nothing", ANN, UNTYPED),
  http("PUT /", {}, UNTYPED),
  http("PUT /", ANN, UNTYPED),
  http("GET /connectors", { Accept: "text/html" }, UNTYPED),
  http("POST /connectors", { "Content-Type": "text/plain" }, UNTYPED),
  http("GET /connectors/c/tasks", {}, TEXT),
  http("POST /connectors/c/tasks", {}, NO_BODY),
  http("POST /connectors/c/tasks", { "Content-Type": "application/json" }, NO_BODY),
  http("POST /connectors/c/tasks/", { "Content-Type": "application/json" }, NO_BODY),
  http("PUT /connectors/c/fence"),
  http("PUT /connectors/c/fence/"),
  http("GET /connectors/c/fence", {}, UNTYPED),
  http("POST /connectors/c/fence", {}, UNTYPED),
  http("PUT /connectors/c/tasks", {}, UNTYPED),
  http("POST /connectors/c/tasks/0/restart", {}, TEXT),
  http("POST /connectors/a/b/tasks", {}, UNTYPED),
  http("GET /admin/loggers/root", ANN, UNTYPED),
  http("GET /admin/loggers/root", {}, UNTYPED),
  admin("GET /admin/loggers/root", ANN),
  admin("GET /admin/loggers/root", {}, OPEN_ADMIN),
  admin("GET /admin/loggers/root", basic("ann:wrong"), OPEN_ADMIN),
  admin("OPTIONS /admin/loggers", {}, { ...OPEN_ADMIN, headers: "so they answer" }),
  admin("GET /connectors", ANN, UNTYPED),
  admin("GET /", ANN, UNTYPED),
  admin("GET /admin/loggers/root", { ...ANN, ...TRUSTED }),
  http("GET /connectors", { ...ANN, ...TRUSTED }),
  http("GET /connectors", TRUSTED, TEXT),
  http("GET /nothing", { ...ANN, ...TRUSTED }, UNTYPED),
  http("GET /connectors/none", { ...ANN, ...TRUSTED }),
  http("GET /connectors", { ...ANN, Origin: "https://pages.example" }),
  http("GET /connectors", { ...ANN, Origin: "HTTPS://Pages.Example" }),
  http("GET /connectors", { ...ANN, Origin: "https://pages.example.org" }),
  http("GET /connectors", { ...ANN, Origin: "https://other.example" }),
  http("GET /connectors", { ...ANN, Origin: "null" }),
  http("GET /connectors", { ...ANN, Origin: "" }),
  http(
    "GET /connectors",
    { ...ANN, Origin: "https://other.example https://pages.example" },
    { headers: "they split a header of several origins, which no browser sends" },
  ),
  http("OPTIONS /connectors", { ...ANN, ...TRUSTED }),
  http("OPTIONS /connectors", { ...ANN, ...preflight("https://pages.example", "PUT") }, LOGIN),
  http("OPTIONS /connectors", { ...ANN, ...preflight("https://pages.example", "PATCH") }, LOGIN),
  http("OPTIONS /connectors", { ...ANN, ...preflight("https://pages.example", "PUT", "Content-Type") }, LOGIN),
  http("OPTIONS /connectors", { ...ANN, ...preflight("https://pages.example", "PUT", "X-Mine") }, LOGIN),
  http("OPTIONS /connectors", { ...ANN, ...preflight("https://other.example", "PUT") }),
  http("OPTIONS /nothing", { ...ANN, ...preflight("https://pages.example", "GET") }, LOGIN),
  http("OPTIONS /connectors", preflight("https://pages.example", "PUT"), {
    ...LOGIN,
    status: "browsers send preflights without a user",
    body: "so ours answers",
  }),
  http("OPTIONS /connectors", preflight("https://other.example", "PUT"), PLAIN),
  http("GET /connectors", { ...ANN, ...preflight("https://pages.example", "PUT") }),
  https("GET /connectors", "worker", ANN),
  https("GET /connectors", "worker", {}, TEXT),
  https("GET /connectors", undefined, ANN),
  https("GET /connectors", "stranger", ANN),
];

/** To workers without users: every origin, no /admin, and https that takes certificates and needs none. */
export const OPEN_REQUESTS: readonly AccessRequest[] = [
  http("GET /connectors"),
  http("GET /connectors", { Authorization: "Basic !!!" }),
  http("GET /connectors", TRUSTED),
  http("GET /connectors", { Origin: "null" }),
  http("OPTIONS /connectors", preflight("https://any.example", "POST")),
  http("OPTIONS /connectors", preflight("https://any.example", "DELETE")),
  http("OPTIONS /connectors", preflight("https://any.example", "POST", "Content-Type, Accept")),
  http("OPTIONS /connectors", TRUSTED),
  http("GET /admin/loggers", {}, UNTYPED),
  http("OPTIONS /admin/loggers", {}, UNTYPED),
  http("PUT /admin/loggers/root", {}, UNTYPED),
  https("GET /connectors", undefined),
  https("GET /connectors", "worker"),
  https("GET /connectors", "stranger"),
  https("OPTIONS /connectors", undefined, preflight("https://any.example", "POST")),
];
