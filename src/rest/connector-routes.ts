import type { Request, RequestHandler, Response } from "express";
import { errorKind } from "../api/index.js";
import type { ConnectorInfo } from "../contract/connector-info.js";
import { CONFIG_OFFSET_HEADER, PATHS, SIGNATURE_ALGORITHM_HEADER, SIGNATURE_HEADER } from "../contract/rest-api.js";
import type { TargetState } from "../contract/target-state.js";
import type { Herder } from "../herder/herder.js";
import type { RequestSignature } from "../herder/membership/session-keys.js";
import { HttpError } from "./http-error.js";
import { parseOffsetsBody } from "./offsets-body.js";
import {
  answerForwarded,
  awaitHerder,
  completeOrForward,
  flag,
  jsonBody,
  pathText,
  type RequestContext,
  taskNumber,
} from "./request.js";
import { parseConfigBody, parseCreateRequest, parseTaskConfigs } from "./request-body.js";
import type { Route } from "./route.js";

/** The requests about topics that are allowed (`topic.tracking.*`). */
export interface TopicAnswers {
  readonly tracked: boolean;
  readonly resettable: boolean;
}

/** Everything under /connectors. */
export function connectorRoutes(context: RequestContext, topics: TopicAnswers): Route[] {
  return [
    ...collectionRoutes(context),
    ...configRoutes(context),
    ...stateRoutes(context),
    ...taskRoutes(context),
    ...topicRoutes(context, topics),
  ];
}

function collectionRoutes(context: RequestContext): Route[] {
  const { herder } = context;
  return [
    {
      path: PATHS.connectors,
      handlers: {
        async get(request, response) {
          const expand = [request.query["expand"]].flat();
          response.json(
            await awaitHerder(context, () =>
              request.query["expand"] === undefined
                ? herder.connectors()
                : expanded(herder, expand.includes("status"), expand.includes("info")),
            ),
          );
        },
        async post(request, response) {
          const body = await parseCreateRequest(jsonBody(request));
          const name = (body.name ?? body.config?.["name"] ?? "").trim();
          const outcome = await completeOrForward(context, request, () =>
            herder.create(name, body.config ?? {}, initialState(body.initial_state)),
          );
          answerInfo(request, response, outcome, 201);
        },
      },
    },
    {
      path: PATHS.connector,
      handlers: {
        async get(request, response) {
          response.json(await awaitHerder(context, () => herder.connectorInfo(nameIn(request))));
        },
        delete: write(context, 204, (request) => herder.remove(nameIn(request))),
      },
    },
  ];
}

function configRoutes(context: RequestContext): Route[] {
  const { herder } = context;
  return [
    {
      path: PATHS.config,
      handlers: {
        async get(request, response) {
          response.json(await awaitHerder(context, () => herder.connectorInfo(nameIn(request)).config));
        },
        async put(request, response) {
          const config = await parseConfigBody(jsonBody(request));
          const outcome = await completeOrForward(context, request, () => herder.putConfig(nameIn(request), config));
          if ("there" in outcome) return answerInfo(request, response, outcome, 200);
          const { created, info } = outcome.here;
          answerInfo(request, response, { here: info }, created ? 201 : 200);
        },
        async patch(request, response) {
          const patch = await parseConfigBody(jsonBody(request));
          const outcome = await completeOrForward(context, request, () => herder.patchConfig(nameIn(request), patch));
          answerInfo(request, response, outcome, 200);
        },
      },
    },
    {
      path: PATHS.offsets,
      handlers: {
        async get(request, response) {
          const offsets = await awaitHerder(context, () => herder.offsets(nameIn(request)));
          response.json({ offsets });
        },
        async patch(request, response) {
          const offsets = parseOffsetsBody(jsonBody(request));
          answerMessage(
            response,
            await completeOrForward(context, request, () => herder.alterOffsets(nameIn(request), offsets)),
          );
        },
        async delete(request, response) {
          answerMessage(
            response,
            await completeOrForward(context, request, () => herder.resetOffsets(nameIn(request))),
          );
        },
      },
    },
  ];
}

function stateRoutes(context: RequestContext): Route[] {
  const { herder } = context;
  const setState = (state: TargetState, status: number): Route["handlers"] => ({
    put: write(context, status, (request) => herder.setTargetState(nameIn(request), state)),
  });
  return [
    {
      path: PATHS.status,
      handlers: {
        async get(request, response) {
          response.json(await awaitHerder(context, () => herder.connectorStatus(nameIn(request))));
        },
      },
    },
    { path: PATHS.pause, handlers: setState("PAUSED", 202) },
    { path: PATHS.resume, handlers: setState("STARTED", 202) },
    { path: PATHS.stop, handlers: setState("STOPPED", 204) },
    {
      path: PATHS.restart,
      handlers: {
        async post(request, response) {
          const connector = nameIn(request);
          const includeTasks = flag(request, "includeTasks");
          const onlyFailed = flag(request, "onlyFailed");
          const query = { includeTasks: String(includeTasks), onlyFailed: String(onlyFailed) };
          if (!includeTasks && !onlyFailed) {
            const outcome = await completeOrForward(context, request, () => herder.restartConnector(connector), query);
            if ("there" in outcome) answerForwarded(response, outcome.there);
            else response.status(204).end();
            return;
          }
          const outcome = await completeOrForward(
            context,
            request,
            () => herder.requestRestart({ connector, includeTasks, onlyFailed }),
            query,
          );
          if ("there" in outcome) answerForwarded(response, outcome.there);
          else response.status(202).json(outcome.here);
        },
      },
    },
  ];
}

