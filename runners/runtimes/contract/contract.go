// Package contract is what every runners.Runtime must meet when it runs real
// modules: each way to end is told apart, and what a workload is given arrives.
//
// Deviations lists what is known to be otherwise, and Lacks which features which
// runtimes do not have, with the reasons. The package compares with nothing but
// that: it neither finds runtimes nor repairs them.
package contract

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
)

//go:embed guests/*.wasm
var guests embed.FS

// A Host is what cases run on. It is not safe for concurrent use, as its
// launcher is not.
type Host struct {
	Launcher *measure.Launcher
	Dir      string // absolute, the launcher's working directory; cases leave files there

	// Image makes an image whose program is a POSIX shell running script, and
	// returns what runners.Invocation.Module is for a runtime that accepts
	// assay.Image; nil: such runtimes have no cases.
	Image func(ctx context.Context, script string) (string, error)

	prepared map[string]string // paths below Dir, and the commands that made them
}

// A Verdict says how a case went.
type Verdict string

// The verdicts.
const (
	Met      Verdict = "ok"        // as the contract says
	Deviates Verdict = "deviation" // otherwise, as Deviations says
	Fails    Verdict = "FAIL"      // otherwise, or as the contract says where Deviations says otherwise
	None     Verdict = "-"         // the case has no guest in the form that the runtime accepts, or none can be built here
)

// A Result is how a runtime met one case.
type Result struct {
	Runtime string  `json:"runtime"`
	Case    string  `json:"case"`
	Verdict Verdict `json:"verdict"`
	Got     string  `json:"got,omitempty"`    // "trap", "exit 3"
	Why     string  `json:"why,omitempty"`    // of a deviation its reason; of a failure what was wanted and seen
	Detail  string  `json:"detail,omitempty"` // of a failure: the command, and the last lines of what it wrote
}

// Check runs c with r, whose program is tool. An error means that we could not
// find out.
func (h *Host) Check(ctx context.Context, r runners.Runtime, tool assay.RuntimeVersion, c Case) (Result, error) {
	res, err := h.check(ctx, r, tool, c)
	if err != nil {
		return Result{}, fmt.Errorf("contract of %s: %s: %w", r.Name(), c.Name, err)
	}
	res.Runtime, res.Case = r.Name(), c.Name
	return res, nil
}

func (h *Host) check(ctx context.Context, r runners.Runtime, tool assay.RuntimeVersion, c Case) (Result, error) {
	module, err := h.write(ctx, r, c)
	if missing, ok := errors.AsType[noGuest](err); ok {
		return Result{Verdict: None, Why: string(missing)}, nil
	} else if err != nil {
		return Result{}, err
	}
	inv := runners.Invocation{Tool: tool, Module: module, Args: c.Args, Env: c.Env, Memory: c.Memory,
		Scratch: filepath.Join(runners.PreparedDir, c.Guest+"-"+assay.Filename(r.Name()))}
	if c.Stdin != "" {
		inv.Stdin = filepath.Join(h.Dir, "stdin")
		if err := os.WriteFile(inv.Stdin, []byte(c.Stdin), 0o644); err != nil {
			return Result{}, err
		}
	}
	scratch := filepath.Join(h.Dir, "scratch")
	if err := errors.Join(os.RemoveAll(scratch), os.Mkdir(scratch, 0o755), os.MkdirAll(filepath.Join(h.Dir, runners.PreparedDir), 0o755)); err != nil {
		return Result{}, err
	}
	if c.Mount != "" {
		inv.Dirs = []runners.Dir{{Host: "scratch", Guest: ".", ReadOnly: c.Mount == ReadOnly}}
		if err := os.WriteFile(filepath.Join(scratch, "in"), []byte(mounted), 0o644); err != nil {
			return Result{}, err
		}
	}
	plan, err := r.Plan(inv)
	if errors.Is(err, runners.ErrUnsupported) {
		return c.judge(r, outcome{Outcome: assay.Unsupported}, err.Error()), nil
	} else if err != nil {
		return Result{}, err
	}
	failed, detail, err := h.prepare(ctx, inv.Scratch, plan)
	if err != nil {
		return Result{}, err
	}
	if failed != "" {
		return c.judge(r, outcome{Outcome: failed}, detail), nil
	}
	got, detail, err := h.run(ctx, plan, c)
	if err != nil {
		return Result{}, err
	}
	if got.Outcome == assay.OK && c.File != "" {
		b, err := os.ReadFile(filepath.Join(scratch, "out"))
		if err != nil || string(b) != c.File {
			got.Outcome = assay.WrongOutput
			detail += fmt.Sprintf("\nthe file out holds %q (%v), want %q", b, err, c.File)
		}
	}
	return c.judge(r, got, detail), nil
}

