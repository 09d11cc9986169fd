"""
A Faust application: counts the words of a topic in a table, and by windows of 10 s in another. Every count goes to a
topic. Its tables are in memory: after a restart they come from their changelogs. Ends with SIGTERM.

Arguments: the bootstrap servers, and a folder for its files.
"""

import sys
from importlib.metadata import version

import faust

BOOTSTRAP, FOLDER = sys.argv[1:3]
print("version", version("faust-streaming"), flush=True)
app = faust.App(
    "faust",
    broker=f"kafka://{BOOTSTRAP}",
    datadir=FOLDER,
    store="memory://",
    topic_partitions=2,
    web_enabled=False,
    # What is read is committed, and written to the changelogs, before it stops.
    stream_wait_empty=True,
)
words = app.topic("faust-words", key_type=str, value_type=str, key_serializer="raw", value_serializer="raw")
counts = app.topic("faust-counts", key_type=str, value_type=str, key_serializer="raw", value_serializer="raw")
windows = app.topic("faust-windows", key_type=str, value_type=str, key_serializer="raw", value_serializer="raw")
counted = app.Table("counted", default=int, partitions=2)
windowed = app.Table("windowed", default=int, partitions=2).tumbling(10.0, expires=86_400.0)


@app.agent(words)
async def count(stream):
    async for event in stream.events():
        word = event.value
        counted[word] += 1
        await counts.send(key=word, value=str(counted[word]))
        windowed[word] += 1
        window = int(event.message.timestamp // 10 * 10)
        await windows.send(key=f"{word}@{window}", value=str(windowed[word].current(event)))


faust.Worker(app, loglevel="WARN").execute_from_commandline()
