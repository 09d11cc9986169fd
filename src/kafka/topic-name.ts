/** For the layers that may import kafka but not protocol. */
export { topicNameFault } from "../protocol/topic-name.js";
