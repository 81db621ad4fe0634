package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/agent"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/executors"
)

// The files of a run directory. The agent reads plan.json and writes journal;
// run.json is our part of the record, written before the agent starts.
const (
	planFile       = runners.PlanFile
	journalFile    = agent.JournalFile
	recordFile     = "run.json"
	experimentFile = "experiment.json"
)

// RunOptions say how to come by a run.
type RunOptions struct {
	Rerun    bool           // take new samples though the archive has some
	Detach   bool           // return when the agent has started
	Progress func(Progress) // called from one goroutine; nil: nobody watches
}

// Progress says how far a run is.
type Progress struct {
	Run         string
	Done, Total int           // planned invocations, warm-up included
	Elapsed     time.Duration // since this process began to watch
	Fresh       int           // of Done, those finished since then
	Current     string        // the trial last finished, and how
}

// A Result is a run and whether the archive had it already.
type Result struct {
	Run      assay.Run
	Archived bool
}

// Run returns the archived run that the lock has for exp. Failing that it goes
// on with a run of exp that was begun and not finished, or makes one.
//
// When ctx ends the agent is stopped: what was measured is kept, and the error
// matches ErrIncomplete and says how to go on.
func (w *Workspace) Run(ctx context.Context, exp assay.Experiment, opts RunOptions) (Result, error) {
	id, err := identity(exp)
	if err != nil {
		return Result{}, err
	}
	if !opts.Rerun {
		if run, ok, err := w.answer(ctx, exp.Name, id); ok || err != nil {
			return Result{run, true}, err
		}
	}
	run, archived, err := w.beginOnce(ctx, exp, id, opts.Rerun)
	if err != nil || archived {
		return Result{run, archived}, err
	}
	run, err = w.carryOn(ctx, run.ID, opts)
	return Result{Run: run}, err
}

// answer returns the run that the lock has for an experiment, if it has one.
func (w *Workspace) answer(ctx context.Context, name string, experiment assay.Digest) (run assay.Run, ok bool, err error) {
	lock, err := w.Lock()
	if err != nil {
		return run, false, err
	}
	locked, ok := lock.Experiments[experiment]
	if !ok {
		return run, false, nil
	}
	if run, err = w.archivedRun(ctx, locked.Manifest); err != nil {
		err = fmt.Errorf(`%s: the run that assay.lock names (%s): %w; "assay run --rerun" takes new samples`, name, locked.Run, err)
	}
	return run, true, err
}

// beginOnce returns the run of exp that was begun and is not archived, or
// begins one: of several processes that ask at once, one does. While this one
// waited for another, that one's run may have been archived.
func (w *Workspace) beginOnce(ctx context.Context, exp assay.Experiment, id assay.Digest, another bool) (run assay.Run, archived bool, err error) {
	unlock, err := lockedfile.MutexAt(w.path(runsDir, ".begin")).Lock()
	if err != nil {
		return run, false, fmt.Errorf("run %s: %w", exp.Name, err)
	}
	defer unlock()
	if !another {
		live, err := w.live(ctx)
		if err != nil {
			return run, false, err
		}
		for _, run := range slices.Backward(live) {
			if run.Experiment == id {
				return run, false, nil
			}
		}
		if run, ok, err := w.answer(ctx, exp.Name, id); ok || err != nil {
			return run, true, err
		}
	}
	run, err = w.begin(ctx, exp, id)
	return run, false, err
}

