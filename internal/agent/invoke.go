package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
)

// detailSize is how much of stderr a sample keeps.
const detailSize = 4 << 10

// splitAbove is the processor time from which its parts in user mode and in the
// kernel mean something, in nanoseconds: the kernel tells them apart by ticks of
// 1 to 10 ms.
const splitAbove = 100_000_000

// paddingVariable is the variable that makes an environment longer.
const paddingVariable = "ASSAY_PAD"

// invoke runs trial once and returns its rows, without their place in the plan:
// that of the process, and those of what was timed within it.
func (r *run) invoke(ctx context.Context, trial int, seq int64) ([]assay.Sample, error) {
	t := r.plan.Trials[trial]
	s := r.row(trial, assay.Process)
	switch {
	case t.Unsupported != "":
		s.Outcome, s.Detail = assay.Unsupported, clip([]byte(t.Unsupported))
		return []assay.Sample{s}, nil
	case t.Group && r.groups == nil:
		s.Outcome = assay.Unsupported
		s.Detail = clip([]byte("without a control group it could be neither measured nor ended: " + r.unmeasured[groupTime]))
		return []assay.Sample{s}, nil
	case t.Group && r.plan.Memory && r.unmeasured[groupMemory] != "":
		s.Outcome = assay.Unsupported
		s.Detail = clip([]byte("its memory is that of its control group, which cannot be read: " + r.unmeasured[groupMemory]))
		return []assay.Sample{s}, nil
	case r.failed[trial].outcome != "":
		s.Outcome, s.Detail = r.failed[trial].outcome, r.failed[trial].detail
		return []assay.Sample{s}, nil
	}
	for _, dir := range []string{t.Scratch, t.State} {
		if dir == "" {
			continue
		}
		if err := r.empty(dir); err != nil {
			return nil, err
		}
	}
	res, err := r.measure(ctx, t, seq, &s)
	if err != nil {
		return nil, err
	}
	if res.Killed != "" {
		if err := r.clean(ctx, t); err != nil {
			return nil, err
		}
	}
	res.Report.Took(t.Mode, t.ShimMode)
	if head := res.Report; head.Engine != "" {
		s.Engine = clip([]byte(head.Engine + " " + head.Version))
	}
	s.Threads = threads(t, res)
	s.Outcome = r.judges[trial].Outcome(res)
	if s.Outcome != assay.OK {
		if err := present(r.files[trial]); err != nil {
			return nil, err
		}
	}
	s.Exit, s.Signal, s.Stdout, s.OutBytes = int32(res.Exit), res.Signal, res.Stdout, res.OutBytes
	if res.Started() {
		r.fill(&s, res)
		if container(t) {
			s.RSSBytes, s.PSSBytes = nil, nil // they are of the program that starts it
		} else if s.RSSBytes == nil && !r.plan.Memory && !r.plan.Count {
			r.floor = max(r.floor, res.FloorBytes)
		}
	}
	wrong := s.Outcome == assay.WrongOutput && !runners.ShimSaid.Match(res.StderrTail)
	if c := t.Command.Counted; r.plan.Count && c.Unit != "" && s.Outcome == assay.OK {
		n, err := measure.ReadCount(c, res.StdoutTail)
		if err != nil {
			s.Outcome, s.Detail = assay.WrongOutput, clip([]byte(err.Error()))
		} else {
			s.Guest, s.GuestOf = &n, c.Unit
		}
	}
	switch {
	case wrong && r.judges[trial].Answered(res):
		s.Detail = clip([]byte(res.Wrong()))
	case wrong && res.Reason == "":
		s.Detail = fmt.Sprintf("stdout is not the expected one%s; it ends %q", without(t.Command.Chatter, res.StdoutTail), last(res.StdoutTail, 200))
	case s.Detail == "" && s.Outcome != assay.OK || res.Reason != "":
		s.Detail = detail("", t.Command.Chatter, s.Outcome, res)
	}
	return append([]assay.Sample{s}, r.within(s, res)...), nil
}

// without says that lines of stdout, of which tail is the end, are not compared,
// if there are such.
func without(chatter string, tail []byte) string {
	if chatter == "" {
		return ""
	}
	if said, err := regexp.Match(chatter, tail); err != nil || !said {
		return ""
	}
	return ", less the lines that are taken for the runtime's own (docs/runtimes.md)"
}

// container reports whether the command of t starts a container, in a control
// group or by asking a daemon, which alone leaves something to be removed.
func container(t assay.Trial) bool { return t.Group || len(t.Clean) > 0 }

// row returns a row of the trial with what the plan says of it.
func (r *run) row(trial int, phase assay.Phase) assay.Sample {
	t := r.plan.Trials[trial]
	return assay.Sample{
		Trial: int32(trial), Workload: t.Workload, Runtime: t.Runtime, Host: r.plan.Host, Params: t.Params,
		Phase: phase, Mode: t.Mode, Cache: t.Cache, Threads: t.Threads, Exit: -1, Segment: r.segment,
	}
}

// measure runs the command of t, in a control group of its own if it shall be,
// whose numbers become s's.
func (r *run) measure(ctx context.Context, t assay.Trial, seq int64, s *assay.Sample) (measure.Result, error) {
	c := t.Command
	if r.plan.Padding > 0 {
		c.Env = append(slices.Clone(c.Env), r.padding(seq))
	}
	opts := measure.Options{
		Limits: r.plan.Limits, Calls: r.plan.Calls, Shim: r.plan.Phases || r.plan.Count && c.Counted.Unit == "", Count: r.plan.Count,
		Memory: r.plan.Memory && !container(t), CPUs: r.plan.CPUs,
	}
	if !t.Group || r.groups == nil {
		return r.launcher.Run(ctx, c, opts)
	}
	group, err := r.groups.New()
	if err != nil {
		return measure.Result{}, err
	}
	opts.Group = group.Dirs()
	res, err := r.launcher.Run(ctx, c, opts)
	if res.Started() {
		if s.CgroupNS, s.CgroupMemory = group.Read(); r.plan.Memory || r.plan.Count {
			s.CgroupNS = nil // being held, and counting, take time
		}
	}
	return res, errors.Join(err, group.Close())
}

