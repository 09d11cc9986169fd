/** One plugin as `GET /connector-plugins` lists it. */
export interface PluginInfo {
  readonly class: string;
  readonly type: "source" | "sink" | "transformation" | "predicate" | "converter" | "header_converter";
  readonly version: string;
}
