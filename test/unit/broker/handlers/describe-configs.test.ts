import { expect, test } from "vitest";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { describeConfigs } from "../../../../src/broker/handlers/describe-configs.js";
import { describeConfigs as api } from "../../../../src/protocol/apis/describe-configs.js";
import { serve } from "../../../support/serve.js";

test("the URL of the keys of tokens is shown without what may be secret", async () => {
  const name = "sasl.oauthbearer.jwks.endpoint.url";
  const properties = new BrokerProperties({ [name]: "https://ann:secret@idp.example/keys?token=secret" });
  const broker = { nodeId: 1, properties, state: { metadata: { nodeConfigs: {} } } };
  const resources = [{ resourceType: 4, resourceName: "1", configurationKeys: [name] }];
  const { results } = await serve(describeConfigs, api, 4, { resources, includeSynonyms: true }, { broker });
  const value = "https://idp.example/keys";
  expect(results[0]!.configs).toMatchObject([{ name, value, synonyms: [{ name, value }] }]);
});
