import type { Password } from "../../../src/api/index.js";
import { endpointUrl } from "../config/config-validation.js";
import type { S3SinkValues } from "../config/s3-sink-config.js";
import { type CredentialsKind, credentialsKind } from "../config/setting-checks.js";
import type { StorePlace } from "./object-store-client.js";
import type { ProxySettings } from "./proxy-agent.js";

type Encryption =
  | { readonly kind: "managed"; readonly algorithm: string; readonly kmsKeyId: string | undefined }
  | { readonly kind: "customer-key"; readonly key: Password };

/** Where credentials come from. */
type CredentialSettings =
  | { readonly kind: "static"; readonly accessKeyId: string; readonly secretAccessKey: string }
  | { readonly kind: CredentialsKind };

/** The settings of the object store's client. */
export interface StoreSettings {
  readonly bucket: string;
  readonly region: string;
  /** Endpoint with its scheme; undefined for AWS. */
  readonly url: string | undefined;
  readonly credentials: CredentialSettings;
  /** Undefined: none. */
  readonly proxy: ProxySettings | undefined;
  readonly pathStyle: boolean;
  readonly accelerate: boolean;
  readonly expectContinue: boolean;
  readonly acl: string | undefined;
  readonly encryption: Encryption | undefined;
}

/** @param values without complaints of `judgeSettings`. */
export function storeSettings(values: S3SinkValues): StoreSettings {
  const url = values["store.url"]?.trim() || undefined;
  const accessKeyId = values["aws.access.key.id"];
  const secret = values["aws.secret.access.key"];
  return {
    bucket: values["s3.bucket.name"],
    region: values["s3.region"],
    url: url === undefined ? undefined : endpointUrl(url),
    credentials:
      accessKeyId.trim() !== "" && secret !== null
        ? { kind: "static", accessKeyId, secretAccessKey: secret.value }
        : { kind: credentialsKind(values["s3.credentials.provider.class"]) ?? "chain" },
    proxy: proxyOf(values),
    pathStyle: values["s3.path.style.access.enabled"],
    accelerate: values["s3.wan.mode"],
    expectContinue: values["s3.http.send.expect.continue"],
    acl: values["s3.acl.canned"] ?? undefined,
    encryption: encryptionOf(values),
  };
}

/** Where objects go, as messages, logs and the status show it: never with credentials, though the URL may hold none. */
export function storePlace({ bucket, region, url }: StoreSettings): StorePlace {
  return { bucket, endpoint: url?.replace(/\/\/.*@/s, "//") ?? `AWS region ${region}` };
}

function proxyOf(values: S3SinkValues): ProxySettings | undefined {
  const url = values["s3.proxy.url"].trim();
  if (url === "") return undefined;
  const user = values["s3.proxy.user"]?.trim() || undefined;
  return { url: endpointUrl(url) ?? url, user, password: values["s3.proxy.password"] ?? undefined };
}

function encryptionOf(values: S3SinkValues): Encryption | undefined {
  const algorithm = values["s3.ssea.name"];
  const key = values["s3.sse.customer.key"];
  const kmsKeyId = values["s3.sse.kms.key.id"].trim() || undefined;
  if (algorithm === "") return undefined;
  if (algorithm === "AES256" && key !== null && key.value.trim() !== "") return { kind: "customer-key", key };
  // As the original: without a key id the bucket's own default applies.
  if (algorithm.startsWith("aws:kms") && kmsKeyId === undefined) return undefined;
  return { kind: "managed", algorithm, kmsKeyId: algorithm.startsWith("aws:kms") ? kmsKeyId : undefined };
}
