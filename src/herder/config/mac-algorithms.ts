/** Java's names of MACs, and Node's digests. `keyBytes` is what Java generates for each by default. */
export const MACS: Readonly<Record<string, { readonly digest: string; readonly keyBytes: number }>> = {
  HmacSHA1: { digest: "sha1", keyBytes: 64 },
  HmacSHA256: { digest: "sha256", keyBytes: 32 },
  HmacSHA384: { digest: "sha384", keyBytes: 48 },
  HmacSHA512: { digest: "sha512", keyBytes: 64 },
};

/** Whether there is a MAC of that name. */
export function isKnownMac(algorithm: string): boolean {
  return Object.hasOwn(MACS, algorithm);
}
