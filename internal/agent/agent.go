// Package agent is where the journal meets measuring: it works through a plan
// in a run directory. Whatever ends it, the journal holds every invocation
// that had ended; running it again does what is missing.
//
// It decides nothing: order, commands, limits and expectations are the plan's.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
	"github.com/assay-notebooks/assay/runners/measure"
)

// JournalFile is the name of the journal in a run directory.
const JournalFile = "journal"

// self is the running binary, even if its file has been replaced.
const self = runners.AgentExe

// recordedEnv are the variables of the agent that a segment records: those
// that may change what is measured, and tell nothing about a person.
var recordedEnv = []string{"LANG", "LC_ALL", "TZ", "GOMAXPROCS", "MALLOC_ARENA_MAX"}

// Run runs what the journal in dir does not hold yet of dir/plan.json, in
// planned order. It returns nil when every planned invocation has its outcome,
// and the context's error if that ended first; the invocation that was running
// then is not recorded, and neither is one that failed because a file of the
// plan was gone: that error matches fs.ErrNotExist. An error that matches
// journal.ErrLocked means that another agent is at work in dir.
func Run(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	r := run{dir: dir, began: time.Now(), zero: measure.Now()}
	digest, err := r.readPlan()
	if err != nil {
		return err
	}
	r.work = filepath.Join(dir, "work")
	if err := os.MkdirAll(filepath.Join(r.work, runners.PreparedDir), 0o755); err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	digested := make(chan error, 1)
	go func() { // while the launcher gets ready
		var err error
		r.exe, err = filedigest.Of(self)
		digested <- err
	}()
	// Before the journal is opened: a child that has not executed its program yet would hold the journal's lock
	// longer than an agent that is killed just then.
	r.launcher, err = measure.Start(self, r.work)
	if err == nil {
		defer r.launcher.Close()
	}
	if err := errors.Join(err, <-digested); err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	path := filepath.Join(dir, JournalFile)
	w, held, err := journal.Open(path, digest)
	if errors.Is(err, fs.ErrNotExist) {
		w, err = journal.Create(path, digest)
	}
	if err != nil {
		return err
	}
	r.journal, r.done, r.segment = w, held.Done, held.Segments
	if held.Torn > 0 {
		fmt.Fprintf(os.Stderr, "the journal ended within a frame: %d bytes were cut off, and what they were of is measured again\n", held.Torn)
	}
	r.remember()
	if held.State == assay.Complete { // and whoever completed it may have died before it could say so
		r.segment--
		err = errors.Join(release(r.dir), r.announce(assay.Complete, nil))
	} else {
		err = r.execute(ctx)
	}
	return errors.Join(err, w.Close())
}

// A run is one execution of what is missing.
type run struct {
	dir     string
	exe     assay.Digest // of this binary
	plan    assay.Plan
	judges  []*measure.Judge // by trial
	journal *journal.Writer
	done    map[int64]bool // every Seq that has an outcome
	segment int32
	began   time.Time
	zero    int64 // measure.Now when it began

	launcher *measure.Launcher
	work     string          // directory of all commands
	groups   *measure.Groups // nil: there are none, or no trial wants one
	failed   []failure       // by trial: of its preparation; zero: it did not fail
	files    [][]string      // by trial: the files that its command needs

	before     runners.Agent     // what the record said of earlier segments
	floor      int64             // the highest by which a peak could not be told, in bytes
	unmeasured map[string]string // by column: why this segment cannot fill it
	launch     *assay.Estimate   // of this segment
}

func (r *run) readPlan() (assay.Digest, error) {
	path := filepath.Join(r.dir, runners.PlanFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return assay.Digest{}, fmt.Errorf("plan: %w", err)
	}
	if err := json.Unmarshal(b, &r.plan); err != nil {
		return assay.Digest{}, fmt.Errorf("plan %s: %w", path, err)
	}
	if err := check(r.plan); err != nil {
		return assay.Digest{}, fmt.Errorf("plan %s: %w", path, err)
	}
	for i, t := range r.plan.Trials {
		j, err := measure.NewJudge(t.Expect, t.Signs)
		if err != nil {
			return assay.Digest{}, fmt.Errorf("plan %s: trial %d: %w", path, i, err)
		}
		r.judges = append(r.judges, j)
	}
	r.nameContainers()
	return assay.DigestOf(b), nil
}