// begin freezes exp for this host and writes the run directory.
func (w *Workspace) begin(ctx context.Context, exp assay.Experiment, id assay.Digest) (assay.Run, error) {
	tools, err := w.locate(ctx, exp.Runtimes)
	if err != nil {
		return assay.Run{}, err
	}
	host, err := w.Local.Host(ctx)
	if err != nil {
		return assay.Run{}, fmt.Errorf("fingerprint of this host: %w", err)
	}
	plan, err := freeze(exp, host.Name, func(i int, wl assay.Workload) (assay.Trial, error) {
		return w.trial(ctx, tools[i], wl)
	})
	if err != nil {
		return assay.Run{}, err
	}
	planJSON, err := canonical.JSON(plan)
	if err != nil {
		return assay.Run{}, err
	}
	agentBinary, err := executors.AgentBinary(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return assay.Run{}, err
	}
	run := assay.Run{
		Format:     assay.RunFormat,
		ID:         newRunID(time.Now()),
		Name:       exp.Name,
		Experiment: id,
		Plan:       assay.DigestOf(planJSON),
		State:      assay.Running,
		Host:       host,
		Agent:      assay.DigestOf(agentBinary),
		Version:    Version,
		Env:        w.allowedEnv(),
		Started:    time.Now().UTC().Truncate(time.Millisecond),
	}
	for _, t := range tools {
		run.Runtimes = append(run.Runtimes, t.found)
	}
	// The directory appears whole, under its final name, or not at all.
	tmp, err := os.MkdirTemp(w.path(runsDir), ".new-")
	if err != nil {
		return run, fmt.Errorf("run %s: %w", run.ID, err)
	}
	defer os.RemoveAll(tmp)
	expJSON, err := canonical.JSON(exp)
	if err != nil {
		return run, err
	}
	runJSON, err := canonical.JSON(run)
	if err != nil {
		return run, err
	}
	for name, b := range map[string][]byte{planFile: planJSON, recordFile: runJSON, experimentFile: expJSON} {
		if err := writeDurably(filepath.Join(tmp, name), b); err != nil {
			return run, fmt.Errorf("run %s: %w", run.ID, err)
		}
	}
	if err := os.Rename(tmp, w.runDir(run.ID)); err != nil {
		return run, fmt.Errorf("run %s: %w", run.ID, err)
	}
	if err := syncDir(w.path(runsDir)); err != nil {
		return run, fmt.Errorf("run %s: %w", run.ID, err)
	}
	return run, nil
}

// newRunID names a run by when it began, with something to tell apart two that
// began in one second.
func newRunID(now time.Time) string {
	var b [3]byte
	rand.Read(b[:]) // never fails
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}