function taskRoutes(context: RequestContext): Route[] {
  const { herder } = context;
  const taskIn = (request: Request) => ({ connector: nameIn(request), task: taskNumber(request) });
  return [
    {
      path: PATHS.tasks,
      handlers: {
        async get(request, response) {
          response.json(await awaitHerder(context, () => herder.tasks(nameIn(request))));
        },
        async post(request, response) {
          const body = jsonBody(request);
          const configs = await parseTaskConfigs(body);
          const signature = signatureOf(request);
          const outcome = await completeOrForward(context, request, () =>
            herder.publishTaskConfigs(nameIn(request), configs, body, signature, configOffsetOf(request)),
          );
          if ("there" in outcome) answerForwarded(response, outcome.there);
          else response.status(204).end();
        },
      },
    },
    {
      path: PATHS.fence,
      handlers: {
        async put(request, response) {
          const signature = signatureOf(request);
          const outcome = await completeOrForward(context, request, () =>
            herder.fence(nameIn(request), jsonBody(request), signature),
          );
          if ("there" in outcome) answerForwarded(response, outcome.there);
          else response.status(204).end();
        },
      },
    },
    {
      path: PATHS.taskStatus,
      handlers: {
        async get(request, response) {
          response.json(await awaitHerder(context, () => herder.taskStatus(taskIn(request))));
        },
      },
    },
    {
      path: PATHS.taskRestart,
      handlers: { post: write(context, 204, (request) => herder.restartTask(taskIn(request))) },
    },
  ];
}

function topicRoutes(context: RequestContext, { tracked, resettable }: TopicAnswers): Route[] {
  const { herder } = context;
  return [
    {
      path: PATHS.topics,
      handlers: {
        async get(request, response) {
          if (!tracked) throw new HttpError(403, "Topic tracking is disabled.");
          const name = nameIn(request);
          response.json({ [name]: { topics: await awaitHerder(context, () => herder.topics(name)) } });
        },
      },
    },
    {
      path: PATHS.topicsReset,
      handlers: {
        async put(request, response) {
          if (!tracked) throw new HttpError(403, "Topic tracking is disabled.");
          if (!resettable) throw new HttpError(403, "Topic tracking reset is disabled.");
          await awaitHerder(context, () => herder.resetTopics(nameIn(request)));
          response.status(202).end();
        },
      },
    },
  ];
}

function answerMessage(response: Response, outcome: Awaited<ReturnType<typeof completeOrForward<string>>>): void {
  if ("there" in outcome) answerForwarded(response, outcome.there);
  else response.json({ message: outcome.here });
}

/** A write that answers with a status only. */
function write(context: RequestContext, status: number, step: (request: Request) => Promise<void>): RequestHandler {
  return async (request, response) => {
    const outcome = await completeOrForward(context, request, () => step(request));
    if ("there" in outcome) answerForwarded(response, outcome.there);
    else response.status(status).end();
  };
}

type InfoOutcome = Awaited<ReturnType<typeof completeOrForward<ConnectorInfo>>>;

/** Answers with a connector, and with its address if it was created. */
function answerInfo(
  request: Request,
  response: Response,
  outcome: InfoOutcome | Exclude<Awaited<ReturnType<typeof completeOrForward<unknown>>>, { here: unknown }>,
  status: number,
): void {
  const answer = "there" in outcome ? outcome.there : { status, body: outcome.here };
  const name = answer.status === 201 ? (answer.body as { readonly name?: string }).name : undefined;
  if (name !== undefined) response.location(`${request.protocol}://${request.get("host")}/connectors/${segment(name)}`);
  answerForwarded(response, answer);
}

/** A name as one segment of a path: like JAX-RS, except that slashes, braces and percent signs are encoded, too. */
function segment(name: string): string {
  return encodeURIComponent(name).replace(/%(?:3D|3B|3A|40|2B|2C|24|26)/g, decodeURIComponent);
}

/** Only the requested parts. Leaves out connectors without a requested status: they are being created or deleted. */
function expanded(herder: Herder, status: boolean, info: boolean): Record<string, object> {
  const byName: [string, object][] = [];
  for (const name of herder.connectors()) {
    try {
      const parts = {
        ...(status && { status: herder.connectorStatus(name) }),
        ...(info && { info: herder.connectorInfo(name) }),
      };
      byName.push([name, parts]);
    } catch (error) {
      if (errorKind(error) !== "not-found") throw error;
    }
  }
  return Object.fromEntries(byName);
}

const INITIAL_STATES: Readonly<Record<string, TargetState>> = {
  RUNNING: "STARTED",
  PAUSED: "PAUSED",
  STOPPED: "STOPPED",
};

function initialState(text: string | null | undefined): TargetState | undefined {
  if (text == null) return undefined;
  const state = INITIAL_STATES[text.toUpperCase()];
  if (state) return state;
  throw new HttpError(400, `Cannot deserialize value of initial_state: expected RUNNING, PAUSED or STOPPED`);
}

/** Undefined from a Java worker, which does not send it. */
function configOffsetOf(request: Request): number | undefined {
  const text = request.get(CONFIG_OFFSET_HEADER);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HttpError(400, `${CONFIG_OFFSET_HEADER} is not an offset: ${text}`);
}

function nameIn(request: Request): string {
  return pathText(request, "connector");
}

/** The signature of a request from another worker (KIP-507). */
function signatureOf(request: Request): RequestSignature | undefined {
  const algorithm = request.get(SIGNATURE_ALGORITHM_HEADER);
  const text = request.get(SIGNATURE_HEADER);
  return algorithm && text ? { algorithm, signature: Buffer.from(text, "base64") } : undefined;
}
