package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/graph"
)

// complete adds to a node of the final graph what only its record tells, and
// checks that the archive has it and its parts.
func (p *provenance) complete(ctx context.Context, n *graph.Node) {
	if n.Problem != "" || n.Kind == graph.Experiment {
		return
	}
	switch n.Kind {
	case graph.Workload: // so far it may be what an experiment says of it
		wl, err := oci.Workload(ctx, p.w.Store, n.Digest)
		if err != nil {
			p.fail(n, err)
			return
		}
		p.failParts(ctx, n, workloadParts(wl))
	case graph.Run:
		run, a, err := p.w.archivedArtifact(ctx, n.Digest)
		if err != nil {
			p.fail(n, err)
			return
		}
		p.completeRun(ctx, n, run, a)
	case graph.Figure, graph.Import:
		p.failParts(ctx, n, n.Parts)
	default:
		if _, err := p.w.Store.Stat(ctx, n.Digest); err != nil {
			p.fail(n, err)
		}
	}
}

func (p *provenance) completeRun(ctx context.Context, n *graph.Node, run assay.Run, a oci.Artifact) {
	n.Facts = []graph.Fact{
		{Label: "started", Value: run.Started.UTC().Format(time.DateTime)},
		{Label: "host", Value: fmt.Sprintf("%s (%s/%s, %d cores, %s)", run.Host.Name, run.Host.OS, run.Host.Arch, run.Host.Cores, run.Host.CPU)},
	}
	n.Parts = []graph.Part{{Name: "plan", Digest: run.Plan}}
	for _, l := range a.Layers {
		if l.MediaType == journalType {
			n.Parts = append(n.Parts, graph.Part{Name: "journal", Digest: l.Digest})
		}
	}
	p.failParts(ctx, n, n.Parts)
	for _, r := range run.Runtimes { // their files are of the host, and not kept
		switch {
		case !r.Digest.IsZero():
			n.Parts = append(n.Parts, graph.Part{Name: strings.TrimSpace(r.Name + " " + r.Version), Digest: r.Digest})
		case r.Absent != "":
			n.Facts = append(n.Facts, graph.Fact{Label: r.Name, Value: "absent: " + r.Absent})
		}
	}
}

// workloadParts returns what the archive must have of a workload.
func workloadParts(wl assay.Workload) []graph.Part {
	var parts []graph.Part
	part := func(name string, d assay.Digest) {
		if !d.IsZero() {
			parts = append(parts, graph.Part{Name: name, Digest: d})
		}
	}
	part("module", wl.Module)
	for _, v := range slices.Sorted(maps.Keys(wl.Variants)) {
		part("module "+string(v), wl.Variants[v])
	}
	for _, platform := range slices.Sorted(maps.Keys(wl.Native)) {
		part("native "+platform, wl.Native[platform])
	}
	for _, platform := range slices.Sorted(maps.Keys(wl.Image)) {
		part("image "+platform, wl.Image[platform])
	}
	part("stdin", wl.Stdin)
	return parts
}

// failParts notes which parts of a node the archive lacks. Their bytes are not
// read.
func (p *provenance) failParts(ctx context.Context, n *graph.Node, parts []graph.Part) {
	var problems []string
	for _, part := range parts {
		if _, err := p.w.Store.Stat(ctx, part.Digest); err != nil {
			p.problems = append(p.problems, fmt.Errorf("%s %s: %s: %w", n.Kind, n.Name, part.Name, err))
			problems = append(problems, part.Name+": "+problemOf(err))
		}
	}
	n.Problem = strings.Join(problems, "; ")
}
