import { formatted } from "../operations/formatted.js";
import { findVersion, hasVersions, readVersion, spellingsOf, versionOf } from "../operations/look-up.js";
import { type Deletion, planSubjectDeletion, planVersionDeletion } from "../operations/plan-deletion.js";
import { contentOf, knownRegistration, planRegistration } from "../operations/plan-registration.js";
import { REFUSALS } from "../operations/registry-error.js";
import { schemaRequest } from "../operations/schema-request.js";
import { answer, number, numbers, registeredJson, schemaJson } from "../server/answer.js";
import { page } from "../server/paging.js";
import { ForwardedAnswer } from "../server/raw-request.js";
import type { RegistryCall } from "../server/registry-call.js";
import type { Routes } from "../server/route.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import { contextOf, hasPrefix, isValidSubject } from "../state/subject-name.js";
import { DELETE_SUBJECT, DELETE_VERSION, REGISTER } from "./write-texts.js";

/** The routes under /subjects. */
export const subjectRoutes: Routes = {
  "GET /subjects": (call) => {
    const { state } = call.context.view;
    const prefix = call.query.get("subjectPrefix") ?? ":*:";
    const [withDeleted, onlyDeleted] = [call.flag("deleted"), call.flag("deletedOnly")];
    const found = [...state.subjects].filter((subject) => {
      if (!hasPrefix(subject, prefix)) return false;
      const isLive = hasVersions(state, subject, false);
      return onlyDeleted ? !isLive || state.versions(subject).some(({ deleted }) => deleted) : isLive || withDeleted;
    });
    return answer(page(found.sort(), call.query));
  },

  "POST /subjects/*": (call, text) => {
    const { view, release } = call.context;
    const { state, schemas } = view;
    const subject = call.subject(text!);
    const request = schemaRequest(call.json("lookUpSchemaUnderSubject"));
    const withDeleted = call.flag("deleted");
    const spellings = spellingsOf(state, subject).filter((each) => hasVersions(state, each, withDeleted));
    if (spellings.length === 0) throw REFUSALS.subjectNotFound(subject);
    if (request.schema.trim() === "") throw REFUSALS.schemaNotFound();
    for (const each of spellings) {
      const content = contentOf(view, each, request, call.flag("normalize"));
      const found = findVersion(state, schemas, each, content, withDeleted);
      if (found) return answer(schemaJson(found, release, formatted(view, found, call.query.get("format"))));
    }
    throw REFUSALS.schemaNotFound();
  },

  "DELETE /subjects/*": async (call, text) => {
    const subject = call.subject(text!);
    const done = await call.asLeader(DELETE_SUBJECT, () =>
      planSubjectDeletion(call.context.view, subject, call.flag("permanent")),
    );
    return done instanceof ForwardedAnswer ? done : answer(numbers(done.versions));
  },

  "GET /subjects/*/metadata": (call, text) => {
    const { view, release } = call.context;
    const subject = call.subject(text!);
    const [keys, values] = [call.query.getAll("key"), call.query.getAll("value")];
    const versions = versionsOf(call, subject, call.flag("deleted"));
    const found = versions.findLast(({ metadata }) =>
      keys.every((key, at) => metadata?.properties?.[key] !== undefined && metadata.properties[key] === values[at]),
    );
    if (!found) throw REFUSALS.schemaNotFound();
    return answer(schemaJson(found, release, formatted(view, found, call.query.get("format"))));
  },

  "GET /subjects/*/versions": (call, text) => {
    const subject = call.subject(text!);
    const { state } = call.context.view;
    if (call.flag("deletedAsNegative") && hasVersions(state, subject, false)) {
      const signed = state.versions(subject).map(({ version, deleted }) => (deleted ? -version : version));
      return answer(numbers(page(signed, call.query)));
    }
    const onlyDeleted = call.flag("deletedOnly");
    const versions = versionsOf(call, subject, onlyDeleted || call.flag("deleted"));
    const found = versions.filter(({ deleted }) => deleted || !onlyDeleted).map(({ version }) => version);
    if (found.length === 0) throw REFUSALS.subjectNotFound(subject);
    return answer(numbers(page(found, call.query)));
  },

  "POST /subjects/*/versions": async (call, text) => {
    const { view, release } = call.context;
    const subject = call.subject(text!);
    if (!isValidSubject(subject, false, call.context.rejectsEmptySubject)) throw REFUSALS.invalidSubject(subject);
    const request = schemaRequest(call.json("register"));
    const options = { normalize: call.flag("normalize"), force: call.flag("force") };
    const known = knownRegistration(view, subject, request, options);
    if (known) return answer(registeredJson(known, release));
    const done = await call.asLeader(REGISTER, () => {
      const plan = planRegistration(view, subject, request, options);
      return "known" in plan ? { records: [], ...plan } : plan;
    });
    if (done instanceof ForwardedAnswer) return done;
    if ("known" in done) return answer(registeredJson(done.known, release));
    const written = view.state.version(subject, done.value.version);
    // Another leader may have written in the meantime: then the log's order decides, and the client tries again.
    if (written?.id !== done.value.id || written.schema !== done.value.schema) throw REFUSALS.store(REGISTER.store);
    return answer(registeredJson(written, release));
  },

  "GET /subjects/*/versions/*": (call, text, version) => {
    const { view, release } = call.context;
    const found = readVersion(view.state, call.subject(text!), versionOf(version!), call.flag("deleted"));
    return answer(schemaJson(found, release, formatted(view, found, call.query.get("format"))));
  },

  "GET /subjects/*/versions/*/schema": (call, text, version) => {
    const { view } = call.context;
    const found = readVersion(view.state, call.subject(text!), versionOf(version!), call.flag("deleted"));
    return { text: formatted(view, found, call.query.get("format")) };
  },

  "GET /subjects/*/versions/*/referencedby": (call, text, version) => {
    const { state } = call.context.view;
    const found = readVersion(state, call.subject(text!), versionOf(version!), true);
    const referrers = state
      .referrers(found.subject, found.version)
      .filter(({ deleted }) => !deleted || call.flag("deleted"))
      .map(({ subject, id }) => ({ context: contextOf(subject), id }))
      .sort((a, b) => (a.context === b.context ? a.id - b.id : a.context < b.context ? -1 : 1));
    return answer(numbers(page([...new Set(referrers.map(({ id }) => id))], call.query)));
  },

  "DELETE /subjects/*/versions/*": async (call, text, version) => {
    const subject = call.subject(text!);
    const number_ = versionOf(version!);
    const done: Deletion | ForwardedAnswer = await call.asLeader(DELETE_VERSION, () =>
      planVersionDeletion(call.context.view, subject, number_, call.flag("permanent")),
    );
    return done instanceof ForwardedAnswer ? done : answer(number(done.versions[0]!));
  },
};

function versionsOf(call: RegistryCall, subject: string, withDeleted: boolean): readonly SchemaEntry[] {
  const { state } = call.context.view;
  const versions = withDeleted ? state.versions(subject) : state.liveVersions(subject);
  if (versions.length === 0) throw REFUSALS.subjectNotFound(subject);
  return versions;
}
