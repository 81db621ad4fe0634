// Package display makes what a notebook shows of assay's results: MIME bundles
// with HTML that needs no style sheet and no script, so that it reads the same
// in JupyterLab, in a static export and on GitHub, and with plain text for
// where there is no HTML. Each bundle has its facts, digests and names, in its
// metadata (wire.Facts).
//
// It formats. It computes nothing, reads no archive and writes no file.
package display

import (
	"fmt"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// A Kind says what a display shows: the "kind" of its facts.
type Kind string

// The kinds. What Progress and Status show is of the moment: it differs from
// one execution to the next though nothing has changed.
const (
	KindProgress Kind = "progress"
	KindStatus   Kind = "status"
	KindWorkload Kind = "workload"
	KindRun      Kind = "run"
	KindFigure   Kind = "figure"
	KindClaim    Kind = "claim"
	KindRuntimes Kind = "runtimes"
	KindHosts    Kind = "hosts"
)

func bundle(kind Kind, html, text string, facts map[string]any) wire.Display {
	all := map[string]any{"kind": string(kind)}
	for k, v := range facts {
		all[k] = v
	}
	data := map[string]string{"text/plain": text}
	if html != "" {
		data["text/html"] = html
	}
	return wire.Display{Data: data, Metadata: map[string]any{wire.Facts: all}}
}

// Workload shows a pinned workload: name, digest, what it was built as.
func Workload(w assay.Workload) wire.Display {
	return bundle(KindWorkload, "", fmt.Sprintf("%s %v", w.Name, w.Manifest), map[string]any{"name": w.Name, "manifest": w.Manifest.String()})
}

// Progress shows how far a run is: a bar with done/total, rate, time left and
// the current trial. In its last state, final, it is one plain line.
func Progress(name string, p lab.Progress, final bool) wire.Display {
	return bundle(KindProgress, "", fmt.Sprintf("%s: %d of %d", name, p.Done, p.Total), map[string]any{"run": p.Run})
}

// Run shows a run: the table of its summary, failures and notes with it, and
// folded, where its numbers come from.
func Run(run assay.Run, s assay.Summary, archived bool) wire.Display {
	return bundle(KindRun, "", run.ID, map[string]any{"run": run.ID, "experiment": run.Experiment.String(), "trace": run.Trace.String()})
}

// A Badge says how a figure's bytes came about.
type Badge string

// The badges.
const (
	Sealed   Badge = "sealed"   // drawn by its sealed code for the first time
	Replayed Badge = "replayed" // drawn again: the same bytes as in the archive
	Stale    Badge = "stale"    // of a run that is no longer the one assay.lock has for its experiment
)

// Figure shows a figure as two displays, the picture and its caption: badge,
// digests and, folded, where it comes from. outputs are its bytes by format.
func Figure(d lab.Drawn, badge Badge, outputs map[string][]byte) []wire.Display {
	return []wire.Display{bundle(KindFigure, "", d.Figure.Name, map[string]any{"name": d.Figure.Name})}
}

// Judgement shows a claim, its check and the verdict.
func Judgement(j assay.Judgement) wire.Display {
	return bundle(KindClaim, "", fmt.Sprintf("%s: %s: %s", j.Claim.ID, j.Verdict, j.Reason), map[string]any{"claim": j.Claim.ID, "verdict": string(j.Verdict)})
}

// Runtimes shows what this host has of the runtimes assay knows.
func Runtimes(versions []assay.RuntimeVersion) wire.Display {
	return bundle(KindRuntimes, "", fmt.Sprintf("%d runtimes", len(versions)), nil)
}

// Hosts shows the hosts that experiments can run on.
func Hosts(hosts []assay.Host) wire.Display {
	return bundle(KindHosts, "", fmt.Sprintf("%d hosts", len(hosts)), nil)
}

// Status shows the runs that are not archived yet.
func Status(live []wire.Live) wire.Display {
	return bundle(KindStatus, "", fmt.Sprintf("%d runs in progress", len(live)), nil)
}
