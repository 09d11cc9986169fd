"""
A PySpark structured streaming job with checkpoints: copies a topic into another, and counts its words into a third, up
to what the topic holds now. The next run goes on at the checkpoints.

Arguments: the bootstrap servers, a folder for checkpoints, a folder of the jars of Spark's connector for Kafka.
"""

import sys
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, count, explode, split

BOOTSTRAP, FOLDER, JARS = sys.argv[1:4]
# PySpark has a Scala library of its own.
jars = [str(path) for path in Path(JARS).glob("*.jar") if not path.name.startswith("scala-library")]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", ",".join(jars))
    .config("spark.sql.shuffle.partitions", 2)
    .config("spark.ui.enabled", False)
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
print("version", pyspark.__version__, flush=True)
lines = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", BOOTSTRAP)
    .option("subscribe", "spark-lines")
    .option("startingOffsets", "earliest")
    .option("maxOffsetsPerTrigger", 50)
    .load()
)


def run(frame, topic, mode):
    """Writes a stream of keys and values to a topic until it has caught up."""
    (
        frame.writeStream.format("kafka")
        .option("kafka.bootstrap.servers", BOOTSTRAP)
        .option("topic", topic)
        .option("checkpointLocation", f"{FOLDER}/{topic}")
        .outputMode(mode)
        .trigger(availableNow=True)
        .start()
        .awaitTermination()
    )
    print("ok", topic, flush=True)


run(lines.select("key", "value"), "spark-copies", "append")
words = lines.select(explode(split(col("value").cast("string"), " ")).alias("key"))
counts = words.groupBy("key").agg(count("*").cast("string").alias("value"))
run(counts, "spark-counts", "update")
spark.stop()
