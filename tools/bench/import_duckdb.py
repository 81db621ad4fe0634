# Prints how many seconds DuckDB's CSV reader takes to read all files of the
# sweep of ab in the folder argv[1] into tables of the database argv[2], on disk,
# and how many rows it read, as a JSON object. Summaries are no CSV: it reads
# their lines.
import json
import pathlib
import sys
import time

import duckdb

files = sorted(p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file())
results = [str(p) for p in files if p.suffix == ".csv"]
summaries = [str(p) for p in files if p.suffix == ".txt"]
marks = [str(p) for p in files if p.name.endswith("_timestamp")]
monitors = [str(p) for p in files if str(p) not in {*results, *summaries, *marks}]

begin = time.perf_counter()
db = duckdb.connect(sys.argv[2])
db.execute("SET enable_progress_bar = false")
db.execute("CREATE TABLE results AS SELECT * FROM read_csv(?, filename = true)", [results])
db.execute("""CREATE TABLE summaries AS SELECT * FROM read_csv(?, filename = true, header = false, delim = '\x01', quote = '',
              escape = '', columns = {'line': 'VARCHAR'})""", [summaries])
db.execute("""CREATE TABLE windows AS SELECT * FROM read_csv(?, filename = true, header = false, delim = ' ',
              columns = {'concurrency': 'BIGINT', 'start': 'BIGINT'})""", [marks])
db.execute("""CREATE TABLE monitor AS SELECT * FROM read_csv(?, filename = true, header = false, delim = ' ',
              columns = {'time': 'BIGINT', 'cpu': 'DOUBLE', 'vmem': 'DOUBLE', 'pmem': 'DOUBLE'})""", [monitors])
db.close()  # writes and syncs
seconds = time.perf_counter() - begin

with duckdb.connect(sys.argv[2], read_only=True) as db:
    rows = sum(db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("results", "windows", "monitor"))
json.dump({"seconds": seconds, "rows": rows}, sys.stdout)
