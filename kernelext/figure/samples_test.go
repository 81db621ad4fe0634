package figure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/assay-notebooks/assay/kernelext/table"
)

// coldStarts returns samples of runtimes whose times span 0.5 ms to 900 ms, one
// of which is absent and one of which fails at times.
func coldStarts(t testing.TB, n int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	runtimes := []struct {
		name   string
		ms     float64
		absent string
	}{
		{"wazero", 12, ""}, {"wazero/interpreter", 310, ""}, {"native", 0.62, ""}, {"v8", 46, ""},
		{"wasmtime", 0, "wasmtime not found"},
	}
	var workload, runtime, outcome, detail []string
	var wall, rss []int64
	var null []bool
	for _, w := range []struct {
		name  string
		times float64
	}{{"noop", 1}, {"crc32", 2.4}} {
		for i := range n {
			for _, rt := range runtimes {
				if rt.absent != "" && i > 0 {
					continue
				}
				ms := rt.ms * w.times * math.Exp(0.25*r.NormFloat64())
				end, why := "ok", ""
				switch {
				case rt.absent != "":
					end, why = "unsupported", rt.absent
				case rt.name == "wazero/interpreter" && i%11 == 7:
					end, why = "timeout", "killed after 60 s"
				}
				workload, runtime = append(workload, w.name), append(runtime, rt.name)
				outcome, detail = append(outcome, end), append(detail, why)
				wall, rss = append(wall, int64(ms*1e6)), append(rss, int64(ms*3e4)+4<<20)
				null = append(null, end != "ok")
			}
		}
	}
	wallColumn := table.Ints("wall_ns", "ns", "wall time, spawn to exit", wall)
	wallColumn.Null = null
	rssColumn := table.Ints("peak_rss_bytes", "bytes", "peak resident memory", rss)
	rssColumn.Null = null
	return encode(t, table.Strings("workload", "", "", workload), table.Strings("runtime", "", "", runtime),
		table.Strings("outcome", "", "", outcome), table.Strings("detail", "", "", detail), wallColumn, rssColumn)
}

// scaling returns request latencies of three runtimes by concurrency.
func scaling(t testing.TB) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	var runtime []string
	var concurrency []int64
	var wall []float64
	for _, c := range []int64{1, 2, 4, 8, 16, 32, 64} {
		for k, name := range []string{"wazero", "wasmtime", "v8"} {
			for range 20 {
				runtime, concurrency = append(runtime, name), append(concurrency, c)
				wall = append(wall, 1e6*float64(k+1)*math.Pow(float64(c), 0.6+0.1*float64(k))*math.Exp(0.2*r.NormFloat64()))
			}
		}
	}
	return encode(t, table.Strings("runtime", "", "", runtime), table.Ints("concurrency", "", "concurrent requests", concurrency),
		table.Floats("wall_ns", "ns", "latency", wall))
}

func encode(t testing.TB, columns ...table.Column) []byte {
	t.Helper()
	b, err := table.Encode(columns...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
