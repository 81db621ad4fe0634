package lint

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A row is one row of made-up data, by the names of columns.
type row map[string]any

// columnsOf says what the made-up columns are. Their names are not those of
// any importer.
var columnsOf = map[string]trace.Column{
	"who": {Kind: trace.String, Role: assay.RoleSystem}, "what": {Kind: trace.String, Role: assay.RoleWorkload},
	"threads": {Kind: trace.Int, Role: assay.RoleFactor}, "site": {Kind: trace.String, Role: assay.RoleFactor},
	"inflight": {Kind: trace.Int, Role: assay.RoleLoad}, "again": {Kind: trace.Int, Role: assay.RoleReplicate},
	"n": {Kind: trace.Int, Role: assay.RoleRequests}, "lost": {Kind: trace.Int, Role: assay.RoleFailed},
	"took": {Kind: trace.Float, Unit: "s", Role: assay.RoleDuration}, "x": {Kind: trace.Float, Unit: "1/s", Role: assay.RoleThroughput},
	"r":   {Kind: trace.Float, Unit: "ms", Role: assay.RoleLatency, Meaning: "mean time of a request"},
	"gap": {Kind: trace.Float, Unit: "us", Role: assay.RoleInterval}, "in": {Kind: trace.Float, Unit: "KiB/s", Role: assay.RoleTransfer},
	"busy": {Kind: trace.Float, Unit: "%", Role: assay.RoleCPU},
	"span": {Kind: trace.String, Role: assay.RoleScope}, "how": {Kind: trace.String, Role: assay.RoleMode}, "store": {Kind: trace.String, Role: assay.RoleCache},
	"blk": {Kind: trace.Int, Role: assay.RoleBlock}, "it": {Kind: trace.Int, Role: assay.RoleIteration}, "end": {Kind: trace.String, Role: assay.RoleOutcome},
	"t": {Kind: trace.Float, Unit: "us", Role: assay.RoleSample}, "avg": {Kind: trace.Float, Unit: "s", Role: assay.RoleMean},
	"file": {Kind: trace.String, Role: assay.RoleSource}, "at": {Kind: trace.Int, Role: assay.RoleLine},
}

// made makes a trace of rows: a column for every name that the first has.
func made(name string, rows []row) Trace {
	t := Trace{Name: name}
	for i := range rows {
		rows[i]["file"], rows[i]["at"] = "a file.csv", int64(i+2)
	}
	for _, key := range slices.Sorted(maps.Keys(rows[0])) {
		c := columnsOf[key]
		c.Name = key
		v := &trace.Values{Column: c}
		for _, r := range rows {
			switch c.Kind {
			case trace.Int:
				v.Ints = append(v.Ints, r[key].(int64))
			case trace.Float:
				v.Floats = append(v.Floats, r[key].(float64))
			case trace.String:
				v.Strings = append(v.Strings, r[key].(string))
			}
		}
		t.Columns = append(t.Columns, v)
	}
	return t
}

func round(x float64, decimals int) float64 {
	scale := math.Pow(10, float64(decimals))
	return math.Round(x*scale) / scale
}

// rated gives a row the rate x and what follows from it.
func rated(r row, x, size float64) row {
	n := float64(r["n"].(int64))
	r["x"], r["took"] = round(x, 2), round(n/x, 3)
	r["r"], r["gap"] = round(float64(r["inflight"].(int64))/x*1e3, 3), round(1e6/x, 3)
	r["in"] = round(x*size/1024, 2)
	return r
}

const repetitions = 6

// sweep makes a clean sweep of a closed loop: two systems, three functions,
// two numbers of threads, five loads up to saturation, six repetitions.
func sweep(seed uint64) []row {
	random := rand.New(rand.NewPCG(seed, 1))
	var rows []row
	for i, who := range []string{"ant", "bee"} {
		for j, what := range []string{"small", "middle", "large"} {
			peak, size := 20000/math.Pow(3, float64(j))*(1+0.3*float64(i)), 150*math.Pow(20, float64(j))+40*float64(i)
			for _, threads := range []int64{1, 4} {
				for _, load := range []int64{1, 2, 4, 8, 16} {
					for again := range int64(repetitions) {
						x := peak * float64(threads) * float64(load) / float64(load+8) * math.Exp(0.01*random.NormFloat64())
						rows = append(rows, rated(row{"who": who, "what": what, "threads": threads, "site": "here", "inflight": load,
							"again": again + 1, "n": int64(100000), "lost": int64(0)}, x, size))
					}
				}
			}
		}
	}
	return rows
}

// watched makes a clean record of processor use: of two systems, by threads.
func watched(seed uint64) []row {
	random := rand.New(rand.NewPCG(seed, 2))
	var rows []row
	for _, who := range []string{"ant", "bee"} {
		for _, threads := range []int64{1, 4, 8} {
			for range 200 {
				rows = append(rows, row{"who": who, "threads": threads, "busy": round(100*float64(threads)*(0.7+0.3*random.Float64()), 1)})
			}
		}
	}
	return rows
}

// started makes clean samples of process starts: 30 blocks of two systems and
// two programs.
func started(seed uint64) []row {
	random := rand.New(rand.NewPCG(seed, 3))
	var rows []row
	for blk := range int64(30) {
		for i, who := range []string{"ant", "bee"} {
			for j, what := range []string{"small", "large"} {
				t := 1500 * float64(1+i) * float64(1+j) * math.Exp(0.03*random.NormFloat64()+0.01*random.ExpFloat64())
				rows = append(rows, row{"who": who, "what": what, "blk": blk, "span": "process", "how": "aot", "store": "cold", "end": "ok", "t": round(t, 1)})
			}
		}
	}
	return rows
}

// called makes clean samples of calls: six processes of 40 calls each.
func called(seed uint64) []row {
	random := rand.New(rand.NewPCG(seed, 4))
	var rows []row
	for _, who := range []string{"ant", "bee"} {
		for again := range int64(repetitions) {
			level := 800 * math.Exp(0.01*random.NormFloat64())
			for it := range int64(40) {
				rows = append(rows, row{"who": who, "what": "small", "again": again, "it": it, "span": "call", "t": round(level*math.Exp(0.02*random.NormFloat64()), 1)})
			}
		}
	}
	return rows
}

func subject(traces ...Trace) Subject { return Subject{Name: "made", Traces: traces} }

// clean are subjects without a defect.
func clean(seed uint64) map[string]Subject {
	return map[string]Subject{
		"sweep": subject(made("results", sweep(seed)), made("monitor", watched(seed))),
		"start": subject(made("", started(seed))),
		"calls": subject(made("", called(seed))),
	}
}
