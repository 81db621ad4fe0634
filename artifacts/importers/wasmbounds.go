package importers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

var wasmbounds = Format{
	Name:     "wasmbounds",
	Title:    "CSVs of the wasm-bounds benchmarks: a row for each benchmark and runner, its iterations side by side",
	Revision: 2,
	read:     readWasmbounds,
}

const iterationPrefix = "mus_" // of the columns of samples: mus_0, mus_1, ...

// wasmboundsColumns are those before the samples, by their names in the CSV.
var wasmboundsColumns = map[string]trace.Column{
	"benchid":   {Name: "benchid", Kind: trace.Int, Basis: assay.Known, Meaning: "number of the benchmark"},
	"runid":     {Name: "runid", Kind: trace.Int, Basis: assay.Known, Meaning: "number of the row"},
	"benchname": {Name: "benchmark", Kind: trace.String, Role: assay.RoleWorkload, Basis: assay.Known, Meaning: "what was run"},
	"runner":    {Name: "runner", Kind: trace.String, Role: assay.RoleSystem, Basis: assay.Known, Meaning: "what ran it, and how that was made: PROGRAM.COMPILER or PROGRAM.wasm"},
	"nthreads":  {Name: "threads", Kind: trace.Int, Role: assay.RoleFactor, Basis: assay.Known, Meaning: "benchmarks that ran side by side"},
	"bounds":    {Name: "bounds", Kind: trace.String, Role: assay.RoleFactor, Basis: assay.Known, Meaning: "how accesses outside of memory are caught"},
}

// runnerModes says how programs of these names execute code.
var runnerModes = map[string]string{
	"native": "aot", "wasm3": "interpreter", "nodejs": "jit", "v8": "jit", "wasmtime": "jit", "wavm": "jit",
}

// A wideHeader is the first line of such a CSV.
type wideHeader struct {
	names      []string // before the samples
	iterations []int64  // of the columns of samples
}

// readWideHeader reads the names of the columns.
func readWideHeader(fields []string) (wideHeader, error) {
	first := slices.IndexFunc(fields, func(name string) bool { return strings.HasPrefix(name, iterationPrefix) })
	if first < 0 || !slices.Contains(fields[:first], "benchname") || !slices.Contains(fields[:first], "runner") {
		return wideHeader{}, fmt.Errorf("no columns benchname and runner before %sN", iterationPrefix)
	}
	h := wideHeader{names: slices.Clone(fields[:first])}
	if err := checkHeader(h.names); err != nil {
		return wideHeader{}, err
	}
	for _, name := range fields[first:] {
		n, err := strconv.ParseUint(strings.TrimPrefix(name, iterationPrefix), 10, 31)
		if err != nil || !strings.HasPrefix(name, iterationPrefix) {
			return wideHeader{}, fmt.Errorf("%.100q stands among the columns of samples, want %sN", name, iterationPrefix)
		}
		h.iterations = append(h.iterations, int64(n))
	}
	return h, nil
}

// A wideRow is a row of such a CSV: what stands before the samples, and they.
type wideRow struct {
	file    *file
	line    int
	names   []string // of the columns before the samples
	fixed   []string // and what stands there
	samples []float64
	null    []bool
}

