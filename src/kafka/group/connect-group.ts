/** The messages between members of a `connect` group, for the layers that may import kafka but not protocol. */
export {
  CONNECT_PROTOCOLS,
  CONNECTOR_TASK,
  decodeConnectAssignment,
  decodeConnectMetadata,
  encodeConnectAssignment,
  encodeConnectMetadata,
} from "../../protocol/connect-protocol.js";
