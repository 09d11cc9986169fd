import { apiVersions as api } from "../../protocol/apis/api-versions.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";

const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/**
 * ApiVersions (key 18), v0-v4.
 * Lists the versions of all handlers. The dispatcher answers a version above v4 in v0. No feature is finalized:
 * transactions of version 2 (transaction.version) and groups of KIP-848 (group.version) are not served.
 * v1: throttle time; v3: the client's software is named, flexible.
 */
export const apiVersions = defineHandler(api, {
  versions: [0, 4],
  handle({ clientSoftwareName, clientSoftwareVersion }, { apiVersion, broker }) {
    const named = SOFTWARE_NAME.test(clientSoftwareName) && SOFTWARE_NAME.test(clientSoftwareVersion);
    if (apiVersion >= 3 && !named) return { errorCode: ErrorCodes.INVALID_REQUEST, apiKeys: [] };
    const apiKeys = broker.apis.map(({ key, advertised: [minVersion, maxVersion] }) => {
      return { apiKey: key, minVersion, maxVersion };
    });
    return { errorCode: ErrorCodes.NONE, apiKeys };
  },
  refuse: (_, errorCode) => ({ errorCode, apiKeys: [] }),
});
