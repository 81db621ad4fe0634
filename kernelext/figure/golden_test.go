package figure

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/assay-notebooks/assay/kernelext/table"
)

var (
	update   = flag.Bool("update", false, "write golden files")
	pictures = flag.String("png", "", "write a PNG and a PDF of each golden figure into this directory")
)

// gallery is one figure of each kind, and those that were once drawn badly.
var gallery = []struct {
	name   string
	width  float64
	tables func(testing.TB) []byte
	draw   func(*Figure, Table) error
}{
	{"ecdf-84", 84, cold30, ecdfNoop},
	{"ecdf-178", 178, cold30, ecdfNoop},
	{"bar-log-84", 84, cold30, barNoop(true)},
	{"bar-84", 84, cold30, barNoop(false)},
	{"bar-modes-84", 84, executed, barModes},
	{"bar-modes-178", 178, executed, func(f *Figure, s Table) error {
		f.LogX()
		return barModes(f, s)
	}},
	{"bar-178", 178, cold30, barNoop(false)},
	{"bar-log-178", 178, cold30, barNoop(true)},
	{"ecdf-facet-178", 178, cold30, func(f *Figure, s Table) error {
		f.Title("Process cold start")
		f.LogX()
		f.Facet(s.Group("workload"))
		return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"bar-facet-84", 84, cold30, func(f *Figure, s Table) error {
		f.Title("Process cold start of two workloads, one of which computes a checksum")
		f.LogX()
		f.Facet(s.Group("workload"))
		return f.Bar(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"box-84", 84, cold30, func(f *Figure, s Table) error {
		f.Title("Peak memory")
		return f.Box(s.Group("runtime"), s.Float("peak_rss_bytes").In("MiB"))
	}},
	{"line-84", 84, scaling, func(f *Figure, s Table) error {
		f.Title("Latency under load")
		f.LogX()
		f.LogY()
		return f.Line(s.Group("runtime"), s.Float("concurrency"), s.Float("wall_ns").In("ms"))
	}},
	{"scatter-84", 84, cold30, func(f *Figure, s Table) error {
		f.Title("Memory and time")
		f.LogX()
		return f.Scatter(s.Group("runtime"), s.Float("wall_ns").In("ms"), s.Float("peak_rss_bytes").In("MiB"))
	}},
	{"heatmap-84", 84, cold30, func(f *Figure, s Table) error {
		f.Title("Process cold start")
		return f.HeatMap(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns").In("ms"))
	}},
	{"heatmap-178", 178, cold30, func(f *Figure, s Table) error {
		f.Title("Process cold start")
		return f.HeatMap(s.Group("workload"), s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"table-84", 84, cold30, tableNoop},
	{"table-178", 178, cold30, tableNoop},
	{"line-facet-178", 178, scaling, func(f *Figure, s Table) error {
		f.Facet(s.Group("runtime"))
		return f.Line(s.Group("runtime"), s.Float("concurrency"), s.Float("wall_ns").In("ms"))
	}},
	{"ecdf-empty-84", 84, cold30, func(f *Figure, s Table) error {
		f.Title("Nothing was measured")
		none := s.Where("runtime", "wasmtime")
		return f.ECDF(none.Group("runtime"), none.Float("wall_ns").In("ms"))
	}},
	{"ecdf-param-84", 84, parameters, func(f *Figure, s Table) error {
		f.Facet(s.Group("param.n"))
		return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"bar-param-84", 84, parameters, func(f *Figure, s Table) error {
		f.Facet(s.Group("runtime"))
		return f.Bar(s.Group("param.n"), s.Float("wall_ns").In("ms"))
	}},
	{"heatmap-param-84", 84, parameters, func(f *Figure, s Table) error {
		return f.HeatMap(s.Group("param.n"), s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"bar-absent-84", 84, absent, func(f *Figure, s Table) error {
		f.Facet(s.Group("workload"))
		return f.Bar(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"bar-absent-178", 178, absent, func(f *Figure, s Table) error {
		f.Facet(s.Group("workload"))
		return f.Bar(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"bar-all-absent-84", 84, absent, func(f *Figure, s Table) error {
		s = s.Where("runtime", "wasmtime", "v8")
		return f.Bar(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"ecdf-absent-84", 84, absent, func(f *Figure, s Table) error {
		return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"box-null-84", 84, absent, func(f *Figure, s Table) error {
		return f.Box(s.Group("runtime"), s.Float("peak_rss_bytes").In("MiB"))
	}},
	{"table-null-84", 84, absent, func(f *Figure, s Table) error {
		return f.TableText(s.Group("runtime"), s.Float("wall_ns").In("ms"), s.Float("peak_rss_bytes").In("MiB"))
	}},
	{"heatmap-absent-84", 84, absent, func(f *Figure, s Table) error {
		return f.HeatMap(s.Group("workload"), s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"heatmap-gaps-84", 84, absent, func(f *Figure, s Table) error {
		some := s.Where("workload", "noop").Or(s.Where("runtime", "native", "v8"))
		return f.HeatMap(some.Group("workload"), some.Group("runtime"), some.Float("wall_ns").In("ms"))
	}},
	{"bar-codes-84", 84, abroad, func(f *Figure, s Table) error {
		f.Title("Cold start 冷启动 🚀")
		return f.Bar(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"table-codes-84", 84, abroad, func(f *Figure, s Table) error {
		return f.TableText(s.Group("runtime"), s.Float("wall_ns").In("ms"))
	}},
	{"bar-few-84", 84, few, func(f *Figure, s Table) error {
		return f.Bar(s.Group("runtime").Order("native", "wazero", "lucet"), s.Float("wall_ns").In("us"))
	}},
	{"line-peaks-84", 84, sweep, func(f *Figure, s Table) error {
		f.Title("Throughput")
		f.Estimate(Mean)
		f.Peaks(2)
		s = s.Where("system", "four times")
		return f.Line(s.Group("function"), s.Float("concurrency"), s.Float("rps"))
	}},
	{"line-once-84", 84, sweep, func(f *Figure, s Table) error {
		f.Title("Throughput")
		f.Estimate(Mean)
		f.Peaks(2)
		f.LogX()
		f.LogY()
		f.Note("Of samples made for this test.")
		s = s.Where("system", "once")
		return f.Line(s.Group("function"), s.Float("concurrency"), s.Float("rps"))
	}},
	{"line-reference-178", 178, sweep, func(f *Figure, s Table) error {
		f.Estimate(Mean)
		f.Peaks(0)
		f.Facet(s.Group("system"))
		f.Reference(25_000, "what the network carries")
		return f.Line(s.Group("function"), s.Float("concurrency"), s.Float("rps"))
	}},
	{"bar-quartiles-84", 84, cold30, func(f *Figure, s Table) error {
		f.Title("Cold start of noop, relative to native")
		f.LogX()
		f.Estimate(Quartiles)
		f.Reference(1, "as fast as native")
		noop := s.Where("workload", "noop")
		native := noop.Where("runtime", "native").Float("wall_ns")
		return f.Bar(noop.Group("runtime"), noop.Float("wall_ns").Over(native, "workload").Named("time over native"))
	}},
	{"bar-geometric-84", 84, cold30, func(f *Figure, s Table) error {
		f.Title("Cold start, geometric mean of workloads")
		f.Estimate(GeometricMean)
		f.Reference(1, "as fast as native")
		native := s.Where("runtime", "native").Float("wall_ns")
		each := s.Float("wall_ns").Over(native, "workload").Medians("workload", "runtime")
		return f.Bar(each.Group("runtime"), each.Float("wall_ns").Named("time over native"))
	}},
	{"intervals-84", 84, judged, func(f *Figure, s Table) error { return intervalsOf(f, s) }},
	{"intervals-free-84", 84, judged, func(f *Figure, s Table) error { return intervalsOf(f, s.Where("claim", "no-bound")) }},
	{"intervals-178", 178, judged, func(f *Figure, s Table) error {
		f.Distinguish(s.Group("verdict").Order("holds", "inconclusive", "fails"))
		return intervalsOf(f, s, s.Float("to"))
	}},
	{"stack-84", 84, phased, stackedPhases},
	{"stack-178", 178, phased, stackedPhases},
	{"stack-facet-178", 178, phased, func(f *Figure, s Table) error {
		f.Facet(s.Group("workload"))
		f.Estimate(Mean)
		return f.Stack(s.Group("runtime"), s.Group("phase"), s.Float("wall_ns").In("ms"))
	}},
	{"suite-84", 84, suites, comparedSuite},
	{"suite-178", 178, suites, comparedSuite},
	{"suite-slim-178", 178, wholeSuite(24), comparedSuite},
	{"suite-bare-178", 178, wholeSuite(30), comparedSuite},
	{"suite-many-84", 84, manyAbsent, func(f *Figure, s Table) error {
		return f.Suite(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns"), "native")
	}},
	{"bars-84", 84, absent, twoBars},
	{"bars-178", 178, absent, func(f *Figure, s Table) error {
		f.Facet(s.Group("workload"))
		return twoBars(f, s)
	}},
}

func barModes(f *Figure, s Table) error {
	f.Modes(s.Group("runtime"))
	return f.Bar(s.Group("runtime"), s.Float("wall_ns").In("ms"))
}

func stackedPhases(f *Figure, s Table) error {
	f.Title("What a start is made of")
	s = s.Where("workload", "crc32")
	return f.Stack(s.Group("runtime"), s.Group("phase").Order("engine-init", "compile", "load-precompiled", "link"), s.Float("wall_ns").In("ms"))
}

func comparedSuite(f *Figure, s Table) error {
	f.Title("Time of a call, over native")
	return f.Suite(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns").Named("time"), "native")
}

func twoBars(f *Figure, s Table) error {
	f.Title("Memory at the end")
	return f.Bars(s.Group("runtime"), s.Float("peak_rss_bytes").In("MiB").Named("peak resident"), s.Float("pss_bytes").In("MiB").Named("proportional"))
}

// phased has phases of runtimes of which one cannot tell two apart, and one is
// not there: its only row is of the process.
func phased(t testing.TB) []byte {
	phases := map[string][]struct {
		phase string
		us    int64
	}{
		"wasmtime":             {{"engine-init", 520}, {"compile", 3600}, {"link", 110}, {"instantiate", 140}, {"first-call", 1900}, {"teardown", 240}},
		"wasmtime/precompiled": {{"engine-init", 280}, {"load-precompiled", 240}, {"link", 110}, {"instantiate", 140}, {"first-call", 1900}, {"teardown", 240}},
		"wamr":                 {{"engine-init+link", 4900}, {"compile", 60}, {"instantiate", 60}, {"first-call", 11_000}, {"teardown", 200}},
		"v8":                   {{"process", 0}},
	}
	var workload, runtime, phase, outcome, detail []string
	var wall []int64
	var none []bool
	for i := range 12 {
		for _, name := range []string{"wasmtime", "wasmtime/precompiled", "wamr", "v8"} {
			for _, p := range phases[name] {
				end, why := "ok", ""
				if name == "v8" {
					end, why = "unsupported", "node not found"
				}
				workload, runtime, phase = append(workload, []string{"crc32", "json"}[i%2]), append(runtime, name), append(phase, p.phase)
				outcome, detail = append(outcome, end), append(detail, why)
				wall, none = append(wall, p.us*int64(1000+i/2*7)), append(none, name == "v8")
			}
		}
	}
	column := table.Ints("wall_ns", "ns", "wall time", wall)
	column.Null = none
	return encode(t, table.Strings("workload", "", "", workload), table.Strings("runtime", "", "", runtime), table.Strings("phase", "", "", phase),
		table.Strings("outcome", "", "", outcome), table.Strings("detail", "", "", detail), column)
}

// suites has runtimes over six workloads, of which one runtime cannot run two
// and another none.
func suites(t testing.TB) []byte {
	factors := map[string]int64{"native": 10, "wasmtime": 12, "wasmer/cranelift": 13, "wasm3": 190, "wazero/interpreter": 890, "wavm": 0}
	var workload, runtime, outcome, detail []string
	var wall []int64
	for i := range 6 {
		for k, w := range []string{"2mm", "fannkuch", "gemm", "json", "nbody", "sha256"} {
			for _, name := range []string{"native", "wasmtime", "wasmer/cranelift", "wasm3", "wazero/interpreter", "wavm"} {
				end, why := "ok", ""
				switch {
				case name == "wavm":
					end, why = "unsupported", "wavm not found"
				case name == "wasm3" && (w == "json" || w == "sha256"):
					end, why = "unsupported", "more than version 1 of WebAssembly"
				}
				workload, runtime = append(workload, w), append(runtime, name)
				outcome, detail = append(outcome, end), append(detail, why)
				wall = append(wall, factors[name]*int64(1000+i*i*3+20*len(name)*k))
			}
		}
	}
	return encode(t, table.Strings("workload", "", "", workload), table.Strings("runtime", "", "", runtime),
		table.Strings("outcome", "", "", outcome), table.Strings("detail", "", "", detail), table.Ints("wall_ns", "ns", "wall time", wall))
}

// executed has runtimes of every mode; of one that is not there none is known.
func executed(t testing.TB) []byte {
	var runtime, outcome, mode, cache []string
	var threads, wall []int64
	var none []bool
	for i := range 6 {
		for k, r := range [][4]string{
			{"wazero", "aot", "off", "1"}, {"native", "aot"}, {"wasm3", "interpreter"}, {"v8", "jit", "off"}, {"wasmtime", "aot", "off", "2"},
			{"wasmer", "aot", "off", "2"}, {"wasmtime/precompiled", "precompiled", "prepared"}, {"crun", "aot"}, {"wavm", "aot", "off"},
		} {
			end := "ok"
			if r[0] == "wavm" {
				end = "unsupported"
			}
			n, err := strconv.ParseInt(r[3], 10, 64)
			runtime, outcome, mode, cache = append(runtime, r[0]), append(outcome, end), append(mode, r[1]), append(cache, r[2])
			threads, none, wall = append(threads, n), append(none, err != nil), append(wall, int64(1e6*(k+2)+1e5*i*i))
		}
	}
	columns := table.Ints("compile_threads", "", "", threads)
	columns.Null = none
	return encode(t, table.Strings("runtime", "", "", runtime), table.Strings("outcome", "", "", outcome),
		table.Strings("mode", "", "", mode), table.Strings("cache", "", "", cache), columns, table.Ints("wall_ns", "ns", "wall time", wall))
}

// wholeSuite has as many workloads; one of them is unsupported by one runtime.
func wholeSuite(workloads int) func(testing.TB) []byte {
	return func(t testing.TB) []byte { return suiteOf(t, workloads) }
}

func suiteOf(t testing.TB, workloads int) []byte {
	var workload, runtime, outcome, detail []string
	var wall []int64
	for i := range 3 {
		for k := range workloads {
			for r, name := range []string{"native", "wazero/interpreter", "wasm3", "wasmtime/precompiled", "wasmtime"} {
				end, why := "ok", ""
				if name == "wasm3" && k == 7 {
					end, why = "unsupported", "more than version 1 of WebAssembly"
				}
				workload, runtime = append(workload, fmt.Sprintf("floyd-warshall-%d", k)), append(runtime, name)
				outcome, detail = append(outcome, end), append(detail, why)
				wall = append(wall, []int64{10, 890, 190, 9, 12}[r]*int64(1000+i*20+(k*k*(r+3))%500))
			}
		}
	}
	return encode(t, table.Strings("workload", "", "", workload), table.Strings("runtime", "", "", runtime),
		table.Strings("outcome", "", "", outcome), table.Strings("detail", "", "", detail), table.Ints("wall_ns", "ns", "wall time", wall))
}

// manyAbsent has so many runtimes that rows are close, and most are not there.
func manyAbsent(t testing.TB) []byte {
	var workload, runtime, outcome, detail []string
	var wall []int64
	for i := range 40 * 12 {
		name, end, why := fmt.Sprintf("runtime %d", i/2%20), "unsupported", `the program is not found: install it, or drop it from the runtimes`
		if i/2%20 < 3 {
			name, end, why = []string{"native", "wazero", "wasmtime"}[i/2%20], "ok", ""
		}
		workload, runtime = append(workload, fmt.Sprintf("workload %d", i/40)), append(runtime, name)
		outcome, detail = append(outcome, end), append(detail, why)
		wall = append(wall, int64(1+i/2%20)*int64(1000+i))
	}
	return encode(t, table.Strings("workload", "", "", workload), table.Strings("runtime", "", "", runtime),
		table.Strings("outcome", "", "", outcome), table.Strings("detail", "", "", detail), table.Ints("wall_ns", "ns", "wall time", wall))
}

// judged has estimates with and without interval, bound and value.
func judged(t testing.TB) []byte {
	value := table.Floats("value", "x", "measured", []float64{120, 0.9, 14, 0})
	value.Null = []bool{false, false, false, true}
	low := table.Floats("low", "x", "lower end", []float64{95, 0.7, 0, 0})
	low.Null = []bool{false, false, true, true}
	high := table.Floats("high", "x", "upper end", []float64{150, 1.2, 0, 0})
	high.Null = low.Null
	bound := table.Floats("bound", "x", "advertised", []float64{100, 1, 0, 10})
	bound.Null = []bool{false, false, true, false}
	to := table.Floats("to", "x", "upper end", []float64{0, 2, 0, 0})
	to.Null = []bool{true, false, true, true}
	return encode(t, table.Strings("claim", "", "", []string{"starts-faster", "runs-as-fast", "no-bound", "nobody-measured-this-one"}),
		table.Strings("outcome", "", "", []string{"ok", "ok", "ok", "unsupported"}),
		table.Strings("detail", "", "", []string{"", "", "", "the samples have no start-up"}),
		table.Strings("verdict", "", "", []string{"holds", "fails", "inconclusive", "unsupported"}), low, value, high, bound, to)
}

func intervalsOf(f *Figure, s Table, to ...Values) error {
	f.Title("Advertised and measured")
	f.LogX()
	return f.Intervals(s.Group("claim"), s.Float("low"), s.Float("value"), s.Float("high"), s.Float("bound"), to...)
}

// sweep has the throughput of three functions by concurrency, of which two are
// nearly alike, for a system measured four times and one measured once.
func sweep(t testing.TB) []byte {
	var system, function []string
	var concurrency []int64
	var rps []float64
	for _, of := range []struct {
		name  string
		times int
	}{{"four times", 4}, {"once", 1}} {
		for k, f := range []struct {
			name string
			most float64
		}{{"noop", 20_000}, {"fibonacci", 19_600}, {"html", 1500}} {
			for _, c := range []int64{1, 2, 4, 8, 16, 32, 64} {
				for i := range of.times {
					system, function = append(system, of.name), append(function, f.name)
					concurrency = append(concurrency, c)
					rps = append(rps, f.most*float64(c)/(float64(c)+1+0.01*float64(c*c))*(1+0.04*float64(i%3-1))+float64(k))
				}
			}
		}
	}
	return encode(t, table.Strings("system", "", "", system), table.Strings("function", "", "", function),
		table.Ints("concurrency", "", "concurrent requests", concurrency), table.Floats("rps", "1/s", "requests per second", rps))
}

// parameters are samples of two runtimes at three values of a parameter n.
func parameters(t testing.TB) []byte {
	var runtime, n []string
	var wall []int64
	for i := range 60 {
		runtime = append(runtime, []string{"native", "wazero"}[i%2])
		n = append(n, []string{"9", "10", "11"}[i/2%3])
		wall = append(wall, int64(1+i%2)*int64(1+i/2%3)*1e6+int64(i)*1e4)
	}
	return encode(t, table.Strings("runtime", "", "", runtime), table.Strings("param.n", "", "parameter", n),
		table.Ints("wall_ns", "ns", "wall time", wall))
}

// absent has runtimes of which one cannot run at all, one cannot run the second
// workload, and one does not always say its peak memory.
func absent(t testing.TB) []byte {
	const install = `wasmtime not found: install it with "assay runtimes install wasmtime", or name the program in ` +
		`ASSAY_WASMTIME; the experiment goes on without it`
	var workload, runtime, outcome, detail []string
	var wall, rss, pss []int64
	var noWall, noRSS []bool
	for i := range 80 {
		w, name, end, why := []string{"noop", "threads"}[i%2], []string{"native", "wazero", "wasmtime", "v8"}[i/2%4], "ok", ""
		switch {
		case name == "wasmtime":
			end, why = "unsupported", install
		case name == "v8":
			end, why = "unsupported", "node not found"
		case name == "wazero" && w == "threads":
			end, why = "unsupported", "no threads"
		}
		workload, runtime = append(workload, w), append(runtime, name)
		outcome, detail = append(outcome, end), append(detail, why)
		wall, rss = append(wall, int64(1+i/2%4)*1e6+int64(i)*1e4), append(rss, int64(4+i/2%4)<<20)
		pss = append(pss, int64(2+i/2%4)<<20+int64(i)<<12)
		noWall = append(noWall, end != "ok")
		noRSS = append(noRSS, end != "ok" || name == "native" && i%3 == 0)
	}
	wallColumn := table.Ints("wall_ns", "ns", "wall time", wall)
	wallColumn.Null = noWall
	rssColumn := table.Ints("peak_rss_bytes", "bytes", "peak memory", rss)
	rssColumn.Null = noRSS
	pssColumn := table.Ints("pss_bytes", "bytes", "proportional memory at the end", pss)
	pssColumn.Null = noWall
	return encode(t, table.Strings("workload", "", "", workload), table.Strings("runtime", "", "", runtime),
		table.Strings("outcome", "", "", outcome), table.Strings("detail", "", "", detail), wallColumn, rssColumn, pssColumn)
}

// abroad has names with characters that the font has and that it lacks.
func abroad(t testing.TB) []byte {
	names := []string{"日本語", "😀 fast", "µ-vm", "東京/エンジン"}
	var runtime []string
	var wall []int64
	for i := range 40 {
		runtime = append(runtime, names[i%len(names)])
		wall = append(wall, int64(1+i%len(names))*1e6+int64(i)*1e4)
	}
	return encode(t, table.Strings("runtime", "", "", runtime), table.Ints("wall_ns", "ns", "wall time", wall))
}

func few(t testing.TB) []byte { return coldStarts(t, 2) }

func tableNoop(f *Figure, s Table) error {
	noop := s.Where("workload", "noop")
	f.Title("Process cold start")
	return f.TableText(noop.Group("runtime"), noop.Float("wall_ns").In("ms"), noop.Float("peak_rss_bytes").In("MiB"))
}

func ecdfNoop(f *Figure, s Table) error {
	noop := s.Where("workload", "noop")
	f.Title("Process cold start")
	f.LogX()
	return f.ECDF(noop.Group("runtime"), noop.Float("wall_ns").In("ms"))
}

func barNoop(log bool) func(*Figure, Table) error {
	return func(f *Figure, s Table) error {
		noop := s.Where("workload", "noop")
		f.Title("Process cold start")
		if log {
			f.LogX()
		}
		return f.Bar(noop.Group("runtime"), noop.Float("wall_ns").In("ms"))
	}
}

func cold30(t testing.TB) []byte { return coldStarts(t, 30) }

func TestGolden(t *testing.T) {
	for _, g := range gallery {
		t.Run(g.name, func(t *testing.T) {
			one := func(f *Figure, ts ...Table) error { return g.draw(f, ts[0]) }
			out, err := Render(Request{Formats: []string{"svg", "png", "pdf", "txt"}, Width: g.width}, 1, [][]byte{g.tables(t)}, one)
			if err != nil {
				t.Fatal(err)
			}
			if *pictures != "" {
				for format, b := range out {
					write(t, filepath.Join(*pictures, g.name+"."+format), b)
				}
			}
			for _, format := range []string{"svg", "txt"} {
				path := filepath.Join("testdata", g.name+"."+format)
				if *update {
					write(t, path, out[format])
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out[format], want) {
					t.Errorf("%s is not what it was; look at it with -png, then -update", path)
				}
			}
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(fmt.Errorf("write: %w", err))
	}
}
