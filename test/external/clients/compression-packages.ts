/** The packages with which Python's clients have all of Kafka's codecs. */
export const COMPRESSION = ["lz4==4.4.5", "python-snappy==0.7.3", "zstandard==0.25.0"];
