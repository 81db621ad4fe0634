# Counts and adds up what stands in published files, without assay: rows and
# sum of each column that the tests ask for, as JSON.
import csv, gzip, json, math, os, re, sys

columns = {}

def add(name, text):
    columns.setdefault(name, []).append(None if text in ("", "failed") else float(text))

def lines(path):
    with open(path, "rb") as f:
        b = f.read()
    if b[:2] == b"\x1f\x8b":
        b = gzip.decompress(b)
    return b.decode("utf-8-sig").splitlines()

def sweep(path):
    if path.endswith(".csv"):
        for row in csv.DictReader(lines(path)):
            row = {name.strip().lower(): value.strip() for name, value in row.items()}
            for name, there in (("requests", "connections"), ("concurrency",) * 2, ("duration", "ttime"), ("rps",) * 2,
                                ("latency", "tpr"), ("interval", "tpr_all"), ("transfer", "trate")):
                add("results." + name, row[there])
    elif path.endswith("summary.txt"):
        for line in lines(path):
            said = re.match(r"\s*Requests per second:\s*(\S+)", line)
            if said:
                add("summaries.rps", said[1])
    elif "timestamp" in os.path.basename(path):
        for line in lines(path):
            if line.strip():
                add("windows.mark", line.split()[0])
    else:
        for line in lines(path):
            if line.strip():
                for name, text in zip(("cpu", "vmem", "pmem"), line.split()[1:]):
                    add("monitor." + name, text)

def wasmbounds(path):
    for row in csv.DictReader(lines(path)):
        cells = [row[name] or "" for name in row if name.startswith("mus_")]
        while cells and not cells[-1]:
            cells.pop()
        for cell in cells:
            add("samples.time", cell)

def table(path):
    if path.endswith(".csv"):
        for row in csv.DictReader(lines(path)):
            add("measurements.mean", row["mean_s"])
            add("measurements.sd", row["sd_s"])

files = 0
for folder, _, names in os.walk(sys.argv[2]):
    for name in names:
        files += 1
        globals()[sys.argv[1]](os.path.join(folder, name))
print(json.dumps({"files": files, "columns": {
    name: {"rows": len(all), "nulls": all.count(None), "sum": math.fsum(x for x in all if x is not None)} for name, all in columns.items()}}))