// allowedEnv returns the variables of this process that a run record keeps.
func (w *Workspace) allowedEnv() []string {
	var env []string
	for _, k := range w.Config.Env {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}

func (w *Workspace) runDir(id string) string { return w.path(runsDir, id) }

// live returns the runs that are not archived yet, oldest first.
func (w *Workspace) live(ctx context.Context) ([]assay.Run, error) {
	entries, err := os.ReadDir(w.path(runsDir))
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	var runs []assay.Run
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		run, err := w.liveRun(ctx, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // archived meanwhile
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// liveRun reads the record of a run that is not archived yet.
func (w *Workspace) liveRun(ctx context.Context, id string) (assay.Run, error) {
	var run assay.Run
	b, err := os.ReadFile(filepath.Join(w.runDir(id), recordFile))
	if err != nil {
		return run, fmt.Errorf("run %s: %w", id, err)
	}
	if err := json.Unmarshal(b, &run); err != nil {
		return run, fmt.Errorf("run %s: %s: %w", id, recordFile, err)
	}
	alive, err := w.alive(ctx, id)
	if err != nil {
		return run, err
	}
	if !alive {
		run.State = assay.Interrupted
	}
	return run, nil
}

// alive reports whether an agent is at work on a run.
func (w *Workspace) alive(ctx context.Context, id string) (bool, error) {
	status, err := w.Local.Status(ctx, w.runDir(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("run %s: %w", id, err)
	}
	return status.Alive, nil
}

// findLive finds a run that is not archived yet, by its ID or, the latest, by
// its experiment's name.
func (w *Workspace) findLive(ctx context.Context, ref string) (assay.Run, error) {
	live, err := w.live(ctx)
	if err != nil {
		return assay.Run{}, err
	}
	for _, run := range slices.Backward(live) {
		if run.ID == ref || run.Name == ref {
			return run, nil
		}
	}
	if run, err := w.FindRun(ctx, ref); err == nil {
		return run, usagef(`run %s is complete and archived: "assay show %s" shows it`, run.ID, run.ID)
	}
	return assay.Run{}, usagef(`no run %q: "assay runs" lists them`, ref)
}

// Attach watches a run to its end, and archives it then. It, Resume and Cancel
// take a run's ID or its experiment's name.
func (w *Workspace) Attach(ctx context.Context, ref string, opts RunOptions) (assay.Run, error) {
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	if run.State != assay.Running {
		return run, fmt.Errorf(`run %s has no agent: "assay resume %s" starts one: %w`, run.ID, run.ID, ErrIncomplete)
	}
	return w.watch(ctx, run.ID, opts)
}

// Resume goes on with a run that was interrupted.
func (w *Workspace) Resume(ctx context.Context, ref string, opts RunOptions) (assay.Run, error) {
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	return w.carryOn(ctx, run.ID, opts)
}

// Cancel stops the agent of a run. What was measured is kept.
func (w *Workspace) Cancel(ctx context.Context, ref string) (assay.Run, error) {
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	if err := w.Local.Cancel(ctx, w.runDir(run.ID)); err != nil {
		return run, fmt.Errorf("cancel %s: %w", run.ID, err)
	}
	return w.liveRun(ctx, run.ID)
}

// carryOn sees to it that a run has an agent, and watches it.
func (w *Workspace) carryOn(ctx context.Context, id string, opts RunOptions) (assay.Run, error) {
	run, err := w.liveRun(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return w.FindRun(ctx, id) // archived meanwhile
	}
	if err != nil {
		return run, err
	}
	if run.State != assay.Running {
		if err := w.start(ctx, run); err != nil {
			return run, err
		}
	}
	if opts.Detach {
		return w.liveRun(ctx, id)
	}
	return w.watch(ctx, id, opts)
}

// start puts the files that a run needs in their place and starts an agent,
// unless the journal says that nothing is left to do.
func (w *Workspace) start(ctx context.Context, run assay.Run) error {
	dir := w.runDir(run.ID)
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, "start.mutex")).Lock()
	if err != nil {
		return fmt.Errorf("run %s: %w", run.ID, err)
	}
	defer unlock()
	if alive, err := w.alive(ctx, run.ID); err != nil || alive {
		return err // another process was quicker
	}
	if err := w.sameTools(ctx, run); err != nil {
		return fmt.Errorf("resume %s: %w", run.ID, err)
	}
	if err := w.placeAgain(ctx, run.ID); err != nil {
		return fmt.Errorf("run %s: %w", run.ID, err)
	}
	return w.startAgent(ctx, run.ID)
}

// startAgent starts an agent for a run. If one is at work that has not
// announced itself, because whoever started it was killed just then, it waits
// until that one has, or has ended.
func (w *Workspace) startAgent(ctx context.Context, id string) error {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := w.Local.Start(ctx, w.runDir(id))
		if err == nil {
			return nil
		}
		if !errors.Is(err, executors.ErrBusy) {
			return fmt.Errorf("run %s: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("run %s: %w; what it says is in %s there", id, err, executors.LogFile)
		case <-tick.C:
		}
		if alive, err := w.alive(ctx, id); err != nil || alive {
			return err
		}
	}
}

// pollInterval is how often a journal is looked at for new rows: ten pictures a
// second, and little enough work not to disturb what is being measured.
const pollInterval = 100 * time.Millisecond

// watch follows the journal until the agent ends, and archives the run.
func (w *Workspace) watch(ctx context.Context, id string, opts RunOptions) (assay.Run, error) {
	dir := w.runDir(id)
	plan, err := w.livePlan(id)
	if errors.Is(err, fs.ErrNotExist) {
		return w.FindRun(ctx, id) // archived meanwhile
	}
	if err != nil {
		return assay.Run{}, err
	}
	began := time.Now()
	p := Progress{Run: id, Total: len(plan.Order) * len(plan.Trials)}
	follow := follower{path: filepath.Join(dir, journalFile)}
	defer follow.close()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	first := true
	for {
		alive, err := w.alive(ctx, id)
		if err != nil {
			return assay.Run{}, err
		}
		rows, err := follow.next()
		if err != nil {
			return assay.Run{}, fmt.Errorf("run %s: %w", id, err)
		}
		for _, inv := range rows {
			p.Done++
			if !first {
				p.Fresh++
			}
			s := inv[0]
			p.Current = s.Workload + " on " + s.Runtime
			if s.Outcome != assay.OK {
				p.Current += ": " + string(s.Outcome)
			}
		}
		p.Elapsed = time.Since(began)
		if opts.Progress != nil && (len(rows) > 0 || first) {
			opts.Progress(p)
		}
		first = false
		if !alive {
			return w.settle(ctx, id)
		}
		select {
		case <-ctx.Done():
			// The user wants it to stop: the agent ends after it has made
			// sure of what it has.
			if err := w.Local.Cancel(context.WithoutCancel(ctx), dir); err != nil {
				return assay.Run{}, fmt.Errorf("cancel %s: %w", id, err)
			}
			run, err := w.settle(context.WithoutCancel(ctx), id)
			return run, err
		case <-tick.C:
		}
	}
}

func (w *Workspace) livePlan(id string) (assay.Plan, error) {
	var plan assay.Plan
	b, err := os.ReadFile(filepath.Join(w.runDir(id), planFile))
	if err != nil {
		return plan, fmt.Errorf("run %s: %w", id, err)
	}
	if err := json.Unmarshal(b, &plan); err != nil {
		return plan, fmt.Errorf("run %s: %s: %w", id, planFile, err)
	}
	return plan, nil
}
