import { describe, expect, test } from "vitest";
import { ForeignAnswerError } from "../../../../../connectors/s3/store/foreign-answer.js";
import { ExpectedFailure, StoreCalls } from "../../../../../connectors/s3/store/store-calls.js";
import { judgeStoreFailure, storeError } from "../../../../../connectors/s3/store/store-failure.js";
import { SimClock } from "../../../../../src/base/clock.js";
import { silentLogger } from "../../../../../src/base/logger.js";
import { SeededRandom } from "../../../../../src/base/random.js";
import { answer } from "../memory-store.js";

const PLACE = { bucket: "lake", endpoint: "http://store:9000" };

function callsOf(attempts = 3) {
  const clock = new SimClock();
  const stopping = new AbortController();
  const waits: (string | null)[] = [];
  const calls = new StoreCalls(
    PLACE,
    { attempts, backoffMs: 200, concurrency: 2 },
    {
      clock,
      random: new SeededRandom(1),
      logger: silentLogger,
      stopping: stopping.signal,
      waitingFor: (reason) => waits.push(reason),
    },
  );
  return { clock, stopping, waits, calls };
}

const call = <T>(run: (signal: AbortSignal) => Promise<T>) => ({ doing: "writing object k", timeoutMs: 1000, run });
const busy = answer(503, "SlowDown", "Please reduce your request rate");

describe("a request", () => {
  test("is repeated after 503, and the status shows it until it succeeds", async () => {
    const { calls, clock, waits } = callsOf(5);
    let failures = 3;
    const result = calls.run(
      call(async () => {
        if (failures-- > 0) throw busy;
        return "done";
      }),
    );
    await clock.advance(60_000);
    expect(await result).toBe("done");
    const reason = "S3 bucket lake at http://store:9000: 503 SlowDown: Please reduce your request rate";
    expect(waits).toEqual([reason, reason, null]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("that was refused is aborted, even while its body is being sent; one that succeeded is not", async () => {
    const { calls, clock } = callsOf();
    const signals: AbortSignal[] = [];
    const result = calls.run(
      call(async (signal) => {
        signals.push(signal);
        if (signals.length === 1) throw busy;
      }),
    );
    await clock.advance(60_000);
    await result;
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  test("fails as retriable when the attempts are used up", async () => {
    const { calls, clock } = callsOf();
    let attempts = 0;
    const result = calls.run(
      call(async () => {
        attempts++;
        throw busy;
      }),
    );
    const settled = expect(result).rejects.toMatchObject({ name: "RetriableError", code: "S3_UNAVAILABLE" });
    await clock.advance(60_000);
    await settled;
    expect(attempts).toBe(3);
  });

  test("ends with a back-off when the task stops", async () => {
    const { calls, clock, stopping } = callsOf();
    const result = calls.run(call(() => Promise.reject(busy)));
    const settled = expect(result).rejects.toMatchObject({ name: "RetriableError" });
    await clock.advance(0);
    stopping.abort();
    await settled;
    expect(clock.pendingTimers).toBe(0);
  });

  test("that hangs is cut off and repeated", async () => {
    const { calls, clock } = callsOf();
    let attempts = 0;
    const result = calls.run(
      call((signal) =>
        ++attempts === 1
          ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))))
          : Promise.resolve("done"),
      ),
    );
    await clock.advance(60_000);
    expect(await result).toBe("done");
  });

  test("that fails in an expected way returns the failure", async () => {
    const { calls } = callsOf();
    const result = await calls.run(
      call(() => Promise.reject(answer(412, "PreconditionFailed"))),
      ["exists"],
    );
    expect(result).toBeInstanceOf(ExpectedFailure);
  });

  test("waits its turn: the number of concurrent requests is bounded", async () => {
    const { calls, clock } = callsOf();
    let running = 0;
    let most = 0;
    const run = async () => {
      most = Math.max(most, ++running);
      await clock.turn();
      running--;
    };
    await Promise.all(Array.from({ length: 9 }, () => calls.run(call(run))));
    expect(most).toBe(2);
  });

  test("that waits its turn behind others that hang ends when it is abandoned", async () => {
    const { calls, clock } = callsOf();
    const hang = () => new Promise<never>(() => undefined);
    void calls.run(call(hang));
    void calls.run(call(hang));
    const abandoned = new AbortController();
    const waiting = calls.run({ ...call(hang), abandoned: abandoned.signal });
    await clock.settled();
    abandoned.abort();
    await expect(waiting).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
  });
});

describe("a failure is judged by its code", () => {
  const network = (code: string) => Object.assign(new Error("connect failed"), { code });
  test.each([
    [busy, "transient"],
    [answer(429, "TooManyRequests"), "transient"],
    [answer(500, "InternalError"), "transient"],
    [answer(200, "InternalError"), "transient"],
    [answer(400, "RequestTimeout"), "transient"],
    [new ForeignAnswerError(408, "text/html", "408 Request Time-out"), "transient"],
    [new ForeignAnswerError(522, "text/html", "Connection timed out"), "transient"],
    [new ForeignAnswerError(403, "text/html", "Sign in"), "not-s3"],
    [answer(403, "RequestTimeTooSkewed"), "transient"],
    [network("ECONNREFUSED"), "transient"],
    [network("ECONNRESET"), "transient"],
    [network("ENOTFOUND"), "transient"],
    [Object.assign(new Error("aborted"), { name: "TimeoutError" }), "transient"],
    [answer(412, "PreconditionFailed"), "exists"],
    [answer(200, "PreconditionFailed"), "exists"],
    [answer(409, "ConditionalRequestConflict"), "write-conflict"],
    [answer(404, "NoSuchUpload"), "no-such-upload"],
    [answer(404, "NoSuchBucket"), "no-such-bucket"],
    [answer(404, "NotFound"), "no-such-bucket"],
    [answer(403, "AccessDenied"), "access-denied"],
    [answer(403, "SignatureDoesNotMatch"), "bad-credentials"],
    [answer(403, "InvalidAccessKeyId"), "bad-credentials"],
    [answer(301, "PermanentRedirect"), "wrong-region"],
    [answer(501, "NotImplemented"), "not-implemented"],
    [answer(400, "InvalidArgument"), "refused"],
    [Object.assign(new Error("none"), { name: "CredentialsProviderError" }), "no-credentials"],
  ])("%s", (error, kind) => {
    expect(judgeStoreFailure(error).kind).toBe(kind);
  });

  test("and never by the SDK's text for an answer without a body", () => {
    expect(judgeStoreFailure(answer(404, "NotFound", "UnknownError")).cause).toBe("404 NotFound");
  });

  test("and a plain HTTP store behind an https address by its key", () => {
    const judged = judgeStoreFailure(network("EPROTO"));
    expect(judged).toEqual({ kind: "transient", cause: expect.stringContaining("store.url begins with http://") });
  });

  test.each([
    [answer(404, "NoSuchBucket"), "NotFoundError", "Non-existent S3 bucket: lake at http://store:9000"],
    [answer(403, "AccessDenied"), "ConfigError", "Allow s3:PutObject"],
    [answer(403, "SignatureDoesNotMatch"), "ConfigError", "aws.secret.access.key"],
    [answer(400, "InvalidArgument", "bad header"), "UnsupportedError", "400 InvalidArgument: bad header"],
  ])("and %s names the remedy", (error, name, text) => {
    const thrown = storeError(judgeStoreFailure(error), PLACE, "writing object k", error);
    expect(thrown.name).toBe(name);
    expect(thrown.message).toContain(text);
    expect(thrown.cause).toBe(error);
  });
});
