import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Express } from "express";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** The body as it was sent. */
  readonly text: string;
}

/** Calls an app without a socket: builds the request, and returns the written answer. */
export async function call(
  app: Express,
  method: string,
  url: string,
  body?: string | Buffer,
  headers: Readonly<Record<string, string>> = body === undefined ? {} : { "content-type": "application/json" },
): Promise<Answer> {
  const socket = new Socket();
  const request = new IncomingMessage(socket);
  request.method = method;
  request.url = url;
  const text = Buffer.from(body ?? "");
  request.headers = {
    host: "worker:8083",
    ...headers,
    ...(body !== undefined && { "content-length": String(text.length) }),
  };
  if (body !== undefined) request.push(text);
  request.push(null);
  const response = new ServerResponse(request);
  const parts: Buffer[] = [];
  const take = (chunk: unknown) => {
    if (typeof chunk === "string" || chunk instanceof Uint8Array) parts.push(Buffer.from(chunk as string));
  };
  const ended = new Promise<void>((resolve) => {
    response.write = (chunk: unknown) => {
      take(chunk);
      return true;
    };
    response.end = ((chunk?: unknown) => {
      take(chunk);
      response.finished = true;
      resolve();
      return response;
    }) as typeof response.end;
  });
  app(request, response);
  await ended;
  const answer = Buffer.concat(parts).toString();
  return {
    status: response.statusCode,
    headers: response.getHeaders(),
    text: answer,
    body: /^[[{]/.test(answer) ? JSON.parse(answer) : answer,
  };
}
