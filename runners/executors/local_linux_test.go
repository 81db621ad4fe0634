package executors_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/runners/executors"
	"github.com/assay-notebooks/assay/runners/executors/executortest"
)

func TestLocal(t *testing.T) {
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
	local := executors.Local{Cache: t.TempDir(), Agent: agent}
	executortest.Test(t, local, (*testing.T).TempDir)
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
