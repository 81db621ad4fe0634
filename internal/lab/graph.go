package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/plans"
)

// Graph returns what the thing that ref names was made from, and what was made
// from it: a workload, figure, experiment or run by name, or by the digest of
// its manifest, trace, table, or a part of it. Without a ref it is what
// assay.lock pins and all that was made from. The IDs are of the nodes that ref
// names. What cannot be read is a node with a problem; then the error, beside
// the graph, matches failure.ErrIncomplete, or is of something corrupt.
func (w *Workspace) Graph(ctx context.Context, ref string) (g graph.Graph, ids []string, err error) {
	lock, err := w.Lock()
	if err != nil {
		return g, nil, err
	}
	p := &provenance{w: w, known: map[string]bool{}, runs: map[string]Listed{}, experiments: map[assay.Digest]bool{}}
	listed, err := w.Runs(ctx, RunFilter{})
	p.unlisted = err
	for _, l := range listed {
		if !l.Manifest.IsZero() {
			p.runs[l.ID] = l
			p.run(ctx, l)
		}
	}
	for r, err := range w.Store.Refs(ctx, "imports") {
		if err != nil {
			return g, nil, err
		}
		p.imported(ctx, r.Digest, "")
	}
	for _, kind := range []string{"noise", "claims"} {
		for r, err := range w.Store.Refs(ctx, kind) {
			if err != nil {
				return g, nil, err
			}
			if kind == "noise" {
				p.noise(ctx, r.Digest)
			} else {
				p.claim(ctx, r.Digest, "")
			}
		}
	}
	p.locked(ctx, lock)
	for r, err := range w.Store.Refs(ctx, "figures") {
		if err != nil {
			return g, nil, err
		}
		p.figure(ctx, r.Digest, "")
	}
	for r, err := range w.Store.Refs(ctx, "workloads") {
		if err != nil {
			return g, nil, err
		}
		p.workload(ctx, r.Digest, "")
	}
	g = graph.New(p.nodes, p.edges)
	if ref == "" {
		if g = g.Behind(p.pinned(lock)...); len(g.Nodes) == 0 {
			return g, nil, failure.Usagef("graph: %s pins nothing yet: pin or run something first", pins.File)
		}
	} else {
		if ids, err = w.graphIDs(ctx, lock, g, ref); err != nil {
			return graph.Graph{}, nil, err
		}
		g = g.Around(ids...)
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if o, ok := lock.Origins[n.Name]; ok && n.Kind == graph.Workload && lock.Workloads[n.Name] == n.Digest {
			n.Facts = append(n.Facts, graph.Fact{Label: "pinned as", Value: o.Reference})
		}
		p.complete(ctx, n)
	}
	return g, ids, p.err()
}

// pinned lists what the lock pins, and the traces of its runs.
func (p *provenance) pinned(lock pins.Lock) []string {
	var ids []string
	for _, d := range lock.Workloads {
		ids = append(ids, d.String())
	}
	for _, e := range lock.Experiments {
		ids = append(ids, e.Manifest.String(), p.runs[e.Run].Trace.String())
	}
	for _, imp := range lock.Imports {
		ids = append(ids, imp.Manifest.String())
		for _, e := range p.edges {
			if e.From == imp.Manifest.String() { // to a trace
				ids = append(ids, e.To)
			}
		}
	}
	for _, f := range lock.Figures {
		ids = append(ids, f.Manifest.String())
	}
	for _, c := range lock.Claims {
		ids = append(ids, c.Manifest.String())
	}
	return ids
}