// prepareLimits are for compilers that take minutes.
var prepareLimits = assay.Limits{Timeout: runners.PrepareTimeout, Output: assay.DefaultOutput}

// prepare makes scratch as plan does, if it is not there by the same commands.
// It returns how that failed, and how it looked; "": it did not.
func (h *Host) prepare(ctx context.Context, scratch string, plan runners.Plan) (failed assay.Outcome, detail string, err error) {
	by := fmt.Sprintf("%q", plan.Prepare)
	if h.prepared[scratch] == by {
		return "", "", nil
	}
	delete(h.prepared, scratch)
	if err := os.RemoveAll(filepath.Join(h.Dir, scratch)); err != nil {
		return "", "", err
	}
	judge, err := measure.NewJudge(assay.Expectation{}, plan.Signs)
	if err != nil {
		return "", "", err
	}
	for _, c := range plan.Prepare {
		res, err := h.Launcher.Run(ctx, c, measure.Options{Limits: prepareLimits})
		if err != nil {
			return "", "", err
		}
		if o := judge.Prepared(res); o != assay.OK {
			return o, "prepare: " + told(c, res), nil
		}
	}
	if h.prepared == nil {
		h.prepared = map[string]string{}
	}
	h.prepared[scratch] = by
	return "", "", nil
}

// run carries out what is prepared and says how it ended, and how that looked.
func (h *Host) run(ctx context.Context, plan runners.Plan, c Case) (outcome, string, error) {
	limits := assay.Limits{Timeout: time.Minute, Output: 1 << 20, Memory: c.Limits.Memory}
	if c.Limits.Timeout > 0 {
		limits.Timeout = c.Limits.Timeout
	}
	if c.Limits.Output > 0 {
		limits.Output = c.Limits.Output
	}
	expect := assay.Expectation{Exit: c.Status}
	if c.Stdout != nil {
		expect.Stdout = assay.DigestOf([]byte(c.Stdout()))
	}
	judge, err := measure.NewJudge(expect, plan.Signs)
	if err != nil {
		return outcome{}, "", err
	}
	name := "assay-check-" + assay.DigestOf([]byte(h.Dir)).Short()
	cmd := runners.Named(plan.Command, name)
	if c.Killed {
		// The kernel kills what has used a second of processor time.
		cmd.Argv = slices.Concat([]string{"/bin/sh", "-c", `ulimit -t 1; exec "$@"`, "sh"}, cmd.Argv)
	}
	if plan.State != "" {
		if err := os.RemoveAll(filepath.Join(h.Dir, plan.State)); err != nil {
			return outcome{}, "", err
		}
	}
	opts := measure.Options{Limits: limits}
	if plan.Group { // what it starts is not its child, and ends with the group
		groups, why, _ := measure.FindGroups()
		if groups == nil {
			return outcome{Outcome: assay.Unsupported}, why.Error(), nil
		}
		group, err := groups.New()
		if err != nil {
			return outcome{}, "", err
		}
		defer group.Close()
		opts.Group = group.Dirs()
	}
	res, err := h.Launcher.Run(ctx, cmd, opts)
	if err != nil {
		return outcome{}, "", err
	}
	if res.Killed != "" {
		for _, cmd := range plan.Clean {
			if _, err := h.Launcher.Run(ctx, runners.Named(cmd, name), measure.Options{Limits: prepareLimits}); err != nil {
				return outcome{}, "", err
			}
		}
	}
	got := outcome{Outcome: judge.Outcome(res)}
	if got.Outcome == assay.Exit {
		got.Exit = res.Exit
	}
	return got, told(cmd, res), nil
}

