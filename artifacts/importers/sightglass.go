package importers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// sightglass reads the measurements that Sightglass exports with --raw.
var sightglass = Format{Name: "sightglass", Title: "Sightglass: sightglass-cli benchmark --raw, JSON or CSV", Revision: 2, read: readSightglass}

// sightglassNames are the columns that every measurement has.
var sightglassNames = []string{"arch", "engine", "wasm", "process", "iteration", "phase", "event", "count"}

func readSightglass(ctx context.Context, in *Input, out *Output) error {
	s := newSightglassTrace(out)
	return in.each(ctx, out, "raw measurements of Sightglass: JSON objects or CSV with arch, engine, wasm, phase, event and count", func(f *file) {
		first, _, _ := strings.Cut(f.text, "\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(f.text), "[") && strings.Contains(f.text, `"event"`):
			f.kind = "Sightglass JSON"
			j := f.json()
			j.end(j.array(func() error { return s.element(j) }))
		case !slices.ContainsFunc([]string{"arch", "engine", "wasm", "phase", "event"}, func(name string) bool {
			return !slices.Contains(strings.Split(strings.TrimSpace(first), ","), name)
		}):
			f.kind = "Sightglass CSV"
			s.csv(f)
		}
	})
}

// A sightglassTrace is the trace of the measurements. What is counted has a
// column of its own for every event, since events have different units.
type sightglassTrace struct {
	trace                                   *Trace
	arch, engine, wasm, phase, scope, event column[string]
	process, iteration                      column[int64]
	counts                                  map[string]column[int64] // by event
	others                                  *textColumns
}

// sightglassScopes says what the time of a phase spans.
var sightglassScopes = map[string]assay.Phase{
	"compilation":   assay.Compile,
	"instantiation": assay.Instantiate,
	"execution":     assay.Call,
}

func newSightglassTrace(out *Output) *sightglassTrace {
	t := out.trace("measurements", "one row a measurement; of the columns that are named for events, one has a value")
	return &sightglassTrace{
		trace:     t,
		arch:      t.text(known("arch", "", assay.RoleFactor, "architecture of the processor")),
		engine:    t.text(known("engine", "", assay.RoleSystem, "path of the engine's shared library")),
		wasm:      t.text(known("wasm", "", assay.RoleWorkload, "path of the module that was measured")),
		process:   t.int(known("process", "", assay.RoleReplicate, "number of the process that measured: its identifier")),
		iteration: t.int(known("iteration", "", assay.RoleIteration, "number of the measurement of its phase in its process, from 0")),
		phase:     t.text(known("phase", "", assay.RoleFactor, "phase that was measured, in lower case")),
		scope:     t.text(known("scope", "", assay.RoleScope, "the phase in assay's words: compile, instantiate, or call for execution")),
		event:     t.text(known("event", "", assay.RoleFactor, "what was counted: the column of that name has the count")),
		counts:    make(map[string]column[int64]),
		others:    t.textColumns("other.", "", "a field that this importer does not know"),
	}
}

// element reads a measurement in JSON.
func (s *sightglassTrace) element(j *jsonText) error {
	line := j.line()
	var fields map[string]json.RawMessage
	raw, why, err := j.element(&fields)
	if err != nil {
		return err
	}
	texts := make(map[string]string, len(fields))
	for name, x := range fields {
		text := string(x)
		switch x[0] {
		case '"':
			if err := json.Unmarshal(x, &text); err != nil {
				return err
			}
		case '{', '[':
			why = firstOf(why, fmt.Sprintf("%.100s: neither a text nor a number", name))
		case 'n':
			continue
		}
		texts[name] = text
	}
	if why != "" {
		j.f.reject(line, raw, why)
		return nil
	}
	s.add(j.f, line, texts, raw)
	return nil
}

// csv reads measurements in CSV.
func (s *sightglassTrace) csv(f *file) {
	var names []string
	f.csv(func(line int, fields []string, raw string) {
		switch {
		case names == nil:
			names = slices.Clone(fields)
		case len(fields) != len(names):
			f.reject(line, raw, fmt.Sprintf("%d columns, want %d", len(fields), len(names)))
		default:
			texts := make(map[string]string, len(fields))
			for i, name := range names {
				texts[name] = fields[i]
			}
			s.add(f, line, texts, raw)
		}
	})
}

// sightglassUnits are the units of events.
var sightglassUnits = map[string]string{
	"cycles": "cycles", "cpu-cycles": "cycles", "nanoseconds": "ns", "microseconds": "us", "instructions-retired": "instructions",
}

// add adds the row of a measurement whose fields are texts.
func (s *sightglassTrace) add(f *file, line int, texts map[string]string, raw string) {
	var numbers [3]int64
	why := ""
	for _, name := range sightglassNames {
		if _, ok := texts[name]; !ok {
			why = firstOf(why, "no "+name)
		}
	}
	if _, ok := texts["mean"]; ok && texts["count"] == "" {
		why = "a summary, whose samples are not there: export them with --raw"
	}
	for i, name := range []string{"process", "iteration", "count"} {
		if why == "" {
			x, err := integer(texts[name])
			if numbers[i] = x; err != nil {
				why = fmt.Sprintf("%s: %v", name, err)
			}
		}
	}
	event := texts["event"]
	if _, ok := s.counts[event]; !ok && why == "" {
		switch {
		case event == "" || len(event) > maxName:
			why = fmt.Sprintf("event %.100q cannot name a column", event)
		case len(s.counts) == maxNamed:
			why = fmt.Sprintf("more than %d different events", maxNamed)
		}
	}
	if err := negative(trace.Column{Unit: sightglassUnits[event], Role: assay.RoleSample}, float64(numbers[2])); err != nil {
		why = firstOf(why, "count: "+err.Error())
	}
	others := maps.Clone(texts)
	maps.DeleteFunc(others, func(name, value string) bool { return value == "" || slices.Contains(sightglassNames, name) })
	if why = firstOf(why, s.others.check(others), tooLong("engine", texts["engine"]), tooLong("wasm", texts["wasm"])); why != "" {
		f.reject(line, raw, why)
		return
	}
	s.trace.row(f.path, line)
	s.arch.set(texts["arch"])
	s.engine.set(texts["engine"])
	s.wasm.set(texts["wasm"])
	s.process.set(numbers[0])
	s.iteration.set(numbers[1])
	phase := strings.ToLower(texts["phase"])
	s.phase.set(phase)
	if scope, ok := sightglassScopes[phase]; ok {
		s.scope.set(string(scope))
	}
	s.event.set(event)
	s.count(event).set(numbers[2])
	s.others.set(others)
}

// count returns the column of an event, which it makes when the event is new.
func (s *sightglassTrace) count(event string) column[int64] {
	at, ok := s.counts[event]
	if !ok {
		c := known("count."+event, sightglassUnits[event], "", "count of the event; null in rows of others")
		if c.Unit == "cycles" || c.Unit == "ns" || c.Unit == "us" {
			c.Role = assay.RoleSample
		}
		at = s.trace.int(c)
		s.counts[event] = at
	}
	return at
}
