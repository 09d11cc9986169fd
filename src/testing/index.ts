export { type ConformanceCheck, conformance } from "./conformance.js";
export type { SinkFixture, SourceFixture } from "./fixture.js";
