/** A task host that tasks can share. */
export interface HostLoad {
  readonly host: number;
  readonly tasks: number;
}

/**
 * The shared host for the next task: the one with the fewest tasks, or undefined to open a new one while none is idle
 * and there are fewer than `hosts`.
 */
export function assignHost(loads: readonly HostLoad[], hosts: number): number | undefined {
  let least: HostLoad | undefined;
  for (const load of loads) {
    if (!least || load.tasks < least.tasks || (load.tasks === least.tasks && load.host < least.host)) least = load;
  }
  if (!least || (least.tasks > 0 && loads.length < hosts)) return undefined;
  return least.host;
}
