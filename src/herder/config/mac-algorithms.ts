/** Java's names of MACs, with Node's digests. `keyBytes` is the length of the keys that Java generates by default. */
export const MACS: Readonly<Record<string, { readonly digest: string; readonly keyBytes: number }>> = {
  HmacSHA1: { digest: "sha1", keyBytes: 64 },
  HmacSHA256: { digest: "sha256", keyBytes: 32 },
  HmacSHA384: { digest: "sha384", keyBytes: 48 },
  HmacSHA512: { digest: "sha512", keyBytes: 64 },
};

/** Whether a MAC of that name exists. */
export function isKnownMac(algorithm: string): boolean {
  return Object.hasOwn(MACS, algorithm);
}
