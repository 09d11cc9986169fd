const PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] as const;

/** How a listener protects its connections. */
export type SecurityProtocol = (typeof PROTOCOLS)[number];

export function isSecurityProtocol(text: string): text is SecurityProtocol {
  return PROTOCOLS.some((protocol) => protocol === text);
}

/** Whether connections are encrypted. */
export function usesTls(protocol: SecurityProtocol): boolean {
  return protocol.endsWith("SSL");
}

/** Whether clients authenticate with SASL. */
export function usesSasl(protocol: SecurityProtocol): boolean {
  return protocol.startsWith("SASL");
}