// threads returns how many threads compiled: as the shim says, else the plan.
func threads(t assay.Trial, res measure.Result) int32 {
	if n := res.Report.Threads; n > 0 {
		return int32(n)
	}
	return t.Threads
}

// padding returns the variable that makes the environment of an invocation
// longer, by a length that depends on the plan's seed and seq alone.
func (r *run) padding(seq int64) string {
	seed, _ := strconv.ParseUint(r.plan.Seed, 16, 64) // check has seen to it
	n := rand.New(rand.NewPCG(seed, uint64(seq))).IntN(r.plan.Padding + 1)
	return paddingVariable + "=" + strings.Repeat("x", n)
}

// fill puts what was measured of a process that was started into its row.
func (r *run) fill(s *assay.Sample, res measure.Result) {
	s.StartNS = res.StartNS - r.zero
	if r.plan.Memory {
		s.RSSBytes, s.PSSBytes = res.RSSBytes, res.PSSBytes // the latter of a process that was held
		return                                              // being held takes time
	}
	if r.plan.Count {
		if res.Report.Unit != "" {
			s.Guest, s.GuestOf = &res.Report.Count, res.Report.Unit
		}
		return // counting takes time
	}
	u, cpu := &res.Usage, res.Usage.CPUNS()
	s.WallNS, s.CPUNS, s.RSSBytes = &res.WallNS, &cpu, res.RSSBytes
	if cpu > splitAbove {
		s.UserNS, s.SystemNS = &u.UserNS, &u.SystemNS
	}
	s.Minor, s.Major, s.Waits, s.Preempts = &u.Minor, &u.Major, &u.Waits, &u.Preempts
	if r.unmeasured[storageReads] == "" {
		s.Reads, s.Writes = &u.Reads, &u.Writes
	}
	s.Cycles, s.Instrs = u.Cycles, u.Instrs
}

// within returns the rows of what was timed within the process of row p.
func (r *run) within(p assay.Sample, res measure.Result) []assay.Sample {
	var rows []assay.Sample
	add := func(phase assay.Phase, call int, wall int64, cpu *int64) {
		s := r.row(int(p.Trial), phase)
		s.Threads, s.Call, s.Warmup = p.Threads, int32(call), call > 0 && call <= r.plan.WarmCalls
		s.Outcome, s.StartNS, s.WallNS, s.CPUNS = p.Outcome, p.StartNS, &wall, cpu
		rows = append(rows, s)
	}
	switch {
	case r.plan.Memory || r.plan.Count:
	case r.plan.Phases:
		for _, phase := range res.Report.Phases {
			add(phase.Name, phase.Call, phase.NS, phase.CPUNS)
		}
	case r.plan.Calls > 0:
		for i, ns := range res.Calls.NS {
			add(assay.Call, i+1, ns, nil)
		}
	case res.FirstByteNS > 0: // we may have read it after we saw the exit, and it was written before
		add(assay.FirstByte, 0, min(res.FirstByteNS, res.WallNS), nil)
	}
	return rows
}

// detail says why a command ended with outcome, as far as is known: our reason,
// and its own last words; where it has no others and the end is not the guest's
// own, those on stdout, by the pattern chatter.
func detail(what, chatter string, outcome assay.Outcome, res measure.Result) string {
	var head []string
	for _, part := range []string{what, res.Reason} {
		if part != "" {
			head = append(head, part)
		}
	}
	said := bytes.TrimSpace(runners.ShimSaid.ReplaceAll(res.StderrTail, nil)) // the outcome says it
	if len(said) == 0 && outcome != assay.Exit && outcome != assay.Signal {
		said = logged(chatter, res.StdoutTail)
	}
	if len(said) == 0 && res.Reason == "" {
		said = []byte(res.Signal)
		if name := unix.SignalName(syscall.Signal(res.Exit - 128)); name != "" {
			said = fmt.Appendf(nil, "status %d, as if by %s", res.Exit, name)
		}
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

// logError matches a line of a log, "[time] [error] words".
var logError = regexp.MustCompile(`^\[[^]]*\] \[error\] +(.*)`)

// logged returns what stdout has of errors in lines that chatter matches, without
// their times, which would tell rows apart. Words that name a proposal, which is
// why a module is refused, are the first: of a reason, tables have the first line.
func logged(chatter string, stdout []byte) []byte {
	own, err := regexp.Compile(chatter)
	if chatter == "" || err != nil {
		return nil
	}
	var words, proposals [][]byte
	for _, line := range own.FindAll(stdout, -1) {
		switch m := logError.FindSubmatch(line); {
		case m == nil:
		case bytes.HasSuffix(m[1], []byte(" proposal")):
			proposals = append(proposals, m[1])
		default:
			words = append(words, m[1])
		}
	}
	return bytes.Join(append(proposals, words...), []byte("\n"))
}

// last returns the last n bytes of b, or all.
func last(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// clip returns the first detailSize bytes of b as valid UTF-8.
func clip(b []byte) string {
	return strings.ToValidUTF8(string(b[:min(len(b), detailSize)]), "")
}