// nameContainers gives the container of this run, of which there is one at a
// time, a name that is the same in each of its segments.
func (r *run) nameContainers() {
	name := "assay-" + assay.DigestOf([]byte(r.dir)).Short()
	for i := range r.plan.Trials {
		t := &r.plan.Trials[i]
		if len(t.Clean) == 0 {
			continue
		}
		t.Command = runners.Named(t.Command, name)
		for j, c := range t.Clean {
			t.Clean[j] = runners.Named(c, name)
		}
	}
}

// execute does the work between opening and closing the journal.
func (r *run) execute(ctx context.Context) error {
	r.floor = r.launcher.Floor()
	err := reserve(r.dir)
	if err == nil {
		err = r.announce(assay.Running, nil)
	}
	if err != nil {
		return errors.Join(explain(err), release(r.dir))
	}
	err = r.journal.Segment(journal.Segment{
		Segment: r.segment, Started: r.began, MonotonicNS: r.zero, Agent: r.exe, Host: measure.Host(r.plan.Host),
		Env: environment(),
	})
	if err == nil {
		err = r.calibrate(ctx)
	}
	if err == nil {
		err = r.announce(assay.Running, nil) // what was found out outlives this process
	}
	if err == nil {
		err = r.blocks(ctx)
	}
	state := assay.Complete
	if err != nil {
		state = assay.Interrupted
	}
	cause := err
	if ctx.Err() != nil {
		cause = nil
	}
	return errors.Join(err, release(r.dir), r.journal.End(state), r.announce(state, cause))
}

// blocks runs every invocation that is missing.
func (r *run) blocks(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	short := make([]bool, len(r.plan.Trials)) // whose latest invocation took less than the journal waits with a sync
	for b, block := range r.plan.Order {
		for i, trial := range block {
			seq := r.seq(b, i)
			if r.done[seq] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if !short[trial] { // so that nothing waits long for its sync, nor is brought to the disk meanwhile by the kernel
				if err := r.journal.Sync(); err != nil {
					return err
				}
			}
			begin, floor := measure.Now(), r.floor
			rows, err := r.invoke(ctx, trial, seq)
			if err != nil {
				return err
			}
			short[trial] = measure.Now()-begin < journal.SyncInterval.Nanoseconds()
			if r.floor > floor { // seldom; before the row that has no peak because of it
				_ = r.announce(assay.Running, nil) // for the case that we are killed: the end says it, too
			}
			for i := range rows {
				rows[i].Seq, rows[i].Block = seq, int32(b)
				rows[i].Warmup = rows[i].Warmup || b < r.plan.Warmup
			}
			if err := r.journal.Invocation(rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) seq(block, i int) int64 { return int64(block)*int64(len(r.plan.Trials)) + int64(i) }

// announce replaces the agent's record.
func (r *run) announce(state assay.RunState, cause error) error {
	a := runners.Agent{PID: os.Getpid(), Exe: r.exe, Began: r.began, Segment: int(r.segment), Load1: measure.Load1(), State: state,
		Floor: max(r.floor, r.before.Floor), Unmeasured: maps.Clone(r.unmeasured), Launch: r.before.Launch, LaunchSegment: r.before.LaunchSegment}
	if r.launch != nil && (a.Launch == nil || r.launch.Value > a.Launch.Value) {
		a.Launch, a.LaunchSegment = r.launch, int(r.segment)
	}
	for column, why := range r.before.Unmeasured {
		if a.Unmeasured == nil {
			a.Unmeasured = make(map[string]string)
		}
		a.Unmeasured[column] = why
	}
	if cause != nil {
		a.Error = cause.Error()
	}
	var err error
	if a.Start, err = measure.StartTicks(a.PID); err != nil {
		return err
	}
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(r.dir, runners.AgentFile), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("agent record: %w", err)
	}
	return nil
}

// remember takes over what the record says of earlier segments, if there is one.
func (r *run) remember() {
	var a runners.Agent
	if b, err := os.ReadFile(filepath.Join(r.dir, runners.AgentFile)); err == nil && json.Unmarshal(b, &a) == nil {
		r.before = a
	}
}

func environment() []string {
	var env []string
	for _, name := range recordedEnv {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
