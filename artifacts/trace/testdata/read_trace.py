# Reads the trace argv[1] with DuckDB, writes it as CSV to argv[2], and prints
# what else it saw as one JSON object.
import json
import sys

import duckdb

db = duckdb.connect()
trace = db.read_parquet(sys.argv[1])
trace.write_csv(sys.argv[2], header=True, na_rep="")
columns = trace.columns
counts = db.sql("SELECT count(*), " + ", ".join(f'count("{c}")' for c in columns) + " FROM trace").fetchall()[0]
meta = db.execute("SELECT value FROM parquet_kv_metadata(?) WHERE key = 'assay'", [sys.argv[1]]).fetchall()[0]
json.dump({
    "version": duckdb.__version__,
    "types": dict(zip(columns, map(str, trace.types))),
    "rows": counts[0],
    "nulls": {c: counts[0] - n for c, n in zip(columns, counts[1:])},
    "meta": meta[0].decode(),
}, sys.stdout)
