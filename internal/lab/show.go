package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"go.yaml.in/yaml/v3"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/failure"
)

// Shown is something in the archive, in full.
type Shown struct {
	Kind  string // "run", "import", "workload", "figure", "judgement", "noise"
	Value any    // assay.Run, Imported, assay.Workload, Drawn, Judged or Certified
}

// Show finds what ref names: a run's ID, a workload, a figure, an experiment's
// or import's name, or the digest of a manifest of one of these.
func (w *Workspace) Show(ctx context.Context, ref string) (Shown, error) {
	lock, err := w.Lock()
	if err != nil {
		return Shown{}, err
	}
	if d, err := assay.ParseDigest(ref); err == nil {
		return w.showDigest(ctx, d)
	}
	if d, ok := lock.Workloads[ref]; ok {
		return w.showDigest(ctx, d)
	}
	if _, ok := lock.Figures[ref]; ok {
		f, err := w.lockedFigure(ctx, lock, ref)
		return Shown{"figure", f}, err
	}
	if c, ok := lock.Claims[ref]; ok {
		return w.showDigest(ctx, c.Manifest)
	}
	run, imp, err := w.evidence(ctx, ref)
	switch {
	case errors.Is(err, errNoRun):
		return Shown{}, failure.Usagef(`nothing is called %q: there are %s; and the runs that "assay runs" lists`, ref, lock.Names())
	case imp != nil:
		return Shown{"import", *imp}, nil
	case run == nil:
		return Shown{}, err
	case errors.Is(err, failure.ErrIncomplete):
		err = nil // a run in progress can be shown
	}
	return Shown{"run", *run}, err
}

func (w *Workspace) showDigest(ctx context.Context, d assay.Digest) (Shown, error) {
	a, err := oci.ReadArtifact(ctx, w.Store, d)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Shown{}, fmt.Errorf("show %v: the archive does not have it: %w", d, err)
	case err == nil && a.Type == runType:
		run, err := w.archivedRun(ctx, d)
		return Shown{"run", run}, err
	case err == nil && a.Type == claimType:
		j, _, err := w.archivedJudgement(ctx, d)
		return Shown{"judgement", j}, err
	case err == nil && a.Type == noiseType:
		c, err := w.archivedNoise(ctx, d)
		return Shown{"noise", c}, err
	case err == nil && a.Type == importType:
		imp, err := w.archivedImport(ctx, d)
		return Shown{"import", imp}, err
	case err == nil && a.Type == figureType:
		f := Drawn{Manifest: d}
		err := w.readLayer(ctx, a, figureType, &f.Figure)
		return Shown{"figure", f}, err
	}
	wl, err := oci.Workload(ctx, w.Store, d)
	if err != nil {
		return Shown{}, fmt.Errorf("show %v: neither run, import, figure, judgement nor workload: %w", d, err)
	}
	return Shown{"workload", wl}, nil
}

// WriteShown writes s for people: an import as WriteImport does, with its files,
// anything else as YAML.
func WriteShown(out io.Writer, s Shown) error {
	if imp, ok := s.Value.(Imported); ok {
		if err := WriteImport(out, imp); err != nil {
			return err
		}
		return writeSources(out, imp.Sources)
	}
	b, err := json.Marshal(s.Value)
	if err != nil {
		return err
	}
	var doc yaml.Node // JSON is YAML, and a node keeps its order
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return err
	}
	plain(&doc)
	y, err := yaml.Marshal(&doc)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "# %s\n%s", s.Kind, y)
	return err
}

// plain takes the braces and quotes of JSON from a node and all below it.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		plain(child)
	}
}
