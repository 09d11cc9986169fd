/** A restart request from the leader to every worker (KIP-745). */
export interface RestartRequest {
  readonly connector: string;
  readonly onlyFailed: boolean;
  readonly includeTasks: boolean;
}
