/** One task of one connector, `task` counting from 0. */
export interface TaskId {
  readonly connector: string;
  readonly task: number;
}
