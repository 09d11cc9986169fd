import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyIn, trustIn } from "../../../../src/base/key-store/java-stores.js";
import { KeyStoreError } from "../../../../src/base/key-store/key-store.js";
import { fixedSeedOf } from "../../../support/seed.js";

/** Written by keytool of Java 17, worker-chain.p12 by OpenSSL, with the password `changeit`; the key of worker.jks with `other-one`. */
const stored = (name: string) => readFileSync(join(import.meta.dirname, "../../../support/tls", name));
const CA = new X509Certificate(stored("ca.pem"));

describe("a trust store", () => {
  test.each(["trust.jks", "trust.p12", "trust-3des.p12"])("%s holds what keytool put there", (name) => {
    const certificate = new X509Certificate(trustIn(stored(name), "changeit"));
    expect(certificate.fingerprint256).toBe(CA.fingerprint256);
    expect(() => trustIn(stored(name), "hunter2")).toThrow(/^the password is wrong/);
  });

  test("in JKS is read without a password, as in Java; in PKCS12 not", () => {
    expect(new X509Certificate(trustIn(stored("trust.jks"), undefined)).fingerprint256).toBe(CA.fingerprint256);
    expect(() => trustIn(stored("trust.p12"), undefined)).toThrow(/^the password is wrong/);
  });

  test("that is encrypted as in Java 8 is refused with the reason", () => {
    expect(() => trustIn(stored("trust-rc2.p12"), "changeit")).toThrow(/not supported, such as RC2/);
  });

  test("with a key alone: JKS trusts its certificate, as Java does; in PKCS12 there is no trusted entry", () => {
    expect(new X509Certificate(trustIn(stored("worker.jks"), "changeit")).subject).toBe("CN=worker");
    expect(() => trustIn(stored("worker.p12"), "changeit")).toThrow("it holds no trusted certificate");
  });

  test("of another format is refused", () => {
    for (const bytes of [stored("ca.pem"), Buffer.alloc(0), Buffer.from("cecece", "hex")])
      expect(() => trustIn(bytes, "changeit")).toThrow(/neither JKS nor PKCS12/);
  });

  test("that is damaged anywhere is refused with a reason, or read as it was", () => {
    const original = trustIn(stored("trust.p12"), "changeit");
    const damage = fc.tuple(fc.constantFrom("trust.jks", "trust.p12", "trust-3des.p12"), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(damage, fc.boolean(), ([name, at, byte], isCut) => {
        const bytes = Buffer.from(stored(name));
        if (isCut) return refusedOr(original, () => trustIn(bytes.subarray(0, at % bytes.length), "changeit"));
        bytes[at % bytes.length] = byte;
        return refusedOr(original, () => trustIn(bytes, "changeit"));
      }),
      { seed: fixedSeedOf("damaged stores"), numRuns: 60 },
    );
  });
});

test("a store without the parameters of its cipher is refused as damaged", () => {
  const der = (tag: number, ...parts: Buffer[]) => {
    const content = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([tag, content.length]), content]);
  };
  const oid = (hex: string) => der(0x06, Buffer.from(`2a864886f70d01${hex}`, "hex"));
  const [data, encryptedData, sha1With3Des] = [oid("0701"), oid("0706"), oid("0c0103")];
  const cipher = der(0x30, sha1With3Des, der(0x30));
  const content = der(0x30, data, cipher, der(0x80, Buffer.alloc(8)));
  const part = der(0x30, encryptedData, der(0xa0, der(0x30, der(0x02, Buffer.alloc(1)), content)));
  const octets = der(0xa0, der(0x04, der(0x30, part)));
  const store = der(0x30, der(0x02, Buffer.from([3])), der(0x30, data, octets));
  expect(() => trustIn(store, "changeit")).toThrow(KeyStoreError);
  expect(() => keyIn(store, "changeit", undefined)).toThrow(KeyStoreError);
});

function refusedOr(expected: string, read: () => string): void {
  try {
    expect(read()).toBe(expected);
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error;
  }
}

describe("a key store", () => {
  test("in JKS gives key and certificate, by the key's own password", () => {
    const options = keyIn(stored("worker.jks"), "changeit", "other-one");
    expect(() => createSecureContext(options)).not.toThrow();
    expect(new X509Certificate(String(options.cert)).subject).toBe("CN=worker");
    expect(() => keyIn(stored("worker.jks"), "changeit", undefined)).toThrow("the key's password is wrong");
    expect(() => keyIn(stored("worker.jks"), "hunter2", "other-one")).toThrow(/^the password is wrong/);
  });

  test.each([
    ["worker.p12", ["CN=worker"]],
    ["worker-chain.p12", ["CN=worker", "CN=Test CA"]],
  ])("in PKCS12, %s, gives key and certificates, and no trust in those above its own", (name, subjects) => {
    const options = keyIn(stored(name), "changeit", undefined);
    expect(Object.keys(options)).toEqual(["key", "cert"]);
    expect(() => createSecureContext(options)).not.toThrow();
    const certificates = String(options.cert).split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(certificates.map((each) => new X509Certificate(each).subject)).toEqual(subjects);
    expect(() => keyIn(stored(name), "hunter2", undefined)).toThrow(/^the password is wrong/);
  });

  test("in PKCS12 that is damaged anywhere is refused with a reason, or read", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(stored("worker-chain.p12"));
        bytes[at % bytes.length] = byte;
        try {
          keyIn(bytes, "changeit", undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(KeyStoreError);
        }
      }),
      { seed: fixedSeedOf("damaged key stores"), numRuns: 60 },
    );
  });

  test("without a key is refused", () => {
    expect(() => keyIn(stored("trust.jks"), "changeit", undefined)).toThrow("it holds no key");
  });
});
