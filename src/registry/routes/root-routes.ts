import { REFUSALS } from "../operations/registry-error.js";
import { answer, object } from "../server/answer.js";
import { page } from "../server/paging.js";
import { ForwardedAnswer } from "../server/raw-request.js";
import type { Routes } from "../server/route.js";
import { contextRecord } from "../state/registry-records.js";
import { contextOf, DEFAULT_CONTEXT, parseSubject } from "../state/subject-name.js";
import { DELETE_CONTEXT } from "./write-texts.js";

const EMPTY = answer(new Map());

/** The routes of the registry as a whole. */
export const rootRoutes: Routes = {
  "GET /": () => EMPTY,
  "POST /": () => EMPTY,

  "GET /contexts": (call) => {
    const prefix = call.query.get("contextPrefix") ?? "";
    return answer(
      page(
        call.context.view.state.contexts.filter((context) => context.startsWith(prefix)),
        call.query,
      ),
    );
  },

  "DELETE /contexts/*": async (call, text) => {
    const { view } = call.context;
    const { context } = parseSubject(text!);
    const done = await call.asLeader(DELETE_CONTEXT, () => {
      const isUsed = [...view.state.subjects].some((subject) => contextOf(subject) === context);
      if (isUsed) throw REFUSALS.contextNotEmpty(context);
      const isKnown = context !== DEFAULT_CONTEXT && view.state.hasContext(context);
      return { records: isKnown ? [contextRecord(context, true)] : [] };
    });
    return done instanceof ForwardedAnswer ? done : { status: 204 };
  },

  "GET /v1/metadata/id": async (call) => {
    const clusters = object([
      ["kafka-cluster", await call.context.clusterId()],
      ["schema-registry-cluster", call.context.groupId],
    ]);
    return answer(
      object([
        [
          "scope",
          object([
            ["path", []],
            ["clusters", clusters],
          ]),
        ],
      ]),
    );
  },

  "GET /v1/metadata/version": (call) =>
    answer(
      object([
        ["version", call.context.version],
        ["commitId", call.context.commit],
      ]),
    ),

  "GET /health": (call) => {
    const skipped = call.context.skipped();
    if (skipped === 0) {
      return answer(
        object([
          ["status", "healthy"],
          ["message", "The schema registry answers requests."],
        ]),
      );
    }
    const message = `The schema registry answers requests, but ignores ${skipped} records of its topic that it cannot read; the log names them.`;
    return answer(
      object([
        ["status", "degraded"],
        ["message", message],
      ]),
    );
  },
};
