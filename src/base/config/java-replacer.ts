/** Java's regular expressions for the bundled broker, whose settings contain some: it does not import the plugins' contract. */
export { javaReplacer } from "../../api/java-pattern/java-replacer.js";
