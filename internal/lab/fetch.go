package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/stores"
)

// PullOptions are those of a pull from a registry.
type PullOptions struct {
	PlainHTTP bool  // as in registry.Options
	MaxBytes  int64 // as in registry.Options

	Progress func(stores.Transfer) `json:"-"`
}

// A Fetched is what a registry gave.
type Fetched struct {
	Reference string       `json:"reference"` // REGISTRY/REPOSITORY:TAG@sha256:…
	Name      string       `json:"name"`      // as in Pushed
	Digest    assay.Digest `json:"digest"`
	Refs      []string     `json:"refs"`             // in the archive, now
	Pinned    []string     `json:"pinned,omitempty"` // names of these that assay.lock has now
	Kept      []string     `json:"kept,omitempty"`   // names that mean something else here, which they still do
	Skipped   []Skipped    `json:"skipped,omitempty"`
}

// A Skipped is something beside what was asked for that nothing refers to, since
// it is not as it should be: anyone can attach it.
type Skipped struct {
	Digest assay.Digest `json:"digest"`
	Why    string       `json:"why"`
}

// IsRegistry reports whether ref is meant to name something in a registry, for
// Fetch, which says what is wrong with it if need be.
func IsRegistry(ref string) bool {
	r, err := parseRef("", ref)
	return r.kind == ociRef || err != nil && registry.IsReference(ref)
}

// Fetch gets from a registry what Push made it hold: a workload, run, import or
// figure with its whole graph. The name, unless "", must be that of what comes:
// its digest, its name, or a run's ID.
//
// The archive gets references to all workloads, runs, imports and figures among
// it, and assay.lock all but the runs, under names that it does not have yet;
// what is fetched by name takes that name in any case. A run that is fetched
// answers no experiment here: "assay run" still measures.
func (w *Workspace) Fetch(ctx context.Context, name, from string, opts PullOptions) (Fetched, error) {
	ref, err := registry.ParseReference(from)
	if err != nil {
		return Fetched{}, failure.Usagef("pull: %w", err)
	}
	remote := registry.Options{PlainHTTP: opts.PlainHTTP, MaxBytes: opts.MaxBytes}
	if d, err := assay.ParseDigest(name); err == nil {
		if !ref.Digest.IsZero() && ref.Digest != d {
			return Fetched{}, failure.Usagef("pull: %v is not %s", d, from)
		}
		ref.Digest, ref.Tag = d, ""
	}
	if ref.Tag == "" && ref.Digest.IsZero() {
		if ref.Tag, err = tagOf(ctx, name, ref, remote); err != nil {
			return Fetched{}, fmt.Errorf("pull: %w", err)
		}
	}
	var out Fetched
	_, err = registry.Pull(ctx, w.Archive, ref, registry.PullOptions{
		Options: remote, Progress: asTransfer(opts.Progress),
		Keep: func(p registry.Pulled) (err error) {
			ref.Digest = p.Root.Digest
			in := intake{w: w, ref: ref, byName: name != ""}
			out, err = in.take(ctx, p, name)
			return err
		},
	})
	return out, err
}

