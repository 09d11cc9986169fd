/** A restart that the leader asks every worker for (KIP-745). */
export interface RestartRequest {
  readonly connector: string;
  readonly onlyFailed: boolean;
  readonly includeTasks: boolean;
}
