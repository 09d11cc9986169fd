import { expect, test } from "vitest";
import { startTestBroker } from "../../support/broker.js";
import { KAFKA_ODD_ANSWERS, oddAnswers } from "../../support/odd-requests.js";

const ONCE = "what is asked twice is answered once: the answer may be large";
const UNEXPECTED = "an unexpected error there";
/** The odd requests that are answered otherwise than by Apache Kafka, with the reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "Fetch v11: a partition twice": "there it is answered once",
  "Fetch v11: a topic twice": "there it is answered once",
  "Fetch v11: partitionMaxBytes -1": UNEXPECTED,
  "Fetch v11: maxBytes -1": UNEXPECTED,
  "Metadata v12: a null name": UNEXPECTED,
  "OffsetFetch v8: a group twice": ONCE,
  "DescribeGroups v5: a group twice": ONCE,
  "CreatePartitions v3: too many": UNEXPECTED,
  "CreatePartitions v3: the most": UNEXPECTED,
  "DescribeConfigs v4: a topic twice": ONCE,
  "DescribeConfigs v4: client metrics": "not served here",
  "IncrementalAlterConfigs v1: operation 9": UNEXPECTED,
  "DescribeTopicPartitions v0: an empty name": UNEXPECTED,
  "AlterUserScramCredentials v0: deletion twice": "the other of two faults",
  "ConsumerGroupDescribe v1: an unknown group": ONCE,
};

test("odd requests are answered as by Apache Kafka, but for some", async () => {
  const broker = await startTestBroker();
  try {
    const answers = await oddAnswers(broker.port);
    const differing = Object.keys(KAFKA_ODD_ANSWERS).filter((label) => {
      return JSON.stringify(answers[label]) !== JSON.stringify(KAFKA_ODD_ANSWERS[label]);
    });
    expect(differing).toEqual(Object.keys(DIFFERENT));
    expect(Object.keys(answers)).toEqual(Object.keys(KAFKA_ODD_ANSWERS));
  } finally {
    await broker.close();
  }
});