// graphIDs finds the nodes that ref names.
func (w *Workspace) graphIDs(ctx context.Context, lock pins.Lock, g graph.Graph, ref string) ([]string, error) {
	if d, ok := lock.Workloads[ref]; ok {
		return []string{d.String()}, nil
	}
	if f, ok := lock.Figures[ref]; ok {
		return []string{f.Manifest.String()}, nil
	}
	if c, ok := lock.Claims[ref]; ok {
		return []string{c.Manifest.String()}, nil
	}
	if name, ok := strings.CutPrefix(ref, "imports/"); ok {
		imp, err := w.findImport(ctx, name)
		return []string{imp.Manifest.String()}, err
	}
	var named, parts []string
	var kind graph.Kind // of what is named: the first there is, as nodes are in order
	for _, n := range g.Nodes {
		if n.ID == ref || n.Name == ref && (kind == "" || kind == n.Kind) {
			named, kind = append(named, n.ID), n.Kind
		}
		if slices.ContainsFunc(n.Parts, func(p graph.Part) bool { return p.Digest.String() == ref }) {
			parts = append(parts, n.ID)
		}
	}
	if len(named) > 0 {
		return named, nil
	}
	if len(parts) > 0 {
		return parts, nil
	}
	run, err := w.FindRun(ctx, ref)
	if errors.Is(err, errNoRun) {
		return nil, failure.Usagef(`nothing is called %q: there are %s; and the runs that "assay runs" lists`, ref, lock.Names())
	}
	if err != nil {
		return nil, err
	}
	for _, n := range g.Nodes {
		if n.Kind == graph.Run && n.Name == run.ID {
			return []string{n.ID}, nil
		}
	}
	return nil, fmt.Errorf("run %s: the list of runs lacks it", run.ID)
}

// A provenance is a graph that is being gathered.
type provenance struct {
	w           *Workspace
	nodes       []graph.Node
	edges       []graph.Edge
	known       map[string]bool   // IDs of nodes
	runs        map[string]Listed // by ID
	experiments map[assay.Digest]bool
	problems    []error // of nodes
	unlisted    error   // of runs that cannot be listed
}

func (p *provenance) add(n graph.Node, from ...string) {
	p.nodes, p.known[n.ID] = append(p.nodes, n), true
	for _, id := range from {
		p.edges = append(p.edges, graph.Edge{From: id, To: n.ID})
	}
}

// node returns a node that is named by its digest.
func node(kind graph.Kind, name string, d assay.Digest) graph.Node {
	return graph.Node{ID: d.String(), Kind: kind, Name: name, Digest: d}
}

// fail notes that a node cannot be read.
func (p *provenance) fail(n *graph.Node, err error) {
	n.Problem = problemOf(err)
	p.problems = append(p.problems, fmt.Errorf("%s %s: %w", n.Kind, n.Name, err))
}

func problemOf(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "the archive lacks it"
	}
	return err.Error()
}

// err says that something is not as it should be. What it is stands in the
// nodes, but for runs that no list has.
func (p *provenance) err() error {
	if len(p.problems) == 0 {
		return p.unlisted
	}
	class := failure.ErrIncomplete
	if Corrupt(errors.Join(p.problems...)) {
		class = artifacts.ErrCorrupt
	}
	err := fmt.Errorf(`graph: %d missing or damaged: "assay pull" gets them from a store, "assay store check" says more`, len(p.problems))
	return errors.Join(failure.Classed(class, err), p.unlisted)
}

// run adds a run as far as a list knows it, its trace, and its experiment with
// the workloads, which is read once.
func (p *provenance) run(ctx context.Context, l Listed) {
	p.add(node(graph.Run, l.ID, l.Manifest), l.Experiment.String())
	trace := node(graph.Trace, "", l.Trace)
	trace.Facts = []graph.Fact{{Label: "invocations", Value: Outcomes(l.Outcomes)}}
	p.add(trace, l.Manifest.String())
	if p.experiments[l.Experiment] {
		return
	}
	p.experiments[l.Experiment] = true
	n := node(graph.Experiment, l.Name, l.Experiment)
	var exp assay.Experiment
	a, err := oci.ReadArtifact(ctx, p.w.Store, l.Manifest)
	if err == nil {
		err = p.w.readLayer(ctx, a, experimentType, &exp)
	}
	if err != nil {
		p.fail(&n, err)
	}
	var workloads []string
	for _, wl := range exp.Workloads {
		workloads = append(workloads, wl.Manifest.String())
		p.add(workloadNode(wl))
	}
	n.Facts = protocolFacts(exp.Protocol)
	if len(exp.Runtimes) > 0 {
		n.Facts = append(n.Facts, graph.Fact{Label: "runtimes", Value: strings.Join(exp.Runtimes, ", ")})
	}
	p.add(n, workloads...)
}

