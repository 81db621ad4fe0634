package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/nodewasi"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestKilled kills a process that has a figure drawn which never ends: the
// figure's process must not be left behind.
func TestKilled(t *testing.T) {
	module, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []Engine{Wazero, Node} {
		t.Run(string(engine), func(t *testing.T) {
			cache, err := cache()
			if err != nil {
				t.Fatal(err)
			}
			program := os.Args[0]
			if engine == Node {
				if program, err = exec.LookPath("node"); err != nil {
					tooltest.Missing(t, "node", err)
				}
				if _, err := nodewasi.Dir(t.Context(), cache); err != nil { // now: npm is a process of node too
					t.Fatal(err)
				}
			}
			dir := t.TempDir()
			file, pid, shim := filepath.Join(dir, "m.wasm"), filepath.Join(dir, "pid"), filepath.Join(dir, "node")
			script := "#!/bin/sh\necho $$ > " + pid + "\nexec " + program + ` "$@"` + "\n"
			if err := os.WriteFile(file, module, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(shim, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], string(engine), cache, file, shim, WorkerArg, doomedArg)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				cmd.Process.Kill()
				cmd.Wait()
			})
			started := eventually(func() bool { b, _ := os.ReadFile(pid); return strings.HasSuffix(string(b), "\n") })
			if !started {
				t.Fatal("the figure's process has not begun")
			}
			b, err := os.ReadFile(pid)
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			if !eventually(func() bool { return ticks(n) > 100 }) { // 1 s: it has read all, and draws
				t.Fatal("the figure's process does nothing")
			}
			cmd.Process.Kill()
			if !eventually(func() bool { return ticks(n) < 0 }) {
				t.Errorf("process %d draws on after its parent was killed", n)
				if p, err := os.FindProcess(n); err == nil {
					p.Kill()
				}
			}
		})
	}
}

// eventually waits until cond holds, and reports whether it came to that.
func eventually(cond func() bool) bool {
	for range 12_000 {
		if cond() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// ticks returns the processor time of process pid; negative if it is not there,
// or only its zombie.
func ticks(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return -1
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if fields[0] == "Z" {
		return -1
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return -1
	}
	return user
}
