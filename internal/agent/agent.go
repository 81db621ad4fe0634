// Package agent is where the journal meets measuring: it works through a plan
// in a run directory. Whatever ends it, the journal holds every invocation
// that had ended; running it again does what is missing.
//
// It decides nothing: order, commands, limits and expectations are the plan's.
package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
const self = "/proc/self/exe"

// detailSize is how much of stderr a sample keeps.
const detailSize = 4 << 10

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
	if r.exe, err = filedigest.Of(self); err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	digest, err := r.readPlan()
	if err != nil {
		return err
	}
	work := filepath.Join(dir, "work")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	// Before the journal is opened: a child that has not executed its program yet would hold the journal's lock
	// longer than an agent that is killed just then.
	if r.launcher, err = measure.Start(self, work); err != nil {
		return err
	}
	defer r.launcher.Close()
	path := filepath.Join(dir, JournalFile)
	w, held, err := journal.Open(path, digest)
	if errors.Is(err, fs.ErrNotExist) {
		w, err = journal.Create(path, digest)
	}
	if err != nil {
		return err
	}
	r.journal, r.done, r.segment = w, held.Done, held.Segments
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
	failed   []string   // by trial: why its preparation failed; "": it did not
	files    [][]string // by trial: the files that its command needs
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
	return assay.DigestOf(b), nil
}

// check reports every way in which p cannot be run.
func check(p assay.Plan) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if p.Format != assay.PlanFormat {
		fail("format %q, this agent reads %s", p.Format, assay.PlanFormat)
	}
	if p.Limits.Timeout <= 0 || p.Limits.Output <= 0 || p.Limits.Memory < 0 {
		fail("limits %+v: want a timeout and an output limit", p.Limits)
	}
	if p.Calls < 0 || p.Calls > assay.MaxCalls || p.WarmCalls < 0 || p.WarmCalls > p.Calls {
		fail("%d calls, %d of them warm-up: want at most %d", p.Calls, p.WarmCalls, assay.MaxCalls)
	}
	for i, t := range p.Trials {
		if t.Unsupported == "" && (len(t.Command.Argv) == 0 || !filepath.IsAbs(t.Command.Argv[0])) {
			fail("trial %d: argv %q: want an absolute path first", i, t.Command.Argv)
		}
	}
	for b, block := range p.Order {
		seen := make(map[int]bool)
		for _, trial := range block {
			if trial < 0 || trial >= len(p.Trials) || seen[trial] {
				fail("block %d: trial %d is unknown or there twice", b, trial)
			}
			seen[trial] = true
		}
		if len(seen) != len(p.Trials) {
			fail("block %d: %d of %d trials", b, len(seen), len(p.Trials))
		}
	}
	return errors.Join(errs...)
}