func protocolFacts(p assay.Protocol) []graph.Fact {
	var facts []graph.Fact
	add := func(label, format string, args ...any) {
		facts = append(facts, graph.Fact{Label: label, Value: fmt.Sprintf(format, args...)})
	}
	for _, how := range plans.Shapes(p) { // a stranger's record may have several, or none
		switch calls := how.Calls - how.WarmCalls; {
		case calls > 0:
			add(how.Name, "%d calls in each of %d invocations a trial", calls, how.Blocks-how.Warmup)
		default:
			add(how.Name, "%d invocations a trial", how.Blocks-how.Warmup)
		}
	}
	if p.CPUs != "" {
		add("processors", "%s", p.CPUs)
	}
	if p.Padding > 0 {
		add("padding", "the environment is longer by up to %d bytes", p.Padding)
	}
	if p.Control {
		add("control", "the first runtime is there twice")
	}
	return facts
}

func workloadNode(wl assay.Workload) graph.Node {
	n := node(graph.Workload, wl.Name, wl.Manifest)
	n.Parts = workloadParts(wl)
	for _, key := range slices.Sorted(maps.Keys(wl.Source)) {
		if d, err := assay.ParseDigest(wl.Source[key]); err == nil {
			n.Parts = append(n.Parts, graph.Part{Name: strings.Replace(key, "digest", "source", 1), Digest: d})
		} else {
			n.Facts = append(n.Facts, graph.Fact{Label: key, Value: wl.Source[key]})
		}
	}
	return n
}

// workload adds a workload that may be in no experiment.
func (p *provenance) workload(ctx context.Context, d assay.Digest, name string) {
	if p.known[d.String()] {
		return
	}
	wl, err := oci.Workload(ctx, p.w.Store, d)
	n := workloadNode(wl)
	if err != nil {
		n = node(graph.Workload, name, d)
		p.fail(&n, err)
	}
	p.add(n)
}

// locked adds what the lock pins, even if the archive lacks it.
func (p *provenance) locked(ctx context.Context, lock pins.Lock) {
	for _, name := range slices.Sorted(maps.Keys(lock.Workloads)) {
		p.workload(ctx, lock.Workloads[name], name)
	}
	for digest, e := range lock.Experiments {
		if _, ok := p.runs[e.Run]; ok {
			continue
		}
		n := node(graph.Run, e.Run, e.Manifest)
		p.fail(&n, fmt.Errorf("run %s: %w", e.Run, fs.ErrNotExist))
		p.add(n, digest.String())
		p.add(node(graph.Experiment, e.Name, digest))
	}
	for _, name := range slices.Sorted(maps.Keys(lock.Imports)) {
		p.imported(ctx, lock.Imports[name].Manifest, name)
	}
	for _, name := range slices.Sorted(maps.Keys(lock.Figures)) {
		p.figure(ctx, lock.Figures[name].Manifest, name)
	}
	for _, name := range slices.Sorted(maps.Keys(lock.Claims)) {
		p.claim(ctx, lock.Claims[name].Manifest, name)
	}
}

// figure adds a figure and its tables.
func (p *provenance) figure(ctx context.Context, d assay.Digest, name string) {
	if p.known[d.String()] {
		return
	}
	n := node(graph.Figure, name, d)
	var f assay.Figure
	a, err := oci.ReadArtifact(ctx, p.w.Store, d)
	if err == nil {
		err = p.w.readLayer(ctx, a, figureType, &f)
	}
	if err != nil {
		p.fail(&n, err)
		p.add(n)
		return
	}
	n.Name = f.Name
	n.Parts = append(n.Parts, graph.Part{Name: "module", Digest: f.Module})
	for _, l := range a.Layers {
		if l.MediaType == sourceType {
			n.Parts = append(n.Parts, graph.Part{Name: "source", Digest: l.Digest})
		}
	}
	for _, format := range slices.Sorted(maps.Keys(f.Outputs)) {
		n.Parts = append(n.Parts, graph.Part{Name: format, Digest: f.Outputs[format]})
	}
	var tables []string
	for _, t := range f.Tables {
		tables = append(tables, t.Digest.String())
		table := node(graph.Table, "", t.Digest)
		table.Facts = []graph.Fact{{Label: "columns", Value: strings.Join(t.Columns, ", ")}}
		p.add(table, t.Trace.String())
		_, isThere := p.runs[t.Run] // and so is its trace
		switch {
		case t.Import != "":
			p.ofImport(ctx, a, t)
		case !isThere:
			p.lostRun(t)
		}
	}
	p.add(n, tables...)
}

