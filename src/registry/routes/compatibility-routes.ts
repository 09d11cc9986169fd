import { compatibilityFaults } from "../operations/check-compatibility.js";
import { versionOf } from "../operations/look-up.js";
import { contentOf } from "../operations/plan-registration.js";
import { REFUSALS, RegistryError } from "../operations/registry-error.js";
import { schemaRequest } from "../operations/schema-request.js";
import { settingsOf } from "../operations/scoped-settings.js";
import { type Answer, answer, object } from "../server/answer.js";
import type { RegistryCall } from "../server/registry-call.js";
import type { Routes } from "../server/route.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import { qualified } from "../state/subject-name.js";

/** The routes under /compatibility. Aliases do not count here. */
export const compatibilityRoutes: Routes = {
  "POST /compatibility/subjects/*/versions": (call, text) => {
    const subject = qualified(text!);
    return check(call, subject, "testCompatibilityForSubject", () => call.context.view.state.liveVersions(subject));
  },

  "POST /compatibility/subjects/*/versions/*": (call, text, version) => {
    const subject = qualified(text!);
    const number = versionOf(version!);
    return check(call, subject, "testCompatibilityBySubjectName", () => {
      const versions = call.context.view.state.liveVersions(subject);
      if (number === -1) return versions.slice(-1);
      const found = versions.find((entry) => entry.version === number);
      if (!found) throw REFUSALS.versionNotFound(number);
      return [found];
    });
  },
};

function check(call: RegistryCall, subject: string, method: string, earlier: () => readonly SchemaEntry[]): Answer {
  const { view } = call.context;
  const isVerbose = call.flag("verbose");
  const request = schemaRequest(call.json(method));
  const versions = earlier();
  let lines: readonly string[];
  try {
    if (request.schema.trim() === "") throw REFUSALS.invalidSchema("Empty schema");
    const { parsed } = contentOf(view, subject, request, call.flag("normalize"));
    const compared = versions.map((entry) => ({ entry, parsed: () => view.schemas.of(entry) }));
    const settings = settingsOf(view.state, subject, view.defaultLevel);
    lines = compatibilityFaults({ parsed, properties: request.metadata?.properties ?? {} }, compared, settings);
  } catch (error) {
    if (!isVerbose || !(error instanceof RegistryError) || error.code !== 42201) throw error;
    lines = [error.message];
  }
  return answer(
    object([
      ["is_compatible", lines.length === 0],
      ["messages", isVerbose ? [...lines] : undefined],
    ]),
  );
}