// told says what a command was and how it ended.
func told(c assay.Command, r measure.Result) string {
	return fmt.Sprintf("argv %q\nexit %d %s %s\nstdout %s\nstderr %s", c.Argv, r.Exit, r.Signal, r.Reason, last(r.StdoutTail), last(r.StderrTail))
}

// last returns the end of b.
func last(b []byte) string {
	const most = 1 << 10
	return strings.ToValidUTF8(strings.TrimSpace(string(b[max(0, len(b)-most):])), "?")
}

// An outcome is how a case ended.
type outcome struct {
	assay.Outcome
	Exit int // of the outcome assay.Exit
}

func (o outcome) String() string {
	if o.Outcome == assay.Exit {
		return fmt.Sprintf("exit %d", o.Exit)
	}
	return string(o.Outcome)
}

// judge compares how c ended with what the contract, the deviations and the lacks
// say.
func (c Case) judge(r runners.Runtime, got outcome, detail string) Result {
	want := outcome{Outcome: c.Want, Exit: c.Exit}
	if r.Accepts() != assay.Wasm && c.Native != "" {
		want.Outcome = c.Native
	}
	known, deviates := DeviationOf(r.Name(), c.Name)
	lack, lacks := LackOf(r.Name(), c.Name)
	switch {
	case deviates && got == want:
		return Result{Verdict: Fails, Got: got.String(), Why: fmt.Sprintf("it meets the contract: take its deviation (%s) out of Deviations", known.Why)}
	case deviates && got.String() == string(known.Got):
		return Result{Verdict: Deviates, Got: got.String(), Why: known.Why}
	case deviates:
		return Result{Verdict: Fails, Got: got.String(), Why: fmt.Sprintf("Deviations says %s", known.Got), Detail: detail}
	case lacks && got.Outcome == assay.Unsupported, got == want && (!lacks || lack.ByVersion):
		return Result{Verdict: Met, Got: got.String()}
	case lacks && got == want:
		return Result{Verdict: Fails, Got: got.String(), Why: fmt.Sprintf("it has the feature: take its lack (%s) out of Lacks", lack.Why)}
	case lacks:
		want.Outcome = assay.Unsupported
	}
	return Result{Verdict: Fails, Got: got.String(), Why: fmt.Sprintf("want %v", want), Detail: detail}
}

// noGuest says why a case has no guest for a runtime.
type noGuest string

func (n noGuest) Error() string { return string(n) }

// write makes the guest of c a file that r accepts and returns its path.
func (h *Host) write(ctx context.Context, r runners.Runtime, c Case) (string, error) {
	form := r.Accepts()
	if form != assay.Wasm && c.Script == "" {
		return "", noGuest("about modules")
	}
	path := filepath.Join(h.Dir, string(form), c.Guest)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	switch {
	case form == assay.Wasm && c.Guest == goGuest:
		return path, buildGo(ctx, path)
	case form == assay.Wasm:
		name := c.Guest
		if c.Guest == "c" && r.Traits().MVP {
			name = "c-mvp"
		}
		data, err := guests.ReadFile("guests/" + name + ".wasm")
		if err != nil {
			return "", err
		}
		return path, os.WriteFile(path, data, 0o644)
	case form == assay.Native:
		if err := os.RemoveAll(path); err != nil {
			return "", err
		}
		return path, os.WriteFile(path, []byte("#!/bin/sh\n"+c.Script+"\n"), 0o755)
	case h.Image != nil:
		return h.Image(ctx, c.Script)
	}
	return "", noGuest("no way to make an image here")
}

// goGuest is the guest that Go builds, because its module is too large to keep.
const goGuest = "go"

//go:embed guests/main.go.txt
var goSource []byte

// buildGo makes path the module of goGuest, if it is not there.
func buildGo(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	goCmd, err := exec.LookPath("go")
	if err != nil {
		return noGuest("go not found, which builds its guest")
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), "go-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, goSource, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, goCmd, "build", "-trimpath", "-ldflags=-s -w", "-o", path, source)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GO111MODULE=off")
	if b, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("go build of the guest: %w: %s", err, last(b)))
	}
	return nil
}
