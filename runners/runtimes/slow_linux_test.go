package runtimes_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
	"github.com/assay-notebooks/assay/runners/runtimes/runtimetest"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// slow lists what takes minutes to get or to check.
var slow = []runners.Runtime{runtimes.Containerd, runtimes.Lucet}

// TestSlow holds the slow runtimes to the contract, containerd with a daemon of
// the test's own. With -update it notes the result in docs/runtimes.md.
func TestSlow(t *testing.T) {
	if os.Getenv("ASSAY_SLOW") == "" {
		t.Skip("takes minutes; make test-slow runs it")
	}
	dir := t.TempDir()
	host := contract.Host{Launcher: start(t, dir), Dir: dir, Image: contract.ShellImage(filepath.Join(dir, "image"))}
	var report contract.Report
	for _, r := range slow {
		t.Run(r.Name(), func(t *testing.T) {
			found, err := toolbox.Locate(t.Context(), r, toolbox.Options{Cache: cache(t)})
			if r.Name() == runtimes.Containerd.Name() {
				found, err = containerd(t)
			}
			if err != nil {
				t.Fatal(err)
			}
			report.Runtimes = append(report.Runtimes, contract.Of(r, found))
			report.Results = append(report.Results, runtimetest.Live(t, r, runtimetest.Host{Host: host, Found: found})...)
		})
	}
	if *runtimetest.Update && !t.Failed() {
		if err := report.Write(docs, contract.Slow, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// containerd starts a daemon that has everything below a directory of the
// test's, and returns the client that asks it.
func containerd(t *testing.T) (assay.RuntimeVersion, error) {
	t.Helper()
	program, err := exec.LookPath("containerd")
	if err == nil && os.Geteuid() != 0 {
		err = errors.New("its daemon must be root's")
	}
	if err != nil {
		tooltest.Missing(t, "containerd", err)
	}
	dir := t.TempDir()
	config, socket := filepath.Join(dir, "config.toml"), filepath.Join(dir, "socket")
	text := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n",
		filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return assay.RuntimeVersion{}, err
	}
	log, w := io.Pipe()
	cmd := exec.CommandContext(t.Context(), program, "--config", config)
	cmd.Stderr = w
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return assay.RuntimeVersion{}, err
	}
	go func() { w.CloseWithError(cmd.Wait()) }()
	ended := make(chan struct{})
	t.Cleanup(func() { <-ended })
	lines := bufio.NewScanner(log)
	for lines.Scan() && !strings.Contains(lines.Text(), "containerd successfully booted") {
	}
	booted := lines.Text()
	go func() {
		io.Copy(io.Discard, log)
		close(ended)
	}()
	if booted == "" {
		return assay.RuntimeVersion{}, fmt.Errorf("containerd ended: %w", lines.Err())
	}
	client := runtimes.Containerd.Tool()
	client.Probe = []string{"--version"} // "version" asks the daemon of the host
	found, err := toolbox.Find(t.Context(), runtimes.Containerd.Name(), client, toolbox.Options{Cache: cache(t)})
	found.Loader = []string{"/usr/bin/env", "CONTAINERD_ADDRESS=" + socket}
	return found, err
}
