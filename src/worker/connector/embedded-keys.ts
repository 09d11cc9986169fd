import type { ConfigAtom, ConfigDef, ConfigKey } from "../../api/index.js";
import { withFullKey } from "../task/full-key.js";

/**
 * A plugin's keys as they stand in another plugin's configuration, under `prefix`, as ConfigDef.embed makes them. Checks
 * still get the name without it; their messages get the full one.
 */
export function embeddedKeys(def: ConfigDef, prefix: string): ConfigDef {
  return Object.fromEntries(
    Object.entries(def).map(([name, key]): [string, ConfigKey] => {
      const { check, recommend, visible, dependents } = key;
      return [
        prefix + name,
        {
          ...key,
          displayName: key.displayName ?? name,
          ...(dependents && { dependents: dependents.map((dependent) => prefix + dependent) }),
          ...(check && { check: (_key, value) => fullMessage(check(name, value), name, prefix) }),
          ...(recommend && { recommend: (_name, values) => recommend(name, ownValues(values, prefix)) }),
          ...(visible && { visible: (_name, values) => visible(name, ownValues(values, prefix)) }),
        },
      ];
    }),
  );
}

function fullMessage(complaint: string | undefined, name: string, prefix: string): string | undefined {
  return complaint === undefined ? undefined : withFullKey(complaint, name, prefix);
}

function ownValues(values: Readonly<Record<string, ConfigAtom>>, prefix: string): Record<string, ConfigAtom> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name.slice(prefix.length), value]));
}
