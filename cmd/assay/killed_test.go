package main

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/runners/executors"
)

// TestKilled kills assay or its agent a hundred times at random moments of one
// run, and has the run go on each time: in the end every planned invocation
// has exactly one outcome.
func TestKilled(t *testing.T) {
	const kills, planned = 100, 5000
	dir := newWorkspace(t, `
name: killed
workloads: [endless]
limits: {timeout: 5ms}
runtimes: [wazero/interpreter]
protocol: {cold: {invocations: 5000}}
`)
	// Each invocation takes its 5 ms: the run outlasts the kills on any machine.
	mustAssay(t, dir, "pin", abs(t, filepath.Join("..", "..", "runners", "runtimes", "contract", "guests", "endless.wasm")))
	rng := rand.New(rand.NewPCG(1, 2))
	var assays, agents int
	for i := range kills {
		cmd := assayIn(t, dir, "run", "experiment.yaml")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			time.Sleep(time.Duration(rng.IntN(150)) * time.Millisecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			assays++
		} else {
			killAgent(t, dir, time.Duration(rng.IntN(60))*time.Millisecond)
			agents++
			// assay says so and ends, unless it had not looked yet: then it has
			// started another agent and is killed, too.
			patience := time.AfterFunc(300*time.Millisecond, func() { cmd.Process.Kill() })
			cmd.Wait()
			patience.Stop()
		}
		if cmd.Wait(); cmd.ProcessState.Success() {
			t.Fatalf("the run was complete after %d kills: plan more of them", i)
		}
	}
	mustAssay(t, dir, "run", "experiment.yaml")
	rows, err := csv.NewReader(bytes.NewReader([]byte(mustAssay(t, dir, "traces", "export", "killed")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	segments := map[string]bool{}
	for _, row := range rows[1:] {
		seq, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		seen[seq]++
		segments[row[column(t, rows[0], "segment")]] = true
	}
	for seq := range planned {
		if seen[seq] != 1 {
			t.Errorf("planned invocation %d has %d outcomes, want 1", seq, seen[seq])
		}
	}
	if len(rows)-1 != planned {
		t.Errorf("%d rows, want %d", len(rows)-1, planned)
	}
	mustAssay(t, dir, "store", "check")
	t.Logf("%d kills of assay, %d of its agent; %d segments with rows; %d planned, %d rows, 0 lost, 0 doubled",
		assays, agents, len(segments), planned, len(rows)-1)
}

// killAgent waits until the one run in dir has an agent, and kills it when it
// has been at work for so long.
func killAgent(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	for range 12_000 {
		runs, err := filepath.Glob(filepath.Join(dir, ".assay", "runs", "2*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 1 {
			if s, err := (executors.Local{}).Status(t.Context(), runs[0]); err == nil && s.Alive {
				time.Sleep(after)
				if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no agent was started in two minutes")
}

func column(t *testing.T, header []string, name string) int {
	t.Helper()
	for i, h := range header {
		if h == name {
			return i
		}
	}
	t.Fatalf("no column %s in %v", name, header)
	return 0
}
