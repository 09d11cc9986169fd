import { apiVersions as api } from "../../protocol/apis/api-versions.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";

/**
 * The levels of Kafka's features: 2 of transaction.version makes Java's clients use KIP-890, 1 of group.version the
 * consumer protocol if they are told to (KIP-848).
 */
const FEATURES = { "group.version": 1, "transaction.version": 2 };
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/**
 * ApiVersions (key 18), v0-v4.
 * Lists the versions of all handlers. The dispatcher answers a version above v4 in v0.
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
    const levels = Object.entries(FEATURES);
    return {
      errorCode: ErrorCodes.NONE,
      apiKeys,
      // Older versions of Java's clients cannot read a feature whose oldest level is 0.
      supportedFeatures:
        apiVersion >= 4 ? levels.map(([name, maxVersion]) => ({ name, minVersion: 0, maxVersion })) : [],
      finalizedFeatures: levels.map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
      // Rises with each start of the broker, as the features of one start are fixed.
      finalizedFeaturesEpoch: broker.state.metadata.epoch,
    };
  },
  refuse: (_, errorCode) => ({ errorCode, apiKeys: [] }),
});
