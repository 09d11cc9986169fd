import { apiVersions as api } from "../../protocol/apis/api-versions.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";

const TRANSACTION_VERSION = "transaction.version";
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/**
 * ApiVersions (key 18), v0-v4.
 * Lists the versions of all handlers. The dispatcher answers a version above v4 in v0. Of Kafka's features only
 * transaction.version is finalized: its level 2 makes Java's clients use KIP-890. Groups of KIP-848 (group.version) are
 * not served.
 * v1: throttle time; v3: the client's software is named, flexible, features; v4: features whose oldest level is 0.
 */
export const apiVersions = defineHandler(api, {
  versions: [0, 4],
  authorize: "anybody",
  handle({ clientSoftwareName, clientSoftwareVersion }, { apiVersion, broker }) {
    const named = SOFTWARE_NAME.test(clientSoftwareName) && SOFTWARE_NAME.test(clientSoftwareVersion);
    if (apiVersion >= 3 && !named) return { errorCode: ErrorCodes.INVALID_REQUEST, apiKeys: [] };
    const apiKeys = broker.apis.map(({ key, advertised: [minVersion, maxVersion] }) => {
      return { apiKey: key, minVersion, maxVersion };
    });
    return {
      errorCode: ErrorCodes.NONE,
      apiKeys,
      // Older versions of Java's clients cannot read a feature whose oldest level is 0.
      supportedFeatures: apiVersion >= 4 ? [{ name: TRANSACTION_VERSION, minVersion: 0, maxVersion: 2 }] : [],
      finalizedFeatures: [{ name: TRANSACTION_VERSION, maxVersionLevel: 2, minVersionLevel: 2 }],
      // Rises with each start of the broker, as the features of one start are fixed.
      finalizedFeaturesEpoch: broker.state.metadata.epoch,
    };
  },
  refuse: (_, errorCode) => ({ errorCode, apiKeys: [] }),
});
