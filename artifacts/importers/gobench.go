package importers

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"golang.org/x/perf/benchfmt"
)

// gobench reads the Go benchmark format.
var gobench = Format{Name: "gobench", Title: "Go benchmarks: the text of go test -bench", Revision: 2, read: readGobench}

func readGobench(ctx context.Context, in *Input, out *Output) error {
	g := newGobenchTrace(out)
	return in.each(ctx, out, "text of go test -bench: it has a line that begins with \"Benchmark\"", func(f *file) {
		if strings.HasPrefix(f.text, "{") && strings.Contains(f.text, `"Action":`) {
			f.kind = "go test -json"
			f.reject(1, "", "this is of go test -json: import the text that go test -bench prints without it")
			return
		}
		if !strings.HasPrefix(f.text, "Benchmark") && !strings.Contains(f.text, "\nBenchmark") && !strings.Contains(f.text, "--- FAIL: Benchmark") {
			return
		}
		f.kind = "Go benchmarks"
		g.lines = make([]string, 0, strings.Count(f.text, "\n")+1)
		for n, line := range f.lines() {
			for len(g.lines) < n-1 {
				g.lines = append(g.lines, "") // one that was rejected
			}
			g.lines = append(g.lines, line)
		}
		g.failures(f)
		g.results(f)
	})
}

// gobenchTimes are the units of the time of an iteration.
var gobenchTimes = []string{"ns/op", "us/op", "µs/op", "ms/op", "s/op", "sec/op"}

// A gobenchTrace is the trace of benchmarks.
type gobenchTrace struct {
	trace                        *Trace
	name, outcome                column[string]
	procs, replicate, iterations column[int64]
	parts, config                *textColumns
	values                       map[string]column[float64] // by unit

	times map[string]string // the unit of the first time of a line, by name and configuration

	lines      []string         // of the file that is read
	replicates map[string]int64 // how many lines there were, by name and configuration
}

func newGobenchTrace(out *Output) *gobenchTrace {
	t := out.trace("benchmarks", "one row a line of results: a mean over the iterations of a loop, not a sample")
	return &gobenchTrace{
		trace:      t,
		name:       t.text(known("name", "", assay.RoleWorkload, "name of the benchmark, without \"Benchmark\" and without the processors")),
		procs:      t.int(inferred("procs", "", assay.RoleFactor, "GOMAXPROCS; null where the name does not end in it, as where it is 1", "the number behind the last hyphen of the name: a name of its own that ends so is taken for it")),
		replicate:  t.int(inferred("replicate", "", assay.RoleReplicate, "number of the line with that name and configuration, from 1, in all files", "the order of the files and lines: go test -count repeats benchmarks")),
		iterations: t.int(known("iterations", "", "", "how often the loop ran; null if it failed")),
		outcome:    t.text(known("outcome", "", assay.RoleOutcome, "ok, or failed if go test says that the benchmark failed")),
		parts:      t.textColumns("param.", assay.RoleFactor, "part of the name of a sub-benchmark: of key=value, the value; of others, sub1 is the first"),
		config:     t.textColumns("config.", assay.RoleFactor, "line \"key: value\" above the results"),
		values:     make(map[string]column[float64]),
		times:      make(map[string]string),
		replicates: make(map[string]int64),
	}
}

// failures adds the rows of benchmarks that failed, which are no results.
func (g *gobenchTrace) failures(f *file) {
	for n, line := range g.lines {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: Benchmark")
		if !ok {
			continue
		}
		if why := g.trace.full(1); why != "" {
			f.reject(n+1, line, why)
			continue
		}
		g.trace.row(f.path, n+1)
		name, procs := cutProcs(strings.TrimSpace(rest))
		g.name.set(name)
		if procs > 0 {
			g.procs.set(procs)
		}
		g.outcome.set(goodIf(false))
	}
}

// results adds the rows of results.
func (g *gobenchTrace) results(f *file) {
	r := benchfmt.NewReader(strings.NewReader(strings.Join(g.lines, "\n")), f.path)
	for r.Scan() {
		switch x := r.Result().(type) {
		case *benchfmt.Result:
			_, line := x.Pos()
			if why := g.result(f, line, x); why != "" {
				f.reject(line, g.lines[line-1], why)
			}
		case *benchfmt.SyntaxError:
			f.reject(x.Line, g.lines[x.Line-1], gobenchWrong(x.Msg))
		}
	}
	if err := r.Err(); err != nil {
		f.reject(len(g.lines), "", err.Error())
	}
}

