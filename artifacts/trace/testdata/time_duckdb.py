# Prints how many seconds DuckDB takes to read two columns of the trace argv[1]
# into memory and to write all its rows as Parquet to argv[2], as a JSON object.
# The first reading in a process, which is slower, is not timed.
import json
import sys
import time

import duckdb

db = duckdb.connect()
db.execute("SET enable_progress_bar = false")


def seconds(query, *parameters):
    begin = time.perf_counter()
    db.execute(query, parameters)
    return time.perf_counter() - begin


project = "CREATE OR REPLACE TEMP TABLE projected AS SELECT runtime, wall_ns FROM read_parquet(?)"
seconds(project, sys.argv[1])
took = {"project": seconds(project, sys.argv[1])}
db.execute("CREATE TEMP TABLE rows AS SELECT * FROM read_parquet(?)", [sys.argv[1]])
took["write"] = seconds(f"COPY rows TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)")
json.dump(took, sys.stdout)