// execute does the work between opening and closing the journal.
func (r *run) execute(ctx context.Context) error {
	err := reserve(r.dir)
	if err == nil {
		err = r.announce(assay.Running, nil)
	}
	if err != nil {
		return errors.Join(err, release(r.dir))
	}
	err = r.journal.Segment(journal.Segment{
		Segment: r.segment, Started: r.began, MonotonicNS: r.zero, Agent: r.exe, Host: measure.Host(r.plan.Host),
		Env: environment(),
	})
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
	for b, block := range r.plan.Order {
		for i, trial := range block {
			seq := r.seq(b, i)
			if r.done[seq] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			rows, err := r.invoke(ctx, trial)
			if err != nil {
				return err
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

// prepare runs the preparations of all trials, in every segment anew: what an
// earlier one prepared may be gone. One that fails makes its trial's
// invocations runtime crashes.
func (r *run) prepare(ctx context.Context) error {
	r.failed, r.files = make([]string, len(r.plan.Trials)), make([][]string, len(r.plan.Trials))
	for i, t := range r.plan.Trials {
		for _, c := range t.Prepare {
			files := filesOf(c)
			res, err := r.launcher.Run(ctx, c, r.plan.Limits, 0)
			if err != nil {
				return err
			}
			if res.Killed != "" || !res.Started() || res.Exit != 0 {
				if err := present(files); err != nil {
					return err
				}
				r.failed[i] = detail("prepare "+strings.Join(c.Argv, " "), res)
				break
			}
		}
		if t.Unsupported == "" {
			r.files[i] = filesOf(t.Command) // some of which the preparations may have made
		}
	}
	return nil
}

// invoke runs trial once and returns its rows, without their place in the plan:
// that of the process, and one for each call that it reported.
func (r *run) invoke(ctx context.Context, trial int) ([]assay.Sample, error) {
	t := r.plan.Trials[trial]
	s := assay.Sample{
		Trial: int32(trial), Workload: t.Workload, Runtime: t.Runtime, Host: r.plan.Host, Params: t.Params,
		Phase: assay.Process, Exit: -1, Segment: r.segment,
	}
	switch {
	case t.Unsupported != "":
		s.Outcome, s.Detail = assay.Unsupported, clip([]byte(t.Unsupported))
		return []assay.Sample{s}, nil
	case r.failed[trial] != "":
		s.Outcome, s.Detail = assay.RuntimeCrash, r.failed[trial]
		return []assay.Sample{s}, nil
	}
	res, err := r.launcher.Run(ctx, t.Command, r.plan.Limits, r.plan.Calls)
	if err != nil {
		return nil, err
	}
	s.Outcome = r.judges[trial].Outcome(res)
	if s.Outcome != assay.OK {
		if err := present(r.files[trial]); err != nil {
			return nil, err
		}
	}
	s.Exit, s.Signal, s.Stdout, s.OutBytes = int32(res.Exit), res.Signal, res.Stdout, res.OutBytes
	if res.Started() {
		s.StartNS, s.WallNS, s.CPUNS, s.RSSBytes = res.StartNS-r.zero, &res.WallNS, &res.CPUNS, res.RSSBytes
	}
	switch {
	case s.Outcome == assay.WrongOutput && r.judges[trial].Answered(res):
		s.Detail = clip([]byte(res.Calls.Wrong))
	case s.Outcome == assay.WrongOutput && res.Reason == "":
		s.Detail = fmt.Sprintf("stdout is not the expected one; it ends %q", last(res.StdoutTail, 200))
	case s.Outcome != assay.OK || res.Reason != "":
		s.Detail = detail("", res)
	}
	return append([]assay.Sample{s}, r.calls(s, res.Calls)...), nil
}

// calls returns the rows of the calls that the process of row p reported.
func (r *run) calls(p assay.Sample, calls measure.Calls) []assay.Sample {
	var rows []assay.Sample
	for i := range calls.NS {
		rows = append(rows, assay.Sample{
			Trial: p.Trial, Workload: p.Workload, Runtime: p.Runtime, Host: p.Host, Params: p.Params,
			Phase: assay.Call, Call: int32(i + 1), Warmup: i < r.plan.WarmCalls, Outcome: p.Outcome, Exit: -1,
			StartNS: p.StartNS, Segment: p.Segment, WallNS: &calls.NS[i],
		})
	}
	return rows
}

// detail says why a command failed, as far as is known: our reason, and its
// own last words.
func detail(what string, res measure.Result) string {
	var head []string
	for _, part := range []string{what, res.Reason} {
		if part != "" {
			head = append(head, part)
		}
	}
	said := bytes.TrimSpace(res.StderrTail)
	if len(said) == 0 && res.Reason == "" {
		said = []byte(res.Signal)
	}
	text := strings.Join(head, ": ")
	if text == "" {
		return clip(last(said, detailSize))
	}
	if room := detailSize - len(text) - 2; len(said) > 0 && room > 0 {
		text += ": " + string(last(said, room))
	}
	return clip([]byte(text))
}

// last returns the last n bytes of b, or all.
func last(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// clip returns the first detailSize bytes of b as valid UTF-8.
func clip(b []byte) string {
	return strings.ToValidUTF8(string(b[:min(len(b), detailSize)]), "")
}

// announce replaces the agent's record.
func (r *run) announce(state assay.RunState, cause error) error {
	a := runners.Agent{PID: os.Getpid(), Exe: r.exe, Began: r.began, Segment: int(r.segment), Load1: measure.Load1(), State: state,
		Floor: r.launcher.Floor()}
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

func environment() []string {
	var env []string
	for _, name := range recordedEnv {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
