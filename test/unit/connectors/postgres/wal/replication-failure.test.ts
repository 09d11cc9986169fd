import { expect, test } from "vitest";
import { ServerError } from "../../../../../connectors/postgres/server/server-error.js";
import { explainReplicationFailure } from "../../../../../connectors/postgres/wal/replication-failure.js";

const names = { slotName: "s", publicationName: "p" };
/** A text in no known language, so only the codes can decide. */
const serverError = (code: string, severity = "ERROR") =>
  new ServerError(severity, code, "xyzzy", undefined, undefined);

test("SQLSTATE, severity and phase decide the meaning of a replication failure, not its text", () => {
  const cases: [ServerError, "start" | "stream", object][] = [
    [
      serverError("42704"),
      "start",
      { key: "slot.name", message: expect.stringMatching(/slot s .*xyzzy.*when_needed/) },
    ],
    [
      serverError("42704"),
      "stream",
      { key: "publication.name", message: expect.stringMatching(/^Publication p .*xyzzy/) },
    ],
    [serverError("55000", "WARNING"), "stream", { key: "publication.name" }],
    [
      serverError("58P01"),
      "stream",
      { code: "POSTGRES_SLOT_LOST", message: expect.stringMatching(/slot s .*max_slot_wal/) },
    ],
    // A synchronized slot of a standby has this code, too: the catalog decides at the next attempt.
    [serverError("55000"), "start", { message: "xyzzy" }],
  ];
  for (const [error, phase, expected] of cases) {
    const explained = explainReplicationFailure(error, phase, names);
    expect([error.code, phase, explained]).toMatchObject([error.code, phase, { ...expected, cause: error }]);
  }
});

test("every other error is returned unchanged", () => {
  for (const error of [serverError("55006"), serverError("57P01"), serverError("42501"), new Error("read ECONNRESET")])
    expect(explainReplicationFailure(error, "stream", names)).toBe(error);
});
