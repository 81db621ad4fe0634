package runtimes_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
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
			if r.Name() == runtimes.Containerd.Name() {
				t.Run("two at once", func(t *testing.T) { twoAtOnce(t, &host, found) })
				nothingLeft(t, found)
			}
		})
	}
	if *runtimetest.Update && !t.Failed() {
		if err := report.Write(docs, contract.Slow, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// twoAtOnce has a container wait while another of the same plan runs and is
// cleaned up behind: each is of its run alone.
func twoAtOnce(t *testing.T, host *contract.Host, found assay.RuntimeVersion) {
	manifest, err := host.Image(t.Context(), "read line; exit 7")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runtimes.Containerd.Plan(runners.Invocation{Tool: found, Module: manifest, Scratch: runners.PreparedDir + "/two"})
	if err != nil {
		t.Fatal(err)
	}
	limits := measure.Options{Limits: assay.Limits{Timeout: time.Minute, Output: 1 << 20}}
	for _, c := range append(plan.Prepare, plan.Prepare...) { // of both runs
		if res, err := host.Launcher.Run(t.Context(), c, limits); err != nil || res.Exit != 0 {
			t.Fatalf("prepare %q: exit %d, %v: %s", c.Argv, res.Exit, err, res.StderrTail)
		}
	}
	argv := runners.Named(plan.Command, "assay-one").Argv
	one := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	stdin, err := one.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Start(); err != nil {
		t.Fatal(err)
	}
	for !slices.Contains(listed(t, found, "tasks", "ls"), "assay-one") {
	}
	two := runners.Named(plan.Command, "assay-two")
	two.Stdin = filepath.Join(host.Dir, "line")
	if err := os.WriteFile(two.Stdin, []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if res, err := host.Launcher.Run(t.Context(), two, limits); err != nil || res.Exit != 7 {
		t.Errorf("the second: exit %d, %v: %s", res.Exit, err, res.StderrTail)
	}
	for _, c := range plan.Clean {
		if _, err := host.Launcher.Run(t.Context(), runners.Named(c, "assay-two"), limits); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(stdin, "x\n"); err != nil {
		t.Fatal(err)
	}
	if err := one.Wait(); one.ProcessState.ExitCode() != 7 {
		t.Errorf("the first, which was waiting: %v, want exit status 7", err)
	}
}

// nothingLeft looks whether containers of the test are still there.
func nothingLeft(t *testing.T, found assay.RuntimeVersion) {
	for _, of := range []string{"tasks", "containers"} {
		if left := listed(t, found, of, "ls"); len(left) > 0 {
			t.Errorf("%s are left: %q", of, left)
		}
	}
}

// listed returns the names that a command of ctr lists.
func listed(t *testing.T, found assay.RuntimeVersion, args ...string) []string {
	t.Helper()
	argv := slices.Concat(found.Loader, []string{found.Path, "--namespace", "assay"}, args, []string{"--quiet"})
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatalf("%q: %v", argv, err)
	}
	return strings.Fields(string(out))
}

// containerd starts a daemon that has everything below a directory of the
// test's, and returns the client that asks it.
func containerd(t *testing.T) (assay.RuntimeVersion, error) {
	t.Helper()
	client := runtimes.Containerd.Tool()
	client.Probe = []string{"--version"} // "version" asks the daemon of the host
	found, err := toolbox.Find(t.Context(), runtimes.Containerd.Name(), client, toolbox.Options{Cache: cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	if found.Absent == "" && os.Geteuid() != 0 {
		found.Absent = "its daemon must be root's"
	}
	if found.Absent != "" {
		tooltest.Missing(t, "containerd", errors.New(found.Absent))
	}
	bin, dir := filepath.Dir(found.Path), t.TempDir()
	config, socket := filepath.Join(dir, "config.toml"), filepath.Join(dir, "socket")
	text := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n",
		filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return assay.RuntimeVersion{}, err
	}
	log, w := io.Pipe()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "containerd"), "--config", config)
	cmd.Env = append(os.Environ(), "PATH="+bin+":/usr/sbin:/usr/bin:/sbin:/bin") // with its runc
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
	found.Loader = []string{"/usr/bin/env", "CONTAINERD_ADDRESS=" + socket}
	return found, nil
}
