// Package pins is assay.lock: what each name of a workspace meant when its results
// were made, by digest.
//
// It reads and changes that one file. Whether the archive has what the file names
// it does not know.
package pins

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/settings"
)

// File is the name of a lock. It is to be committed.
const File = "assay.lock"

const format = "assay.lock.v1"

const maxLock = 256 << 20 // bytes

// A Lock holds all pins of a workspace: what a name meant when the results
// were made. Map keys are sorted when it is written, one pin a line or block,
// so that version control can merge it.
type Lock struct {
	Format      string                          `json:"format"`
	Workloads   map[string]assay.Digest         `json:"workloads"`                 // name -> manifest
	Origins     map[string]Origin               `json:"origins,omitempty"`         // name -> where the workload came from, if from a registry
	Runtimes    map[string]assay.RuntimeVersion `json:"runtimes"`                  // as last used
	Pinned      map[string]assay.Digest         `json:"pinned_runtimes,omitempty"` // name -> manifest of its program
	Imports     map[string]Import               `json:"imports,omitempty"`         // by name
	Claims      map[string]Judgement            `json:"claims,omitempty"`          // by claim and evidence: "wasmedge-100x@imports/long2020"
	Experiments map[assay.Digest]Experiment     `json:"experiments"`               // experiment digest -> run
	Figures     map[string]Figure               `json:"figures"`                   // by name
}

// An Origin is what a workload was pinned as.
type Origin struct {
	Reference string       `json:"reference"` // as it was written: with a tag, say
	Digest    assay.Digest `json:"digest"`    // what the registry had it for then
}

// An Experiment is the run that answers an experiment.
type Experiment struct {
	Name     string       `json:"name"`
	Run      string       `json:"run"`
	Manifest assay.Digest `json:"manifest"` // the run's OCI manifest
}

// An Import is what an import's name means.
type Import struct {
	Manifest assay.Digest `json:"manifest"` // the import's OCI manifest
	Importer string       `json:"importer"` // the kind of files
	Sources  assay.Digest `json:"sources"`  // digest of the canonical JSON of the paths and digests of all files
}

// A Figure pins everything a figure's bytes depend on, and the bytes.
type Figure struct {
	Manifest assay.Digest            `json:"manifest"` // the figure's OCI manifest
	Module   assay.Digest            `json:"module"`
	Tables   []assay.FigureTable     `json:"tables"`
	Outputs  map[string]assay.Digest `json:"outputs"`
}

// A Judgement is that of a claim by one run or import.
type Judgement struct {
	Claim    string        `json:"claim"` // its ID
	Manifest assay.Digest  `json:"manifest"`
	Verdict  assay.Verdict `json:"verdict"`
}

// Read reads the lock of the workspace at root; there being none is an empty one.
func Read(root string) (Lock, error) { return read(filepath.Join(root, File)) }

