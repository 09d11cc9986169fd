import type { ConfigDef } from "../../api/index.js";

/** The keys for who may call an HTTP server, and for the headers of its answers. */
export const accessConfigDef = {
  "access.control.allow.origin": {
    type: "string",
    doc: "Origins whose pages may call REST, separated by commas: * for all, or Java patterns. Empty: no CORS headers.",
    default: "",
  },
  "access.control.allow.methods": {
    type: "string",
    doc: "Methods that these pages may use, separated by commas. Empty: GET, POST, HEAD.",
    default: "",
  },
  "response.http.headers.config": {
    type: "string",
    doc: "Headers for every answer: rules such as set X-Frame-Options:DENY, separated by commas.",
    default: "",
  },
  "rest.extension.classes": {
    type: "list",
    doc: "REST extensions: only org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension.",
    default: [],
  },
  "java.security.auth.login.config": {
    type: "string",
    doc: "JAAS file of that extension, unless KAFKA_OPTS names it as -Djava.security.auth.login.config=PATH.",
    default: null,
  },
} as const satisfies ConfigDef;
