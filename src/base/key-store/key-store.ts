/** A private key and its certificates, all in DER; its own certificate is the first. */
export interface StoredKey {
  /** PKCS #8. */
  readonly key: Buffer;
  readonly chain: readonly Buffer[];
}

/** The content of one of Java's key stores or trust stores. */
export interface KeyStore {
  /** Trusted certificates, in DER. */
  readonly trusted: readonly Buffer[];
  /**
   * Decrypts the keys.
   * @throws KeyStoreError
   */
  keys(password: string): readonly StoredKey[];
}

/** A store that cannot be read. The message has the reason, and nothing of the content. */
export class KeyStoreError extends Error {
  override readonly name = "KeyStoreError";
}
