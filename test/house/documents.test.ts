import { describe, expect, test } from "vitest";
import { ERROR_CODES } from "../../src/api/error-code.js";
import { HANDLERS } from "../../src/broker/handlers/handler-table.js";
import { bundledConnectors } from "./connectors.js";
import { brokerDocument, connectorDocument, errorDocument } from "./documents.js";

// `npm run docs` writes what these generate; `npm run check` fails where the files say something else.
describe("the documents agree with the code", async () => {
  const connectors = await bundledConnectors();
  const document = (path: string) => `../../docs/${path}`;

  test("docs/errors.md", async () => {
    await expect(errorDocument(ERROR_CODES, connectors)).toMatchFileSnapshot(document("errors.md"));
  });

  test.each([...connectors])("docs/connectors/%s.md", async (name, plugins) => {
    await expect(connectorDocument(name, plugins)).toMatchFileSnapshot(document(`connectors/${name}.md`));
  });

  test("docs/broker-apis.md", async () => {
    await expect(brokerDocument(HANDLERS)).toMatchFileSnapshot(document("broker-apis.md"));
  });
});