// imported adds an import and its traces.
func (p *provenance) imported(ctx context.Context, d assay.Digest, name string) {
	if p.known[d.String()] {
		return
	}
	imp, err := p.w.archivedImport(ctx, d)
	if err != nil {
		n := node(graph.Import, name, d)
		p.fail(&n, err)
		p.add(n)
		return
	}
	n := node(graph.Import, imp.Name, d)
	n.Facts = []graph.Fact{{Label: "files", Value: fmt.Sprintf("%d, as %s", len(imp.Sources), imp.Importer)}}
	for _, s := range imp.Sources {
		n.Parts = append(n.Parts, graph.Part{Name: s.Path, Digest: s.Digest})
	}
	p.add(n)
	for _, t := range imp.Traces {
		trace := node(graph.Trace, imp.Name+"/"+t.Name, t.Trace)
		trace.Facts = []graph.Fact{{Label: "rows", Value: strconv.FormatInt(t.Rows, 10)}}
		p.add(trace, n.ID)
	}
}

// ofImport adds the import that a figure's table is of: the figure names it,
// though no other thing may.
func (p *provenance) ofImport(ctx context.Context, a oci.Artifact, t assay.FigureTable) {
	var named []assay.Digest
	if a.Subject != nil {
		named = append(named, a.Subject.Digest)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Blobs)) {
		named = append(named, a.Blobs[name])
	}
	for _, d := range named {
		imp, err := p.w.archivedImport(ctx, d)
		if err == nil && imp.Name == t.Import && slices.ContainsFunc(imp.Traces, func(it assay.ImportTrace) bool { return it.Trace == t.Trace }) {
			p.imported(ctx, d, t.Import)
			return
		}
	}
	n := graph.Node{ID: "import " + t.Import, Kind: graph.Import, Name: t.Import}
	p.fail(&n, fs.ErrNotExist)
	p.add(n)
	p.add(node(graph.Trace, t.Import+"/"+t.Of, t.Trace), n.ID)
}

// lostRun adds the run and the trace of a table as far as the table tells.
func (p *provenance) lostRun(t assay.FigureTable) {
	id := "run " + t.Run
	n := graph.Node{ID: id, Kind: graph.Run, Name: t.Run}
	for _, known := range p.nodes {
		if known.Kind == graph.Run && known.Name == t.Run {
			id = known.ID // by the lock
		}
	}
	if id == n.ID {
		p.fail(&n, fs.ErrNotExist)
		p.add(n)
	}
	p.add(node(graph.Trace, "", t.Trace), id)
}

// noise adds a noise certificate.
func (p *provenance) noise(ctx context.Context, d assay.Digest) {
	if p.known[d.String()] {
		return
	}
	c, err := p.w.archivedNoise(ctx, d)
	n := node(graph.Noise, strings.TrimSpace(c.Workload+" "+c.Runtime), d)
	if err != nil {
		p.fail(&n, err)
		p.add(n)
		return
	}
	for _, f := range c.Floors {
		n.Facts = append(n.Facts, graph.Fact{Label: f.Metric, Value: fmt.Sprintf("%.2f%%", 100*f.Floor)})
	}
	p.add(n, p.runs[c.Run].Trace.String())
}

// claim adds a judgement, which is made from the trace that it was judged by, or
// else from the run or import, and from the noise of the host.
func (p *provenance) claim(ctx context.Context, d assay.Digest, name string) {
	if p.known[d.String()] {
		return
	}
	j, _, err := p.w.archivedJudgement(ctx, d)
	n := node(graph.Claim, cmp.Or(j.Claim.ID, name), d)
	if err != nil {
		p.fail(&n, err)
		p.add(n)
		return
	}
	n.Facts = []graph.Fact{{Label: "verdict", Value: string(j.Verdict)}}
	from := []string{j.Evidence.String()}
	if !j.Trace.IsZero() && p.known[j.Trace.String()] {
		from[0] = j.Trace.String()
	}
	if !j.Noise.IsZero() {
		p.noise(ctx, j.Noise)
		from = append(from, j.Noise.String())
	}
	p.add(n, from...)
}
