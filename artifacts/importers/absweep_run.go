package importers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// A measure is one number that ab prints of a run.
type measure struct {
	column  string
	role    assay.Role
	meaning string
	labels  []string // before the number, in a summary
	heads   []string // of a CSV
}

// The measures, by index.
const (
	abDuration = iota
	abThroughput
	abLatency
	abInterval
	abTransfer
)

const timeTaken = "Time taken for tests:"

var measures = [...]measure{
	abDuration: {"duration", assay.RoleDuration, "of the whole test", []string{"Time taken for tests"},
		[]string{"ttime", "time_taken", "duration"}},
	abThroughput: {"rps", assay.RoleThroughput, "requests a second that were answered", []string{"Requests per second"},
		[]string{"rps", "requests_per_second", "throughput"}},
	abLatency: {"latency", assay.RoleLatency, "time per request, a mean", []string{"Time per request", "Time per request (mean)"},
		[]string{"tpr", "time_per_request", "latency"}},
	abInterval: {"interval", assay.RoleInterval, "time per request across all concurrent requests, a mean",
		[]string{"Time per request (across all concurrent requests)", "Time per request (mean, across all concurrent requests)"},
		[]string{"tpr_all", "time_per_request_all", "interval"}},
	abTransfer: {"transfer", assay.RoleTransfer, "received", []string{"Transfer rate"},
		[]string{"trate", "transfer_rate"}},
}

// An abRun is one run of ab, as a CSV or a summary has it.
type abRun struct {
	*conditions
	path      string
	line      int
	load      int64
	requests  int64 // 0 if they are not said
	replicate int64
	agrees    *bool // of a summary: with the CSV; nil if that has no such run
	values    [len(measures)]float64
	has       [len(measures)]bool
	clock     string   // time of day in a summary
	others    []string // names of the columns of a CSV that are no measures, "" for those that are
	row       string   // and the row: the values of others are read from it
}

// valuesOfRun is about what an abRun holds, in values.
const valuesOfRun = 32

// nothing reports that ab said nothing: every number is 0.
func (r *abRun) nothing() bool {
	return r.values == [len(measures)]float64{}
}

// condition is the same for runs that repeat each other.
func (r *abRun) condition() string {
	return fmt.Sprint(r.key(), "\x00", r.load, "\x00", r.requests)
}

// place is the same for a run and its window, whose requests nobody says.
func place(c *conditions, load, replicate int64) string {
	return fmt.Sprint(c.key(), "\x00", load, "\x00", replicate)
}

// countReplicates numbers the runs under equal conditions in their order.
func countReplicates(runs []abRun) {
	seen := map[string]int64{}
	for i := range runs {
		c := runs[i].condition()
		seen[c]++
		runs[i].replicate = seen[c]
	}
}

// measured reports whether a run has all of the measures, and none is 0.
func (r *abRun) measured(of ...int) bool {
	return !slices.ContainsFunc(of, func(m int) bool { return !r.has[m] || r.values[m] == 0 })
}

// results are the rows of a CSV.
type results struct {
	runs   []abRun
	heads  [len(measures)]string // what the CSV calls each measure
	others []string              // other columns, "" for measures
}

// under returns the runs with their conditions.
func (r *results) under(c *conditions) []abRun {
	for i := range r.runs {
		r.runs[i].conditions = c
	}
	return r.runs
}

var (
	loadHeads     = []string{"concurrency", "clients"}
	requestsHeads = []string{"connections", "requests"}
)

// isResultsHeader reports whether a line names at least concurrency and rate.
func isResultsHeader(line string) bool {
	names := headNames(line)
	has := func(heads []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(heads, n) })
	}
	return has(loadHeads) && has(measures[abThroughput].heads)
}

func headNames(line string) []string {
	names := strings.Split(line, ",")
	for i, n := range names {
		names[i] = strings.TrimSpace(strings.ToLower(n))
	}
	return names
}

// readResults reads a CSV whose first line names its columns.
func readResults(f *file) *results {
	var r results
	var names, others []string
	for n, line := range f.lines() {
		if line == "" {
			continue
		}
		if names == nil {
			names = headNames(line)
			if err := checkHeader(names); err != nil {
				f.reject(n, line, err.Error())
				return &r
			}
			others = slices.Clone(names)
			seen := map[string]bool{}
			for i, name := range names {
				to, m := columnOf(name)
				if to == measures[m].column {
					r.heads[m] = name
				}
				if to != "" && !seen[to] {
					seen[to], others[i] = true, ""
				}
			}
			r.others = others
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) != len(names) {
			f.reject(n, line, fmt.Sprintf("%d columns, the header has %d", len(fields), len(names)))
			continue
		}
		if why := f.hold(valuesOfRun); why != "" {
			f.reject(n, line, why)
			continue
		}
		run, err := parseRun(names, fields)
		if err != nil {
			f.reject(n, line, err.Error())
			continue
		}
		run.path, run.line, run.others, run.row = f.path, n, others, line
		r.runs = append(r.runs, run)
	}
	f.rows = int64(len(r.runs))
	return &r
}

func parseRun(names, fields []string) (run abRun, err error) {
	seen := map[string]bool{}
	for i, name := range names {
		field := strings.TrimSpace(fields[i])
		to, m := columnOf(name)
		if seen[to] {
			to = ""
		}
		seen[to] = true
		switch {
		case to == "concurrency":
			run.load, err = integer(field)
		case to == "requests":
			run.requests, err = integer(field)
		case to != "":
			run.values[m], err = number(field)
			run.has[m] = true
			if err == nil && run.values[m] < 0 {
				err = fmt.Errorf("%g: that cannot be below 0", run.values[m])
			}
		}
		if err != nil {
			return run, fmt.Errorf("column %s: %w", name, err)
		}
	}
	return run, nil
}

// columnOf says what a column of a CSV is, "" if that is not known.
func columnOf(name string) (column string, m int) {
	switch {
	case slices.Contains(loadHeads, name):
		return "concurrency", 0
	case slices.Contains(requestsHeads, name):
		return "requests", 0
	}
	for m := range measures {
		if slices.Contains(measures[m].heads, name) {
			return measures[m].column, m
		}
	}
	return "", 0
}
