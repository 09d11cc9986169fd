import type { ConfigAtom, ConfigDef, ConfigKey } from "../../api/index.js";

/**
 * A plugin's keys as they stand in another plugin's configuration, under `prefix`, as ConfigDef.embed makes them. Checks
 * still get the name without it, and name it so in their messages.
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
          ...(check && { check: (_key, value) => check(name, value) }),
          ...(recommend && { recommend: (_name, values) => recommend(name, ownValues(values, prefix)) }),
          ...(visible && { visible: (_name, values) => visible(name, ownValues(values, prefix)) }),
        },
      ];
    }),
  );
}

function ownValues(values: Readonly<Record<string, ConfigAtom>>, prefix: string): Record<string, ConfigAtom> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name.slice(prefix.length), value]));
}
