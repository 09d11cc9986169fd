import { afterAll, beforeAll, describe } from "vitest";
import { startTestObjectStore, type TestObjectStore } from "../../support/object-store.js";
import { s3SinkSuite } from "../../support/s3-sink-suite.js";

describe("the S3 sink on the bundled object store", () => {
  let storage: TestObjectStore;
  beforeAll(async () => {
    storage = await startTestObjectStore();
  });
  afterAll(() => storage?.stop());

  s3SinkSuite(() => ({ endpoint: storage.store.endpoint, client: storage.client }));
});
