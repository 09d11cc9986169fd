#!/usr/bin/env node
// Replaces curl where it is missing, so that README's snippets run with only Node. Knows only the options that they
// use.
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fail: { type: "boolean" },
    silent: { type: "boolean", short: "s" },
    request: { type: "string", short: "X", default: "GET" },
    header: { type: "string", short: "H", multiple: true, default: [] },
    data: { type: "string", short: "d" },
    retry: { type: "string", default: "0" },
    "retry-delay": { type: "string", default: "1" },
    "retry-connrefused": { type: "boolean" },
  },
});
const headers = values.header.map((header) => header.split(/:\s*/, 2));
for (let left = Number(values.retry); ; left--) {
  try {
    const response = await fetch(positionals[0], { method: values.request, headers, body: values.data });
    process.stdout.write(await response.text());
    if (values.fail && !response.ok) process.exitCode = 22;
    break;
  } catch (error) {
    if (left <= 0 || error.cause?.code !== "ECONNREFUSED") throw error;
    await delay(Number(values["retry-delay"]) * 1000);
  }
}
