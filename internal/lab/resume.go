package lab

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/runners/filedigest"
)

// ResumeOptions say how to go on with a run.
type ResumeOptions struct {
	Ready time.Duration // wait so long at most until the host has little else to do, and do not go on if it has not; 0: go on at once
}

// Resume goes on with a run that was interrupted.
func (w *Workspace) Resume(ctx context.Context, ref string, opts ResumeOptions, watcher Watcher) (assay.Run, error) {
	if err := checkReady(opts.Ready); err != nil {
		return assay.Run{}, err
	}
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	exp, err := w.liveExperiment(run)
	if err != nil {
		return run, err
	}
	frozen, err := w.freezeHere(ctx, exp)
	if err != nil {
		return run, err
	}
	if opts.Ready > 0 && run.State != assay.Running {
		_, changes, err := w.left(run, frozen)
		if err != nil {
			return run, err
		}
		if len(changes) > 0 {
			return run, refused(run, changes)
		}
		if frozen.host, err = awaitReady(ctx, w.Local.Host, exp.Name, opts.Ready, watcher); err != nil {
			return run, err
		}
	}
	return w.carryOn(ctx, run.ID, frozen, false, watcher)
}

// left returns how many invocations of a run are not recorded, and what has
// changed since it began, so that f cannot go on with it: half of the samples
// would be of something else. Where none is left nothing has to go on.
func (w *Workspace) left(run assay.Run, f frozen) (left int, changes []string, err error) {
	plan, err := w.livePlan(run)
	if err != nil {
		return 0, nil, err
	}
	left = len(plan.Order) * len(plan.Trials)
	if book, err := journal.Read(filepath.Join(w.runDir(run.ID), journalFile)); err == nil { // else the agent says what it thinks of it
		left -= invocations(book.Samples)
	}
	if left == 0 {
		return 0, nil, nil
	}
	changes = changedHost(run.Host, f.host)
	for i, was := range run.Runtimes {
		changes = append(changes, changedTool(was, f.tools[i].Found)...)
	}
	if len(changes) == 0 && assay.DigestOf(f.plan) != run.Plan {
		why := "by paths, variables or the processors that may be used"
		if run.Version != Version {
			why = fmt.Sprintf("assay %s began it, and this is %s", run.Version, Version)
		}
		changes = []string{"its plan would be another one here: " + why}
	}
	return left, changes, nil
}

// refused is the error that a run is not resumed, for what has changed.
func refused(run assay.Run, changes []string) error {
	return fmt.Errorf(`run %s is not resumed with other programs or on another host than it began with: %s: put back what was there ("assay pin --runtime" keeps a program for the next time), or begin another run by "assay run --rerun", which leaves this one as it is`,
		run.ID, strings.Join(changes, "; "))
}

// changedTool says in what a runtime is not the one that it was.
func changedTool(was, now assay.RuntimeVersion) []string {
	var all []string
	if a, b := spelledTool(was), spelledTool(now); a != b {
		all = append(all, fmt.Sprintf("%s was %s, and is %s", was.Name, a, b))
	}
	if !slices.Equal(was.Loader, now.Loader) {
		all = append(all, fmt.Sprintf("%s was started by %q, and is by %q", was.Name, was.Loader, now.Loader))
	}
	if len(was.Libraries) == 0 { // the records of old runs have none
		now.Libraries = nil
	}
	digests := map[string][2]assay.Digest{} // by path: then and now
	for _, f := range slices.Concat(was.Files, was.Libraries) {
		digests[f.Path] = [2]assay.Digest{f.Digest}
	}
	for _, f := range slices.Concat(now.Files, now.Libraries) {
		digests[f.Path] = [2]assay.Digest{digests[f.Path][0], f.Digest}
	}
	for _, path := range slices.Sorted(maps.Keys(digests)) {
		if d := digests[path]; d[0] != d[1] {
			all = append(all, fmt.Sprintf("%s: %s was %s, and is %s", was.Name, path, spelledDigest(d[0]), spelledDigest(d[1])))
		}
	}
	return all
}

// spelledTool writes which program a runtime is.
func spelledTool(v assay.RuntimeVersion) string {
	switch {
	case v.Absent != "":
		return "absent (" + v.Absent + ")"
	case v.Path == "":
		return v.Origin
	}
	return fmt.Sprintf("%s %s (%s)", v.Path, v.Version, spelledDigest(v.Digest))
}

func spelledDigest(d assay.Digest) string {
	if d.IsZero() {
		return "not there"
	}
	return graph.Short(d)
}

// changedHost says in what a host is not the one that it was. What may change
// on one host while it runs is left out: hosts.Unready says it of each segment.
func changedHost(was, now assay.Host) []string {
	var all []string
	gib := func(bytes int64) string { return fmt.Sprintf("%d GiB", (bytes+1<<29)>>30) }
	for _, f := range []struct{ what, was, now string }{
		{"system", was.OS + "/" + was.Arch, now.OS + "/" + now.Arch},
		{"kernel", was.Kernel, now.Kernel},
		{"processor", was.CPU, now.CPU},
		{"number of processors", strconv.Itoa(was.Cores), strconv.Itoa(now.Cores)},
		{"memory", gib(was.Memory), gib(now.Memory)},
		{"virtual machine", was.Virtual, now.Virtual},
	} {
		if f.was != f.now {
			all = append(all, fmt.Sprintf("the host's %s was %q, and is %q", f.what, f.was, f.now))
		}
	}
	return all
}

// changedSince says which programs of a run, whose agents have ended, are not
// those any more that its record has: its samples may be of either.
func changedSince(run assay.Run, segments []journal.Segment) []string {
	var all []string
	seen := map[string]bool{}
	for _, r := range run.Runtimes {
		files := slices.Concat(r.Files, r.Libraries)
		if r.Path != "" {
			files = append([]assay.File{{Path: r.Path, Digest: r.Digest}}, files...)
		}
		for _, f := range files {
			if seen[f.Path] {
				continue
			}
			seen[f.Path] = true
			if d, err := filedigest.Of(f.Path); err != nil {
				all = append(all, fmt.Sprintf("%s: what it was is gone since the run began: %v", r.Name, err))
			} else if d != f.Digest {
				all = append(all, fmt.Sprintf("%s: %s changed since the run began: it was %v, and is %v", r.Name, f.Path, f.Digest, d))
			}
		}
	}
	for _, s := range segments {
		if s.Agent != run.Agent {
			all = append(all, fmt.Sprintf("segment %d was measured by another assay-agent, %v in place of %v", s.Segment, s.Agent, run.Agent))
		}
	}
	return all
}

// conditions says what of the host was not as one wants it when a run began,
// and what else was not when it was resumed.
func conditions(run assay.Run, segments []journal.Segment) []string {
	all := slices.Clone(run.Ready)
	for _, s := range segments {
		for _, note := range hosts.Unready(s.Host) {
			if s.Segment > 0 && !slices.Contains(run.Ready, note) {
				all = append(all, fmt.Sprintf("%s (segment %d)", note, s.Segment))
			}
		}
	}
	return all
}