func read(path string) (Lock, error) {
	b, err := plainfile.Read(path, maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		b = []byte(`{"format":"` + format + `"}`)
	} else if err != nil {
		return Lock{}, fmt.Errorf("read lock: %w", err)
	}
	l, err := parse(b)
	if err != nil {
		return l, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// parse parses a lock. Its maps are never nil.
func parse(b []byte) (Lock, error) {
	var l Lock
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return l, fmt.Errorf("%w; restore it from version control", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("there is something behind the end of the JSON object; restore it from version control")
	}
	if l.Format != format {
		return l, fmt.Errorf("format %q: this assay reads %q: use a newer one", l.Format, format)
	}
	for name, f := range l.Figures {
		if name == "" {
			return l, errors.New("a figure without a name")
		}
		for format := range f.Outputs {
			if assay.OutputType(format) == "" {
				return l, fmt.Errorf("figure %s: format %q: want svg, png, pdf or txt", name, format)
			}
		}
	}
	for name, o := range l.Origins {
		if _, err := registry.ParseReference(o.Reference); err != nil {
			return l, fmt.Errorf("origin of workload %s: %w", name, err)
		}
	}
	if l.Origins == nil {
		l.Origins = map[string]Origin{}
	}
	if l.Imports == nil {
		l.Imports = map[string]Import{}
	}
	if l.Workloads == nil {
		l.Workloads = map[string]assay.Digest{}
	}
	if l.Pinned == nil {
		l.Pinned = map[string]assay.Digest{}
	}
	if l.Runtimes == nil {
		l.Runtimes = map[string]assay.RuntimeVersion{}
	}
	if l.Experiments == nil {
		l.Experiments = map[assay.Digest]Experiment{}
	}
	if l.Figures == nil {
		l.Figures = map[string]Figure{}
	}
	if l.Claims == nil {
		l.Claims = map[string]Judgement{}
	}
	return l, nil
}

// SetWorkload pins a workload. Origin is nil for one that is from no registry;
// its reference means this workload now, and no other one.
func (l *Lock) SetWorkload(name string, manifest assay.Digest, origin *Origin) {
	l.Workloads[name] = manifest
	delete(l.Origins, name)
	if origin != nil {
		maps.DeleteFunc(l.Origins, func(_ string, o Origin) bool { return o.Reference == origin.Reference })
		l.Origins[name] = *origin
	}
}

// Amend changes the lock of the workspace at root: read, change, write durably,
// with other processes kept out meanwhile. After an error of change it stays as
// it is.
func Amend(ctx context.Context, root string, change func(*Lock) error) error {
	release, err := mutex.Exclude(ctx, filepath.Join(root, settings.Folder, "lock.mutex"))
	if err != nil {
		return fmt.Errorf("update lock: %w", err)
	}
	defer release()
	path := filepath.Join(root, File)
	l, err := read(path)
	if err != nil {
		return err
	}
	if err := change(&l); err != nil {
		return err
	}
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("update lock: %w", err)
	}
	if err := durable.Write(path, append(b, '\n')); err != nil {
		return fmt.Errorf("update lock: %w", err)
	}
	return nil
}

// Newest returns the latest run that the lock has of those that are so; a zero
// one if it has none.
func (l Lock) Newest(is func(Experiment) bool) Experiment {
	var latest Experiment
	for _, e := range l.Experiments {
		if is(e) && e.Run > latest.Run {
			latest = e
		}
	}
	return latest
}

// Names lists what people call the things that the lock names.
func (l Lock) Names() string {
	var all []string
	for _, kind := range []struct {
		name  string
		names []string
	}{
		{"workloads", slices.Sorted(maps.Keys(l.Workloads))}, {"imports", slices.Sorted(maps.Keys(l.Imports))}, {"figures", slices.Sorted(maps.Keys(l.Figures))}, {"judgements", slices.Sorted(maps.Keys(l.Claims))},
	} {
		if len(kind.names) > 0 || kind.name == "workloads" {
			all = append(all, kind.name+" "+failure.Listed(kind.names))
		}
	}
	return strings.Join(all, "; ")
}

// A Pin is one digest that the lock names.
type Pin struct {
	Name, Remedy string // what it is of, and what makes it again
	Digest       assay.Digest
}

// Pins returns every digest that the lock names and the archive must have.
func (l Lock) Pins() []Pin {
	var all []Pin
	for _, name := range slices.Sorted(maps.Keys(l.Workloads)) {
		all = append(all, Pin{"workload " + name, "assay pin its folder", l.Workloads[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Pinned)) {
		all = append(all, Pin{"runtime " + name, "assay pin --runtime it", l.Pinned[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Imports)) {
		all = append(all, Pin{"import " + name, "assay import its files", l.Imports[name].Manifest})
	}
	for _, e := range l.Experiments {
		all = append(all, Pin{"run " + e.Run, "assay run --rerun its experiment", e.Manifest})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Figures)) {
		f := l.Figures[name]
		add := func(what string, d assay.Digest) {
			all = append(all, Pin{"figure " + name + what, "draw it again", d})
		}
		add("", f.Manifest)
		add(", module", f.Module)
		for i, t := range f.Tables {
			add(fmt.Sprintf(", table %d", i), t.Digest)
			add(fmt.Sprintf(", trace of table %d", i), t.Trace)
		}
		for _, format := range slices.Sorted(maps.Keys(f.Outputs)) {
			add(", "+format, f.Outputs[format])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Claims)) {
		all = append(all, Pin{"judgement " + name, "judge it again: assay claims check", l.Claims[name].Manifest})
	}
	return all
}
