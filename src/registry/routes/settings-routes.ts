import { planConfig, planConfigRemoval, planMode, planModeRemoval } from "../operations/plan-settings.js";
import { REFUSALS } from "../operations/registry-error.js";
import { textMember } from "../operations/schema-request.js";
import { configInScope } from "../operations/scoped-settings.js";
import { type Answer, answer, configJson, object } from "../server/answer.js";
import { ForwardedAnswer } from "../server/raw-request.js";
import type { RegistryCall } from "../server/registry-call.js";
import type { Routes } from "../server/route.js";
import { modeInScope } from "../state/mode-in-scope.js";
import type { ScopeConfig } from "../state/scope-config.js";
import { isValidSubject, qualified, TOP_LEVEL } from "../state/subject-name.js";
import { DELETE_CONFIG, DELETE_MODE, UPDATE_CONFIG, UPDATE_MODE } from "./write-texts.js";

/** The routes under /config and /mode. */
export const settingsRoutes: Routes = {
  "GET /config": (call) => readConfig(call, TOP_LEVEL),
  "GET /config/*": (call, text) => readConfig(call, qualified(text!)),
  "PUT /config": (call) => updateConfig(call, TOP_LEVEL, "updateTopLevelConfig"),
  "PUT /config/*": (call, text) => updateConfig(call, qualified(text!), "updateSubjectLevelConfig"),
  "DELETE /config": (call) => removeConfig(call, TOP_LEVEL),
  "DELETE /config/*": (call, text) => removeConfig(call, qualified(text!)),
  "GET /mode": (call) => readMode(call, TOP_LEVEL),
  "GET /mode/*": (call, text) => readMode(call, qualified(text!)),
  "PUT /mode": (call) => updateMode(call, TOP_LEVEL),
  "PUT /mode/*": (call, text) => updateMode(call, qualified(text!)),
  "DELETE /mode": (call) => removeMode(call, TOP_LEVEL),
  "DELETE /mode/*": (call, text) => removeMode(call, qualified(text!)),
};

function readConfig(call: RegistryCall, scope: string): Answer {
  const { state } = call.context.view;
  const inherits = call.flag("defaultToGlobal");
  const config = inherits ? configInScope(state, scope) : state.config(scope);
  if (!config && !inherits && scope !== TOP_LEVEL) throw REFUSALS.noSubjectConfig(scope);
  return answer(configJson(withLevel(call, config ?? new Map()), "compatibilityLevel"));
}

/** A configuration without a level shows the server's. */
function withLevel(call: RegistryCall, config: ScopeConfig): ScopeConfig {
  if (config.has("compatibilityLevel")) return config;
  const whole = new Map([...config, ["compatibilityLevel" as const, call.context.view.defaultLevel]]);
  return new Map([...whole].sort(([a], [b]) => orderOf(a) - orderOf(b)));
}

const ORDER = ["alias", "aliasForDeks", "normalize", "validateFields", "validateNewSchemas", "validateRules"];

/** The keys that stand before the level; the others follow it. */
function orderOf(key: string): number {
  return ORDER.includes(key) ? 0 : key === "compatibilityLevel" ? 1 : 2;
}

async function updateConfig(call: RegistryCall, scope: string, method: string): Promise<Answer | ForwardedAnswer> {
  const request = call.object(method);
  requireScope(scope);
  const done = await call.asLeader(UPDATE_CONFIG, () => planConfig(call.context.view, scope, request));
  if (done instanceof ForwardedAnswer) return done;
  if (call.context.release < 8) return answer(object([...request].filter(([, value]) => value !== null)));
  return answer(configJson(done.config, "compatibility"));
}

async function removeConfig(call: RegistryCall, scope: string): Promise<Answer | ForwardedAnswer> {
  const done = await call.asLeader(DELETE_CONFIG, () => planConfigRemoval(call.context.view, scope));
  if (done instanceof ForwardedAnswer) return done;
  return answer(configJson(withLevel(call, done.config), "compatibilityLevel"));
}

function readMode(call: RegistryCall, scope: string): Answer {
  const { state } = call.context.view;
  const isInherited = call.flag("defaultToGlobal") || scope === TOP_LEVEL;
  const mode = isInherited ? modeInScope(state, scope) : state.mode(scope);
  if (mode === undefined) throw REFUSALS.noSubjectMode(scope);
  return answer(object([["mode", mode]]));
}

async function updateMode(call: RegistryCall, scope: string): Promise<Answer | ForwardedAnswer> {
  const text = textMember(call.object("updateMode"), "mode");
  requireScope(scope);
  const options = { force: call.flag("force"), isMutable: call.context.isModeMutable };
  const done = await call.asLeader(UPDATE_MODE, () => planMode(call.context.view, scope, text, options));
  return done instanceof ForwardedAnswer ? done : answer(object([["mode", done.mode]]));
}

async function removeMode(call: RegistryCall, scope: string): Promise<Answer | ForwardedAnswer> {
  const options = { recursive: call.flag("recursive"), isMutable: call.context.isModeMutable };
  const done = await call.asLeader(DELETE_MODE, () => planModeRemoval(call.context.view, scope, options));
  return done instanceof ForwardedAnswer ? done : answer(object([["mode", done.mode]]));
}

function requireScope(scope: string): void {
  if (!isValidSubject(scope, true)) throw REFUSALS.invalidSubject(scope);
}
