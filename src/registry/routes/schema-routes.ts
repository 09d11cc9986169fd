import { formatted } from "../operations/formatted.js";
import { spellingsOf } from "../operations/look-up.js";
import { REFUSALS } from "../operations/registry-error.js";
import { SCHEMA_TYPES } from "../schema/schema-text.js";
import { type Answer, answer, number, object, schemaJson, schemaStringJson } from "../server/answer.js";
import { page } from "../server/paging.js";
import type { RegistryCall } from "../server/registry-call.js";
import type { Routes } from "../server/route.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import { contextOf, hasPrefix } from "../state/subject-name.js";

/** The routes under /schemas. */
export const schemaRoutes: Routes = {
  "GET /schemas": (call) => {
    const { view, release, schemaLimits } = call.context;
    const { state } = view;
    const prefix = call.query.get("subjectPrefix") ?? "";
    const [withDeleted, latestOnly] = [call.flag("deleted"), call.flag("latestOnly")];
    const found = [...state.subjects]
      .filter((subject) => hasPrefix(subject, prefix))
      .sort()
      .flatMap((subject) => {
        const versions = withDeleted ? state.versions(subject) : state.liveVersions(subject);
        return latestOnly ? versions.slice(-1) : versions;
      });
    return answer(page(found, call.query, schemaLimits).map((entry) => schemaJson(entry, release)));
  },

  "GET /schemas/types": () => answer([...SCHEMA_TYPES]),

  "GET /schemas/ids/*": (call, id) => {
    const { view, release } = call.context;
    const number = idOf(id!);
    const { entry, isOfSubject } = byId(call, number);
    return answer(
      schemaStringJson(entry, release, {
        text: formatted(view, entry, call.query.get("format")),
        isPlaced: isOfSubject,
        highestId: call.flag("fetchMaxId") ? view.state.highestId(contextOf(entry.subject)) : undefined,
      }),
    );
  },

  "GET /schemas/ids/*/schema": (call, id) => {
    const { entry } = byId(call, idOf(id!));
    return { text: formatted(call.context.view, entry, call.query.get("format")) };
  },

  "GET /schemas/ids/*/subjects": (call, id) => {
    const subjects = new Set(uses(call, idOf(id!)).map(({ subject }) => subject));
    return answer(page([...subjects].sort(), call.query));
  },

  "GET /schemas/ids/*/versions": (call, id) => {
    const last = new Map<string, SchemaEntry>();
    for (const entry of uses(call, idOf(id!))) {
      if ((last.get(entry.subject)?.version ?? 0) < entry.version) last.set(entry.subject, entry);
    }
    const found = [...last.values()].map(({ subject, version }) =>
      object([
        ["subject", subject],
        ["version", number(version)],
      ]),
    );
    return answer(page(found, call.query));
  },

  "GET /schemas/guids/*": (call, guid): Answer => {
    const { view, release } = call.context;
    requireGuids(call);
    const [place] = view.state.idsOf(guid!.toLowerCase());
    const entry = place && view.state.withId(place.context, place.id)[0];
    if (!entry) throw REFUSALS.schemaNotFound(guid);
    const text = formatted(view, entry, call.query.get("format"));
    return answer(schemaStringJson(entry, release, { text, isPlaced: false }));
  },

  "GET /schemas/guids/*/ids": (call, guid) => {
    requireGuids(call);
    const ids = call.context.view.state.idsOf(guid!.toLowerCase());
    return answer(
      ids.map(({ context, id }) =>
        object([
          ["context", context],
          ["id", number(id)],
        ]),
      ),
    );
  },
};

/** Since 8.0. */
function requireGuids({ context }: RegistryCall): void {
  if (context.release < 8) throw REFUSALS.notFound();
}

function idOf(text: string): number {
  const id = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(id) < 2 ** 31)) throw REFUSALS.notFound();
  return id;
}

/** A version with an id: of the subject that the request names, if that has it; otherwise any in its context. */
function byId(call: RegistryCall, id: number): { readonly entry: SchemaEntry; readonly isOfSubject: boolean } {
  const { state } = call.context.view;
  const asked = call.query.get("subject");
  const subject = call.subject(asked ?? "");
  if (asked) {
    for (const spelling of spellingsOf(state, subject)) {
      const entry = state.withId(contextOf(spelling), id).findLast((each) => each.subject === spelling);
      if (entry) return { entry, isOfSubject: true };
    }
  }
  const [entry] = state.withId(contextOf(subject), id);
  if (!entry) throw REFUSALS.schemaNotFound(id);
  return { entry, isOfSubject: false };
}

/** The versions that have an id. */
function uses(call: RegistryCall, id: number): readonly SchemaEntry[] {
  const subject = call.subject(call.query.get("subject") ?? "");
  const found = call.context.view.state.withId(contextOf(subject), id);
  if (found.length === 0) throw REFUSALS.schemaNotFound();
  return found.filter(({ deleted }) => !deleted || call.flag("deleted"));
}
