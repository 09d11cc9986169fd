import { defineApi } from "../api.js";
import { bool, i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * ApiVersions (key 18), v0-v4.
 * Lists the APIs and versions that a broker supports. v1: throttle time; v3: flexible, software name, features. The
 * response always has the oldest header. The broker answers a version it does not support in version 0.
 */
export const apiVersions = defineApi({
  key: 18,
  name: "ApiVersions",
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    clientSoftwareName: str.from(3),
    clientSoftwareVersion: str.from(3),
    clusterId: str.nullable().from(5).or(null),
    nodeId: i32.from(5).or(-1),
  },
  response: {
    errorCode: i16,
    apiKeys: structs({ apiKey: i16, minVersion: i16, maxVersion: i16 }),
    throttleTimeMs: i32.from(1),
    supportedFeatures: structs({ name: str, minVersion: i16, maxVersion: i16 }).from(3).tagged(0),
    finalizedFeaturesEpoch: i64.from(3).tagged(1).or(-1),
    finalizedFeatures: structs({ name: str, maxVersionLevel: i16, minVersionLevel: i16 }).from(3).tagged(2),
    zkMigrationReady: bool.from(3).tagged(3),
  },
});
