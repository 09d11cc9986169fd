import { STATUS_CODES } from "node:http";
import { type ErrorBody, MEDIA_TYPE } from "../../contract/rest-api.js";

const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * The whole answer to bytes that Node's parser refuses, before there is a request: RestServer writes it to the socket.
 *
 * @param code the parser's error code; 400 unless it has a status of its own.
 */
export function refusalText(code: string | undefined): string {
  const status = STATUSES[code ?? ""] ?? 400;
  const text = refusalBody(status);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${MEDIA_TYPE}`,
    `Content-Length: ${text.length}`,
    "Connection: close",
    "",
    text,
  ].join("\r\n");
}

/** The body of an answer to a request that never reaches a route. */
export function refusalBody(status: number): string {
  const body: ErrorBody = { error_code: status, message: `HTTP ${status} ${STATUS_CODES[status]}` };
  return JSON.stringify(body);
}
