import { ConfigError } from "../api/errors.js";
import type { ClientProperties } from "./client/client-options.js";
import {
  connectionConfig,
  consumerConfig,
  groupConfig,
  producerConfig,
  transactionTimeoutMs,
} from "./client-properties.js";
import { securityConfig } from "./security-config.js";

const CHECKS: readonly ((properties: ClientProperties) => unknown)[] = [
  connectionConfig,
  securityConfig,
  producerConfig,
  transactionTimeoutMs,
  consumerConfig,
  groupConfig,
];

/**
 * All faults of these properties by key, where `createKafkaClient` throws only the first. For a validation before any
 * client is created. Reads the files that `ssl.*` names.
 */
export function propertyFaults(properties: ClientProperties): ReadonlyMap<string, ConfigError> {
  const faults = new Map<string, ConfigError>();
  for (const check of CHECKS) {
    const left = { ...properties };
    for (let fault = firstFault(check, left); fault; fault = firstFault(check, left)) {
      if (!faults.has(fault.key)) faults.set(fault.key, fault);
      // Removing the key reveals the next fault. A missing key cannot be removed.
      if (!(fault.key in left)) break;
      delete left[fault.key];
    }
  }
  return faults;
}

function firstFault(check: (typeof CHECKS)[number], properties: ClientProperties): ConfigError | undefined {
  try {
    check(properties);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
