package summary

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// answers gathers what the ok invocations of each workload printed, by its
// choice of parameters. An expectation of stdout makes them one; without it, a
// program that gave up early would stand beside those that did the work.
type answers map[string]map[string]*printed // by workload and parameters, by runtime

// printed is what a runtime wrote to stdout.
type printed struct {
	stdout assay.Digest // of the first
	varied bool         // others were not the same
}

func (a answers) add(x assay.Sample) {
	if x.Phase != assay.Process || x.Outcome != assay.OK || x.Stdout.IsZero() {
		return
	}
	what := title(x.Workload, x.Params)
	if a[what] == nil {
		a[what] = map[string]*printed{}
	}
	name := strings.TrimSuffix(x.Runtime, assay.ControlSuffix)
	if have := a[what][name]; have == nil {
		a[what][name] = &printed{stdout: x.Stdout}
	} else if have.stdout != x.Stdout {
		have.varied = true
	}
}

// notes says which answers are not those of most runtimes.
func (a answers) notes() []string {
	var notes []string
	for _, what := range slices.Sorted(maps.Keys(a)) {
		by := map[assay.Digest][]string{}
		varied := false
		for _, runtime := range slices.Sorted(maps.Keys(a[what])) {
			got := a[what][runtime]
			varied = varied || got.varied
			by[got.stdout] = append(by[got.stdout], runtime)
		}
		switch {
		case varied:
			notes = append(notes, fmt.Sprintf("%s: its answer is another from one invocation to the next, so that runtimes cannot be held against each other by it", what))
		case len(by) > 1:
			groups := slices.SortedFunc(maps.Values(by), func(a, b []string) int {
				return cmp.Or(cmp.Compare(len(b), len(a)), slices.Compare(a, b))
			})
			var all []string
			for _, g := range groups {
				all = append(all, strings.Join(g, ", "))
			}
			notes = append(notes, fmt.Sprintf("%s: ANSWERS DIFFER, and with them perhaps the work that was timed: one from %s; give the workload its expected stdout, so that another one is a failure",
				what, strings.Join(all, "; another from ")))
		}
	}
	return notes
}