// result adds one row, or says why it cannot.
func (g *gobenchTrace) result(f *file, line int, x *benchfmt.Result) (why string) {
	config := make(map[string]string)
	for _, c := range x.Config {
		if c.File {
			config[c.Key] = string(c.Value)
		}
	}
	full, procs := cutProcs(x.Name.String())
	base, parts := x.Name.Parts()
	named := make(map[string]string)
	for i, part := range parts {
		key, value, ok := strings.Cut(strings.TrimPrefix(string(part), "/"), "=")
		switch {
		case strings.HasPrefix(string(part), "-"):
			continue
		case !ok || key == "":
			key, value = "sub"+strconv.Itoa(i+1), strings.TrimPrefix(string(part), "/")
		}
		named[key] = value
	}
	for i, v := range x.Values {
		unit := unitOf(v)
		if slices.ContainsFunc(x.Values[:i], func(v benchfmt.Value) bool { return unitOf(v) == unit }) {
			return fmt.Sprintf("%.100q is measured twice", unit)
		}
		if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
			return fmt.Sprintf("%.100q: %v is not a number", unit, v.Value)
		}
		if unit == "ns/op" && valueOf(v) < 0 {
			return fmt.Sprintf("%g ns/op: nothing takes less than no time", valueOf(v))
		}
		if why := g.unitable(unit, len(x.Values)); why != "" {
			return why
		}
	}
	if why := firstOf(tooLong("name", string(base)), tooLong("name", full), g.parts.check(named), g.config.check(config)); why != "" {
		return why
	}
	key := full + "\x00" + strconv.FormatInt(procs, 10) + "\x00" + fmt.Sprint(config)
	if i := slices.IndexFunc(x.Values, func(v benchfmt.Value) bool { return slices.Contains(gobenchTimes, unitOf(v)) }); i >= 0 {
		unit := unitOf(x.Values[i])
		if before := g.times[key]; before != "" && before != unit {
			return fmt.Sprintf("mixed units: the benchmark is in %s here, and in %s before; convert it", unit, before)
		}
		g.times[key] = unit
	}
	g.trace.row(f.path, line)
	g.name.set(full)
	if procs > 0 {
		g.procs.set(procs)
	}
	g.replicates[key]++
	g.replicate.set(g.replicates[key])
	g.iterations.set(int64(x.Iters))
	g.outcome.set(goodIf(true))
	g.parts.set(named)
	g.config.set(config)
	for _, v := range x.Values {
		g.value(unitOf(v)).set(valueOf(v))
	}
	return ""
}

// gobenchWrong says what the library does in the words of the format.
func gobenchWrong(msg string) string {
	if strings.HasPrefix(msg, "parsing measurement") {
		return "a measurement is not a number"
	}
	return msg
}

// unitable says what keeps a unit from naming a column when a line has so many,
// "" if nothing does.
func (g *gobenchTrace) unitable(unit string, more int) string {
	if _, ok := g.values[unit]; ok {
		return ""
	}
	switch {
	case len(g.values)+more > maxNamed:
		return fmt.Sprintf("more than %d different units", maxNamed)
	case len(unit) > maxName, unit == "source", unit == "line", unit == fileColumn,
		slices.ContainsFunc(g.trace.Columns, func(v *trace.Values) bool { return v.Name == unit }):
		return fmt.Sprintf("the unit %.100q cannot name a column", unit)
	}
	return ""
}

// unitOf and valueOf are as the file has them: benchfmt makes ns to s.
func unitOf(v benchfmt.Value) string {
	if v.OrigUnit != "" {
		return v.OrigUnit
	}
	return v.Unit
}

func valueOf(v benchfmt.Value) float64 {
	if v.OrigUnit != "" {
		return v.OrigValue
	}
	return v.Value
}

// value returns the column of a unit, which it makes when the unit is new.
func (g *gobenchTrace) value(unit string) column[float64] {
	at, ok := g.values[unit]
	if ok {
		return at
	}
	c := known(unit, unit, "", "as the benchmark reported it, with this unit")
	switch unit {
	case "ns/op":
		c.Unit, c.Role, c.Meaning = "ns", assay.RoleMean, "elapsed time of an iteration, mean over the loop"
	case "B/op":
		c.Unit, c.Role, c.Meaning = "bytes", assay.RoleMemory, "bytes allocated in an iteration, mean over the loop"
	case "allocs/op":
		c.Unit, c.Meaning = "", "allocations in an iteration, mean over the loop"
	case "MB/s":
		c.Meaning = "bytes processed, as the benchmark said with SetBytes, in units of a million, a second"
	}
	at = g.trace.float(c)
	g.values[unit] = at
	return at
}

// cutProcs parts a name from the processors behind its last hyphen, 0 if there
// are none.
func cutProcs(name string) (string, int64) {
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		if n, err := strconv.ParseInt(name[i+1:], 10, 32); err == nil && n > 0 {
			return name[:i], n
		}
	}
	return name, 0
}
