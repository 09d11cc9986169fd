/** The broker's reply to a token of a SASL mechanism. */
export type SaslStep =
  /** `refusal`: the client has failed already, and learns it from the token; its next one is refused. */
  | { readonly kind: "challenge"; readonly token: Buffer; readonly refusal?: string }
  | {
      readonly kind: "authenticated";
      readonly token: Buffer;
      readonly user: string;
      /** When the client must have authenticated again, in wall-clock ms; undefined: its credentials do not expire. */
      readonly expiresMs?: number;
    }
  /**
   * The client receives `reason`, so it must not reveal a secret, nor whether the user exists. `wasChallenged`: it is that
   * of the challenge before.
   */
  | { readonly kind: "refused"; readonly reason: string; readonly wasChallenged?: boolean };

/** One authentication by one mechanism. */
export interface SaslServer {
  respond(token: Buffer): SaslStep;
}

export const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;
export type SaslMechanism = (typeof MECHANISMS)[number];