func readWasmbounds(ctx context.Context, in *Input, out *Output) error {
	files, err := in.read(ctx, out, nil)
	if err != nil {
		return err
	}
	var rows []wideRow
	var names []string
	var iterations [][]int64 // of each row
	found := false
	for _, f := range files {
		first, _, _ := strings.Cut(f.text, "\n")
		if !strings.Contains(first, iterationPrefix) {
			f.wound(1)
			found = found || f.cut != ""
			continue
		}
		f.kind, found = "wasm-bounds CSV", true
		var header *wideHeader
		f.csv(func(line int, fields []string, raw string) {
			if header == nil {
				h, err := readWideHeader(fields)
				if err != nil {
					f.reject(line, raw, err.Error())
				}
				if len(names)+len(h.names) > maxNamed {
					f.reject(line, raw, fmt.Sprintf("more than %d columns before the samples", maxNamed))
					h = wideHeader{}
				}
				header = &h
				for _, name := range h.names {
					if !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
				return
			}
			if len(header.names) == 0 {
				return // of a header that was rejected
			}
			row, err := header.row(fields)
			if err != nil {
				f.reject(line, raw, err.Error())
				return
			}
			if why := f.hold(max(1, len(row.samples)) * (len(names) + wideColumns)); why != "" {
				f.reject(line, raw, why)
				return
			}
			row.file, row.line = f, line
			rows, iterations = append(rows, row), append(iterations, header.iterations)
			f.rows += int64(len(row.samples))
		})
	}
	if !found {
		return fmt.Errorf("none of the %d files is a CSV with columns named benchname, runner, %s0 and so on", len(files), iterationPrefix)
	}
	if err := longSamples(out, names, rows, iterations); err != nil {
		return err
	}
	out.tellFilesApart()
	return nil
}

// wideTime is the column of the samples.
var wideTime = inferred("time", "us", assay.RoleSample, "of one execution; null where the CSV has an iteration and no number for it",
	fmt.Sprintf("the CSV calls it %sN: microseconds by that name", iterationPrefix))

// wideColumns are the columns of the trace beside those before the samples.
const wideColumns = 5

// get returns what stands in the column of that name.
func (r *wideRow) get(name string) (string, bool) {
	i := slices.Index(r.names, name)
	if i < 0 {
		return "", false
	}
	return r.fixed[i], true
}

// row reads the fields of a row. Empty ones at its end are none.
func (h *wideHeader) row(fields []string) (row wideRow, err error) {
	if len(fields) < len(h.names) || len(fields) > len(h.names)+len(h.iterations) {
		return row, fmt.Errorf("%d columns, want %d to %d", len(fields), len(h.names), len(h.names)+len(h.iterations))
	}
	row.names, row.fixed = h.names, make([]string, len(h.names))
	for i, name := range h.names {
		if wasmboundsColumns[name].Kind == trace.Int {
			if _, err := integer(fields[i]); err != nil {
				return row, fmt.Errorf("column %s: %w", name, err)
			}
		}
		row.fixed[i] = strings.Clone(fields[i])
	}
	cells := fields[len(h.names):]
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	for i, cell := range cells {
		x := 0.0
		if cell != "" {
			if x, err = number(cell); err != nil {
				return row, fmt.Errorf("column %s%d: %w", iterationPrefix, h.iterations[i], err)
			}
			if err := negative(wideTime, x); err != nil {
				return row, fmt.Errorf("column %s%d: %w", iterationPrefix, h.iterations[i], err)
			}
		}
		row.samples, row.null = append(row.samples, x), append(row.null, cell == "")
	}
	return row, nil
}

// longSamples makes the trace: a row for each sample.
func longSamples(out *Output, names []string, rows []wideRow, iterations [][]int64) error {
	t := out.trace("samples", "a row for each sample: one execution of a benchmark")
	samples := 0
	for _, row := range rows {
		samples += len(row.samples)
	}
	if err := t.expects(samples, len(names)+wideColumns); err != nil {
		return err
	}
	var set []func(row wideRow)
	for _, name := range names {
		c, ok := wasmboundsColumns[name]
		if !ok {
			c = trace.Column{Name: "csv_" + name, Kind: trace.String, Basis: assay.Unknown, Meaning: "a column of the CSV that is not understood"}
		}
		set = append(set, t.wideColumn(name, c))
		if name == "runner" {
			set = append(set, t.modeColumn())
		}
	}
	iteration := t.int(known("iteration", "", assay.RoleIteration, "number of the sample in its row, as the CSV counts"))
	time := t.float(wideTime)
	empty := map[int64]int{}
	for i, row := range rows {
		n := len(row.samples)
		t.block(row.file.path, slices.Repeat([]int64{int64(row.line)}, n))
		for _, f := range set {
			f(row)
		}
		iteration.setBlock(iterations[i][:n], nil)
		time.setBlock(row.samples, row.null)
		for k, null := range row.null {
			if null {
				empty[iterations[i][k]]++
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(empty)) {
		if len(out.Notes) == shownRejections {
			out.Notes = append(out.Notes, "and other samples that are empty")
			break
		}
		out.Notes = append(out.Notes, fmt.Sprintf("samples: iteration %d is empty in %d of %d rows of the CSV, and null here", k, empty[k], len(rows)))
	}
	return nil
}

// wideColumn adds a column for what stands before the samples.
func (t *Trace) wideColumn(name string, c trace.Column) (set func(wideRow)) {
	if c.Kind == trace.Int {
		col := t.int(c)
		return func(row wideRow) {
			if s, ok := row.get(name); ok {
				x, _ := integer(s) // wideHeader.row has read it
				col.setBlock(slices.Repeat([]int64{x}, len(row.samples)), nil)
			}
		}
	}
	col := t.text(c)
	return func(row wideRow) {
		if s, ok := row.get(name); ok {
			col.setBlock(slices.Repeat([]string{s}, len(row.samples)), nil)
		}
	}
}

// modeColumn adds what the name of the runner says of how it executes code.
func (t *Trace) modeColumn() (set func(wideRow)) {
	col := t.text(inferred("mode", "", assay.RoleMode, "how code is executed; null if the runner is not known",
		"what programs of that name do: native code is compiled before it is run, wasm3 interprets, the others compile when they load"))
	return func(row wideRow) {
		runner, _ := row.get("runner")
		program, _, _ := strings.Cut(runner, ".")
		if mode := runnerModes[program]; mode != "" {
			col.setBlock(slices.Repeat([]string{mode}, len(row.samples)), nil)
		}
	}
}
