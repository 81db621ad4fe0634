package executors_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/executors"
	"github.com/assay-notebooks/assay/runners/executors/executortest"
)

// local is a Local with an agent built for it.
func local(t *testing.T) executors.Local {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "assay-agent")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", exe, "github.com/assay-notebooks/assay/cmd/assay-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, b)
	}
	agent, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	return executors.Local{Cache: t.TempDir(), Agent: agent}
}

func TestLocal(t *testing.T) {
	executortest.Test(t, local(t), (*testing.T).TempDir)
}

// TestFullDisk starts an agent where it can write nothing.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("assay", disk, "tmpfs", 0, "size=64k"); err != nil {
		tooltest.Missing(t, "tmpfs", fmt.Errorf("mount, which needs root: %w", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	plan := []byte(`{"format":"assay.plan.v1","limits":{"timeout_ns":1000000000,"output_bytes":1}}`)
	if err := os.WriteFile(filepath.Join(disk, runners.PlanFile), plan, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(disk, "fill"), make([]byte, 1<<20), 0o666); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v, want %v", err, unix.ENOSPC)
	}
	err := local(t).Start(t.Context(), disk)
	if err == nil || !strings.Contains(err.Error(), "no space left on device") || strings.Count(err.Error(), disk) < 2 {
		t.Errorf("Start on a full disk: error %v, want no space left on device, with the path", err)
	}
}

// TestDeadAgent starts a program that ends without a word.
func TestDeadAgent(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, runners.PlanFile), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{
		"#!/bin/sh\nexit 7\n":                 "exit status 7",
		"#!/bin/sh\necho panic >&2\nexit 7\n": "exit status 7 panic",
		"#!/bin/sh\nkill -9 $$\n":             "signal: killed",
	} {
		l := executors.Local{Cache: t.TempDir(), Agent: []byte(program)}
		if err := l.Start(t.Context(), dir); err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("agent %q: error %v, want %s", program, err, want)
		}
	}
}

func TestAgentBinary(t *testing.T) {
	if _, err := executors.AgentBinary("plan9", "mips"); err == nil || !strings.Contains(err.Error(), "plan9/mips") {
		t.Errorf("AgentBinary of plan9: error %v, want one that names it", err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		b, err := executors.AgentBinary("linux", arch)
		_, missing := os.Stat("agents/assay-agent-linux-" + arch)
		if missing != nil && !errors.Is(err, executors.ErrNoAgent) || missing == nil && len(b) == 0 {
			t.Errorf("AgentBinary(linux, %s) = %d bytes, %v; the file: %v", arch, len(b), err, missing)
		}
	}
}
