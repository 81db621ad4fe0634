package importers

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

var abSweep = Format{
	Name:     "ab-sweep",
	Title:    "sweeps of ab or a like tool over concurrency: CSVs, summaries, monitors, their time stamps",
	Revision: 1,
	read:     readABSweep,
}

// The kinds of files of a sweep. Each is known by what stands in it: names of
// files say under which conditions, never what a file is.
const (
	kindResults    = "ab results"
	kindSummary    = "ab summary"
	kindMonitor    = "monitor"
	kindTimestamps = "timestamps"
)

// headLines are looked at to see what a file is.
const headLines = 10

// kindOf says which kind of file the text is, "" if none.
func kindOf(text string) string {
	if head := text[:min(len(text), maxLine)]; strings.Contains(head, timeTaken) {
		return kindSummary
	}
	n := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		if n++; n > headLines {
			return ""
		}
		if n == 1 && isResultsHeader(line) {
			return kindResults
		}
		first, rest := cutField(line)
		second, more := cutField(rest)
		if _, ok := nanoseconds(first); ok && second != "" {
			return kindMonitor
		}
		if _, ok := nanoseconds(second); ok && strings.TrimSpace(more) == "" {
			return kindTimestamps
		}
	}
	return ""
}

// nanoseconds reads a time of this century, in nanoseconds since 1970.
func nanoseconds(s string) (int64, bool) {
	x, err := integer(s)
	return x, err == nil && x >= 978_307_200_000_000_000 && x < 4_102_444_800_000_000_000
}

// A sweep is all that the files say, before it is put together.
type sweep struct {
	out      *Output
	files    []*file
	of       map[*file]*conditions
	runs     []abRun // of the CSVs
	blocks   []abRun // of the summaries
	windows  map[*file][]window
	evidence map[string]string // of conditions, by column
	shelves  map[shelf][]*file
}

