export { topicNameFault } from "../protocol/topic-name.js";
