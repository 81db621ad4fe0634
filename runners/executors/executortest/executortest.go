// Package executortest is the contract every executors.Executor must meet. It
// starts real agents and real commands.
package executortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/executors"
)

// Test runs the contract against e. A run directory of its host must be
// readable here as dir() gives it.
func Test(t *testing.T, e executors.Executor, dir func(*testing.T) string) {
	t.Run("host", func(t *testing.T) {
		h, err := e.Host(t.Context())
		if err != nil || h.Name == "" || h.OS == "" || h.Arch == "" || h.Cores < 1 || h.Memory < 1 || h.Kernel == "" {
			t.Errorf("Host() = %+v, %v; want at least name, system, processor, kernel, cores, memory", h, err)
		}
	})
	t.Run("put", func(t *testing.T) { testPut(t, e) })
	t.Run("complete", func(t *testing.T) { testComplete(t, e, dir(t)) })
	t.Run("outlives its caller", func(t *testing.T) { testCancelledStarter(t, e, dir(t)) })
	t.Run("cancel and resume", func(t *testing.T) { testCancel(t, e, dir(t)) })
	t.Run("bad plan", func(t *testing.T) { testBadPlan(t, e, dir(t)) })
	t.Run("nothing there", func(t *testing.T) {
		empty := dir(t)
		if _, err := e.Status(t.Context(), empty); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Status of an empty directory: error %v, want fs.ErrNotExist", err)
		}
		if err := e.Cancel(t.Context(), empty); err != nil {
			t.Errorf("Cancel in an empty directory: %v, want nil", err)
		}
		if err := e.Start(t.Context(), empty); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Start in an empty directory: error %v, want fs.ErrNotExist", err)
		}
	})
}

// blobs holds blobs and counts how often they are opened.
type blobs struct {
	data   map[assay.Digest][]byte
	opened int
}

func (b *blobs) Open(_ context.Context, d assay.Digest) (io.ReadCloser, error) {
	b.opened++
	data, ok := b.data[d]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func testPut(t *testing.T, e executors.Executor) {
	good := []byte("#!/bin/sh\necho here\n")
	d, wrong, missing := assay.DigestOf(good), assay.DigestOf([]byte("x")), assay.DigestOf([]byte("y"))
	b := &blobs{data: map[assay.Digest][]byte{d: good, wrong: good}}
	for _, c := range []struct {
		executable bool
		mode       fs.FileMode
	}{{false, 0o444}, {true, 0o555}} {
		b.opened = 0
		path, err := e.Put(t.Context(), d, c.executable, b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := e.Put(t.Context(), d, c.executable, b)
		if err != nil || again != path || b.opened != 1 {
			t.Errorf("second Put = %s, %v with %d copies; want %s and one", again, err, b.opened, path)
		}
		if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, []byte("damaged"), 0o644)); err != nil {
			t.Fatal(err)
		}
		if again, err := e.Put(t.Context(), d, c.executable, b); err != nil || again != path || b.opened != 2 {
			t.Errorf("Put over a damaged file = %s, %v with %d copies; want %s and two", again, err, b.opened, path)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, good) || info.Mode().Perm() != c.mode {
			t.Errorf("Put(executable %t) holds %q with mode %v, %v; want %q and %v", c.executable, got, info.Mode(), err, good, c.mode)
		}
	}
	if _, err := e.Put(t.Context(), wrong, false, b); err == nil || !strings.Contains(err.Error(), d.String()) {
		t.Errorf("Put of bytes with another digest: error %v, want one that names %v", err, d)
	}
	b.data[wrong] = []byte("x")
	if _, err := e.Put(t.Context(), wrong, false, b); err != nil {
		t.Errorf("Put after a wrong one: %v, want nothing kept of that", err)
	}
	if _, err := e.Put(t.Context(), missing, false, b); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Put of what is not there: error %v, want fs.ErrNotExist", err)
	}
}