func readABSweep(ctx context.Context, in *Input, out *Output) error {
	files, err := in.read(ctx, out, func(f *file) error {
		switch f.kind = kindOf(f.text); f.kind {
		case kindResults:
			f.content = readResults(f)
		case kindSummary:
			f.content = readSummary(f)
		case kindTimestamps:
			f.content = readTimestamps(f)
		case kindMonitor:
			f.content = readMonitor(f)
		default:
			f.wound(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s := &sweep{out: out, files: files, of: map[*file]*conditions{}, windows: map[*file][]window{}}
	s.sort()
	s.oneUnit()
	if err := s.condition(ctx); err != nil {
		return err
	}
	s.gather()
	damaged := slices.ContainsFunc(files, func(f *file) bool { return len(f.rejected) > 0 })
	if len(s.runs)+len(s.blocks) == 0 && !damaged {
		return fmt.Errorf("none of the %d files has results: want a CSV with columns named concurrency and rps, or a summary with lines %q", len(files), timeTaken)
	}
	all := s.all()
	if len(all) > maxConditions {
		return fmt.Errorf("the paths and headings are of %d different conditions, at most %d are a sweep", len(all), maxConditions)
	}
	if names := factorNames(all); len(names) > maxNamed {
		return fmt.Errorf("the paths and headings name more than %d factors, %s and so on: at most that many are a sweep", maxNamed, strings.Join(names[:3], ", "))
	}
	for _, trace := range []func() error{s.results, s.summaries, s.windowsTrace, s.monitor} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := trace(); err != nil {
			return err
		}
	}
	return nil
}

// oneUnit rejects what stands in another unit than that of the files before.
func (s *sweep) oneUnit() {
	var units [len(measures)]string
	for _, f := range s.files {
		sum, ok := f.content.(*summary)
		if !ok {
			continue
		}
		for m, unit := range sum.units {
			if units[m] == "" {
				units[m] = unit
			}
			if unit == "" || unit == units[m] {
				continue
			}
			for _, run := range sum.runs {
				f.reject(run.line, "", fmt.Sprintf("%s in %s, where other files are in %s; convert it", measures[m].labels[0], unit, units[m]))
			}
			sum.runs, sum.headings, f.rows = nil, nil, 0
		}
	}
}

// maxWorkloads bounds the workloads of a sweep: each is looked for in each path.
const maxWorkloads = 1000

// condition finds the conditions of each file.
func (s *sweep) condition(ctx context.Context) error {
	var paths []string
	named := map[string]bool{}
	for _, f := range s.files {
		paths = append(paths, f.path)
		if sum, ok := f.content.(*summary); ok {
			sum.workloads(named)
		}
	}
	workloads := slices.Sorted(maps.Keys(named))
	if len(workloads) > maxWorkloads {
		return fmt.Errorf("the headings name %d workloads, at most %d are a sweep", len(workloads), maxWorkloads)
	}
	for _, f := range s.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		c := conditionsOf(f.path, workloads)
		s.of[f] = &c
	}
	s.evidence = map[string]string{
		"folder":   "from the path: equal conditions stand in several folders, whose runs do not repeat each other",
		"system":   "from the path: what stands before the workload",
		"workload": "from the path: what stands behind the system and before the first KEY_VALUE",
		"factors":  "from the path: KEY_VALUE",
	}
	all := folders(paths)
	for _, kind := range []string{kindResults, kindSummary} {
		in := map[string]string{}
		several := false
		for i, f := range s.files {
			if f.kind != kind {
				continue
			}
			key := s.of[f].key()
			before, ok := in[key]
			several = several || ok && before != all[i]
			in[key] = all[i]
		}
		if several {
			for i, f := range s.files {
				s.of[f].folder = all[i]
			}
			return nil
		}
	}
	return nil
}

// gather puts the rows of all files beside the conditions of each.
func (s *sweep) gather() {
	unread, blocks, disagree := 0, 0, 0
	for _, f := range s.files {
		switch content := f.content.(type) {
		case *results:
			s.runs = append(s.runs, content.under(s.of[f])...)
		case *summary:
			runs, n := content.under(s.of[f])
			s.blocks = append(s.blocks, runs...)
			disagree, blocks = disagree+n, blocks+len(runs)
		case nil:
			unread++
		}
	}
	countReplicates(s.runs)
	countReplicates(s.blocks)
	if blocks > 0 {
		said := fmt.Sprintf("; the headings of %d blocks in summaries contradict it %d times", blocks, disagree)
		s.evidence["workload"] += said
		s.evidence["factors"] += said
	}
	if unread > 0 {
		s.out.Notes = append(s.out.Notes, fmt.Sprintf("%d files are none of a sweep: they are kept, and not read", unread))
	}
	runs := map[string]int{}
	of := func(c *conditions, load int64) string { return fmt.Sprint(c.key(), "\x00", load) }
	for i := range s.runs {
		runs[of(s.runs[i].conditions, s.runs[i].load)]++
	}
	for _, f := range s.files {
		if t, ok := f.content.(*timestamps); ok {
			s.windows[f] = t.windows(f.path, s.of[f], func(load int64) int { return runs[of(s.of[f], load)] })
		}
	}
}

// A shelf is the files of a kind in a folder, by their paths.
type shelf struct{ folder, kind string }

// sort puts the files on their shelves.
func (s *sweep) sort() {
	s.shelves = map[shelf][]*file{}
	for _, f := range s.files {
		at := shelf{path.Dir(f.path), f.kind}
		s.shelves[at] = append(s.shelves[at], f)
	}
	for _, files := range s.shelves {
		slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	}
}

// beside returns the file of that kind in the same folder whose name has the
// longest beginning in common with that of f, nil if there is none.
func (s *sweep) beside(f *file, kind string) *file {
	files := s.shelves[shelf{path.Dir(f.path), kind}]
	first := func(path string) int {
		i, _ := slices.BinarySearchFunc(files, path, func(g *file, path string) int { return strings.Compare(g.path, path) })
		return i
	}
	longest := 0 // it is that of a neighbour
	at := first(f.path)
	for _, g := range files[max(0, at-1):min(len(files), at+1)] {
		n := 0
		for n < min(len(f.path), len(g.path)) && f.path[n] == g.path[n] {
			n++
		}
		longest = max(longest, n)
	}
	if len(files) == 0 {
		return nil
	}
	return files[first(f.path[:longest])]
}