// tagOf finds the tag that Push gives what has that name.
func tagOf(ctx context.Context, name string, ref registry.Reference, opts registry.Options) (string, error) {
	if name != "" {
		for _, kind := range []string{"workloads/", "figures/", "imports/", "runs/", "claims/"} {
			ref.Tag = tag(kind + assay.Filename(name))
			_, err := registry.Resolve(ctx, ref, opts)
			if err == nil {
				return ref.Tag, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
		}
		ref.Tag = ""
	}
	return "", failure.Usagef("%v: name a version: :TAG or @sha256:…", ref)
}

// An intake sorts what came from a registry: it is a stranger's until then.
type intake struct {
	w      *Workspace
	ref    registry.Reference
	byName bool // the root was asked for by name
	found  []arrival
	out    Fetched
}

// An arrival is something that gets a reference.
type arrival struct {
	stores.Value
	called   string        // by people: a run's ID, any other's name
	figure   *assay.Figure // of a figure
	imported *Imported     // of an import
	judged   *Judged       // of a judgement
}

// take names what was pulled. The root, which is asked for by name unless that
// is "", has to be in order.
func (in *intake) take(ctx context.Context, p registry.Pulled, name string) (Fetched, error) {
	for _, s := range p.Skipped {
		in.skip(s.Digest, s.Err)
	}
	for _, m := range p.Manifests {
		err := in.sort(ctx, m)
		if err != nil && (m.Digest == p.Root.Digest || ctx.Err() != nil) {
			return in.out, fmt.Errorf("%v: %w", m.Digest, err)
		}
		if err != nil {
			in.skip(m.Digest, err)
		}
	}
	if len(in.found) == 0 || in.found[0].Digest != p.Root.Digest {
		return in.out, failure.Usagef(`no workload, run, import or figure of assay's: "assay pin %v" makes a workload of a module or a container image`, in.written())
	}
	if root := in.found[0]; name != "" && name != root.Digest.String() && name != root.called {
		return in.out, fmt.Errorf("it is %s, not %s; nothing refers to what was fetched", root.Name, name)
	}
	return in.keep(ctx)
}

func (in *intake) skip(d assay.Digest, err error) {
	in.out.Skipped = append(in.out.Skipped, Skipped{d, err.Error()})
}

// sort notes what a manifest is.
func (in *intake) sort(ctx context.Context, m oci.Descriptor) error {
	w := in.w
	switch m.ArtifactType {
	case runType:
		run, err := w.archivedRun(ctx, m.Digest)
		if err != nil {
			return err
		}
		if run.ID == "" || assay.Filename(run.ID) != run.ID {
			return fmt.Errorf("a run with the ID %q: %w", run.ID, oci.ErrInvalid)
		}
		return in.add(arrival{Value: stores.Value{Name: "runs/" + run.ID, Digest: m.Digest}, called: run.ID})
	case importType:
		imp, err := w.archivedImport(ctx, m.Digest)
		if err != nil {
			return err
		}
		return in.add(arrival{Value: stores.Value{Name: "imports/" + assay.Filename(imp.Name), Digest: m.Digest}, called: imp.Name, imported: &imp})
	case claimType:
		return in.sortJudgement(ctx, m.Digest)
	case noiseType:
		if _, err := w.archivedNoise(ctx, m.Digest); err != nil {
			return err
		}
		// Its host may look like one of ours: noise/HOST is what was measured here.
		return in.add(arrival{Value: stores.Value{Name: attached + m.Digest.Hex(), Digest: m.Digest}})
	case figureType:
		return in.sortFigure(ctx, m.Digest)
	case runtimeType:
		p, _, err := w.pinnedRuntime(ctx, m.Digest)
		if err != nil {
			return err
		}
		return in.add(arrival{Value: stores.Value{Name: pinnedRef(p.Name, m.Digest), Digest: m.Digest}})
	}
	b, err := w.Store.ReadAll(ctx, m.Digest, oci.ManifestLimit)
	if err != nil {
		return err
	}
	if wl, err := oci.ParseWorkload(b); err == nil {
		if _, err := w.imported(ctx, m.Digest); err != nil {
			return err
		}
		return in.add(arrival{Value: stores.Value{Name: "workloads/" + assay.Filename(wl.Name), Digest: m.Digest}, called: wl.Name})
	}
	for _, l := range oci.Links(b) {
		if l.Kind == oci.Subject { // others' too: an SBOM, a signature
			return in.add(arrival{Value: stores.Value{Name: attached + m.Digest.Hex(), Digest: m.Digest}})
		}
	}
	return nil
}

// attached begins the names of references to artifacts that have none of their
// own, and are about something.
const attached = "links/attached/"

func (in *intake) sortFigure(ctx context.Context, d assay.Digest) error {
	a, err := oci.ReadArtifact(ctx, in.w.Store, d)
	if err != nil {
		return err
	}
	var f assay.Figure
	if err := in.w.readLayer(ctx, a, figureType, &f); err != nil {
		return err
	}
	if f.Format != assay.FigureFormat {
		return fmt.Errorf("a figure of format %q: this assay reads %q", f.Format, assay.FigureFormat)
	}
	if err := checkName(f.Name); err != nil {
		return fmt.Errorf("a figure: %w: %w", err, oci.ErrInvalid)
	}
	for format := range f.Outputs {
		if assay.OutputType(format) == "" {
			return fmt.Errorf("figure %s: format %q: %w", f.Name, format, oci.ErrInvalid)
		}
	}
	return in.add(arrival{Value: stores.Value{Name: "figures/" + assay.Filename(f.Name), Digest: d}, called: f.Name, figure: &f})
}

// sortJudgement notes a judgement, whose evidence must be what it says.
func (in *intake) sortJudgement(ctx context.Context, d assay.Digest) error {
	j, _, err := in.w.archivedJudgement(ctx, d)
	if err != nil {
		return err
	}
	name, err := in.w.judgementName(ctx, j)
	if err != nil {
		return fmt.Errorf("a judgement: %w", err)
	}
	return in.add(arrival{Value: stores.Value{Name: "claims/" + assay.Filename(name), Digest: d}, called: name, judged: &j})
}

func (in *intake) add(a arrival) error {
	if err := artifacts.CheckRefName(a.Name); err != nil {
		return err
	}
	if len(a.Name) > stores.MaxName {
		return fmt.Errorf("%.40s…: a name of %d bytes, more than %d: %w", a.Name, len(a.Name), stores.MaxName, oci.ErrInvalid)
	}
	in.found = append(in.found, a)
	return nil
}

// keep sets the references and pins what is to be pinned.
func (in *intake) keep(ctx context.Context) (Fetched, error) {
	root, out := in.found[0], &in.out
	out.Reference, out.Name, out.Digest = in.ref.String(), root.Name, root.Digest
	for i, a := range in.found {
		name, err := in.free(ctx, a, i == 0 && in.byName)
		if i > 0 && errors.Is(err, artifacts.ErrConflict) {
			in.skip(a.Digest, err)
			continue
		}
		if err != nil {
			return *out, err
		}
		if name != a.Name {
			out.Kept = append(out.Kept, a.Name)
		}
		if err := in.w.setRef(ctx, name, a.Digest); err != nil {
			return *out, err
		}
		out.Refs = append(out.Refs, name)
	}
	if in.w.Config.Lock == settings.KeepLock {
		return *out, nil
	}
	err := in.w.updateLock(ctx, func(l *pins.Lock) {
		for i, a := range in.found {
			if in.pin(ctx, l, a, i == 0) {
				out.Pinned = append(out.Pinned, a.called)
			}
		}
	})
	return *out, err
}

// free returns the reference that a gets: its own name, unless that names
// something else here.
func (in *intake) free(ctx context.Context, a arrival, take bool) (string, error) {
	had, err := in.w.Archive.Ref(ctx, a.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && had == a.Digest, err == nil && take && a.isNamed():
		return a.Name, nil
	case err != nil:
		return "", err
	case a.isNamed():
		return attached + a.Digest.Hex(), nil
	}
	return "", fmt.Errorf("%s is %v here and %v there: a run has one record: %w", a.Name, had, a.Digest, artifacts.ErrConflict)
}

// isNamed reports whether people chose the name, so that it can mean several
// things: that of a workload, an import, a figure or a judgement.
func (a arrival) isNamed() bool {
	return a.figure != nil || a.imported != nil || a.judged != nil || strings.HasPrefix(a.Name, "workloads/")
}

// pin pins a in the lock, if it has no such name yet or a is what was asked for
// by that, and reports whether the lock has it now.
func (in *intake) pin(ctx context.Context, l *pins.Lock, a arrival, root bool) bool {
	take := root && in.byName
	switch {
	case a.figure != nil:
		locked := pins.Figure{Manifest: a.Digest, Module: a.figure.Module, Tables: a.figure.Tables, Outputs: a.figure.Outputs}
		had, there := l.Figures[a.called]
		if there && had.Manifest != a.Digest && !take || !in.complete(ctx, locked) {
			return false
		}
		l.Figures[a.called] = locked
		return true
	case a.judged != nil:
		locked := pins.Judgement{Claim: a.judged.Claim.ID, Manifest: a.Digest, Verdict: a.judged.Verdict}
		had, there := l.Claims[a.called]
		if there && had != locked && !take {
			return false
		}
		l.Claims[a.called] = locked
		return true
	case a.imported != nil:
		had, there := l.Imports[a.called]
		locked, err := a.imported.locked()
		if err != nil || there && had != locked && !take {
			return false
		}
		l.Imports[a.called] = locked
		return true
	case a.isNamed():
		had, there := l.Workloads[a.called]
		if there && had != a.Digest && !take {
			return false
		}
		if root {
			l.SetWorkload(a.called, a.Digest, &pins.Origin{Reference: in.written(), Digest: a.Digest})
		} else {
			l.Workloads[a.called] = a.Digest
		}
		return true
	}
	return false
}

// written is the root's reference as Pin would note it.
func (in *intake) written() string {
	r := in.ref
	if r.Tag != "" {
		r.Digest = assay.Digest{}
	}
	return r.String()
}

// complete reports whether the archive has everything that a figure is made of.
func (in *intake) complete(ctx context.Context, f pins.Figure) bool {
	l := pins.Lock{Figures: map[string]pins.Figure{"": f}}
	return !slices.ContainsFunc(l.Pins(), func(p pins.Pin) bool {
		_, err := in.w.Archive.Stat(ctx, p.Digest)
		return err != nil
	})
}