func testComplete(t *testing.T, e executors.Executor, dir string) {
	writePlan(t, dir, 3, "echo x >> "+dir+"/ran")
	start(t, e, dir)
	s := await(t, e, dir, func(s executors.Status) bool { return !s.Alive })
	if s.State != assay.Complete || s.Error != "" || s.Exe.IsZero() || s.Floor == 0 {
		t.Errorf("status %+v, want complete, with the agent's digest and floor", s)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "ran")); err != nil || string(b) != "x\nx\nx\n" {
		t.Errorf("commands wrote %q, %v; want three lines", b, err)
	}
	start(t, e, dir) // nothing is missing, so nothing runs
	await(t, e, dir, func(s executors.Status) bool { return !s.Alive })
	if b, _ := os.ReadFile(filepath.Join(dir, "ran")); string(b) != "x\nx\nx\n" {
		t.Errorf("after a second Start commands had written %q, want three lines", b)
	}
}

func testCancelledStarter(t *testing.T, e executors.Executor, dir string) {
	ctx, cancel := context.WithCancel(t.Context())
	writePlan(t, dir, 1, "while [ ! -e "+dir+"/go ]; do sleep 0.01; done")
	if err := e.Start(ctx, dir); err != nil {
		t.Fatal(err)
	}
	cancel()
	if s := await(t, e, dir, func(executors.Status) bool { return true }); !s.Alive || s.State != assay.Running {
		t.Errorf("after its starter's context ended: %+v, want a living agent", s)
	}
	if err := e.Start(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "another agent") {
		t.Errorf("a second agent in one directory: error %v, want one that says so", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if s := await(t, e, dir, func(s executors.Status) bool { return !s.Alive }); s.State != assay.Complete {
		t.Errorf("status %+v, want complete", s)
	}
}

func testCancel(t *testing.T, e executors.Executor, dir string) {
	writePlan(t, dir, 2, "[ -e "+dir+"/go ] || sleep 1000")
	start(t, e, dir)
	if err := e.Cancel(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	s, err := e.Status(t.Context(), dir)
	if err != nil || s.Alive || s.State != assay.Interrupted || s.Error != "" {
		t.Errorf("after Cancel: %+v, %v; want a dead agent that says interrupted", s, err)
	}
	if err := e.Cancel(t.Context(), dir); err != nil {
		t.Errorf("second Cancel: %v, want nil", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	start(t, e, dir)
	s = await(t, e, dir, func(s executors.Status) bool { return !s.Alive })
	if s.State != assay.Complete || s.Segment != 1 {
		t.Errorf("after a second Start: %+v, want complete in segment 1", s)
	}
}

func testBadPlan(t *testing.T, e executors.Executor, dir string) {
	if err := os.WriteFile(filepath.Join(dir, runners.PlanFile), []byte(`{"format":"assay.plan.v0"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "assay.plan.v0") {
		t.Errorf("Start with a plan of another format: error %v, want one that names the format", err)
	}
}

// writePlan writes a plan of so many invocations of a shell script.
func writePlan(t *testing.T, dir string, invocations int, script string) {
	t.Helper()
	p := assay.Plan{
		Format: assay.PlanFormat,
		Name:   "executortest",
		Trials: []assay.Trial{{Workload: "shell", Runtime: "native", Command: assay.Command{
			Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
		}}},
		Limits: assay.Limits{Timeout: time.Minute, Output: 1 << 20},
	}
	for range invocations {
		p.Order = append(p.Order, []int{0})
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, runners.PlanFile), b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, e executors.Executor, dir string) {
	t.Helper()
	if err := e.Start(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Cancel(context.Background(), dir) })
}

// await waits for a status that the agent will have by itself.
func await(t *testing.T, e executors.Executor, dir string, cond func(executors.Status) bool) executors.Status {
	t.Helper()
	var s executors.Status
	var err error
	for range 12_000 {
		if s, err = e.Status(t.Context(), dir); err == nil && cond(s) {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal(fmt.Errorf("waited two minutes: last status %+v, %w", s, err))
	return s
}
