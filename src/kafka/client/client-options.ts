/**
 * Called with the reason when there is no progress ("waiting for a broker: …", "waiting for topic orders"), and with
 * `undefined` once there is. Called on changes only, never per record.
 */
export type OnConnectivity = (waitingFor: string | undefined) => void;

/** Client properties with the names of Java's clients (`bootstrap.servers`, `linger.ms`, `sasl.jaas.config`, …). */
export type ClientProperties = Readonly<Record<string, string>>;
