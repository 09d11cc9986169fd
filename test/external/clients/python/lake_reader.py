"""Reads the Parquet and Avro files of a folder as other programs do, and prints their rows as JSON.

    lake_reader.py FOLDER
"""

import datetime
import decimal
import json
import os
import sys

import duckdb
import fastavro
import pyarrow.parquet


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat() if value.tzinfo else value.isoformat() + "+00:00"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def by_pyarrow(path):
    return pyarrow.parquet.read_table(path).to_pylist()


def by_duckdb(path):
    result = duckdb.execute("SELECT id, note, nested, list FROM read_parquet(?) ORDER BY id", [path])
    names = [column[0] for column in result.description]
    return [dict(zip(names, row)) for row in result.fetchall()]


def by_fastavro(path):
    with open(path, "rb") as file:
        return list(fastavro.reader(file))


def attempt(read, path):
    try:
        return plain(read(path))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


READERS = {".parquet": {"pyarrow": by_pyarrow, "duckdb": by_duckdb}, ".avro": {"fastavro": by_fastavro}}

folder = sys.argv[1]
rows = {}
for name in sorted(os.listdir(folder)):
    for reader, read in READERS[os.path.splitext(name)[1]].items():
        rows.setdefault(name, {})[reader] = attempt(read, os.path.join(folder, name))
print(json.dumps(rows))
