// Package importers reads files that other programs wrote and turns them into
// traces: every row kept, every column with its unit, its meaning and how that
// is known. docs/import.md describes each format with an example.
//
// It invents nothing: what a file does not say is null, and a mean of samples
// that are not there stays a mean. A row that cannot be read is an error with
// its file and line, or, if asked for, a row of the trace "rejected".
package importers

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Format is a kind of files.
type Format struct {
	Name     string // "ab-sweep"
	Title    string // one line for people
	Revision int    // changes whenever equal files would give other traces
	read     func(context.Context, *Input, *Output) error
}

// Formats lists the kinds of files that can be imported.
func Formats() []Format {
	return []Format{ab, abSweep, faasm, gobench, hyperfine, k6, locust, pidstat, sightglass, sledge, table, vegeta, wasmbounds, wrk}
}

// Find returns the format of that name. The error for one that is not there
// says which ones are.
func Find(name string) (Format, error) {
	all := Formats()
	if i := slices.IndexFunc(all, func(f Format) bool { return f.Name == name }); i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return Format{}, fmt.Errorf("format %q: want one of %s", name, strings.Join(names, ", "))
}

// Read reads the input. What it returns depends on the files, the facts and
// the format's revision only. The error matches FactError if it is for a fact
// that it cannot.
func (f Format) Read(ctx context.Context, in *Input) (*Output, error) {
	for _, fact := range in.Facts {
		if _, err := factColumn(fact, 0); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	out := &Output{lenient: in.Lenient}
	if err := f.read(ctx, in, out); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if err := out.finish(in); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return out, nil
}
