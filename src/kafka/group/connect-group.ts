/** What the members of a `connect` group tell each other, for the floors that may import kafka but not protocol. */
export {
  CONNECT_PROTOCOLS,
  CONNECTOR_TASK,
  decodeConnectAssignment,
  decodeConnectMetadata,
  encodeConnectAssignment,
  encodeConnectMetadata,
} from "../../protocol/connect-protocol.js";
