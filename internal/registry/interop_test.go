package registry

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestInterop has other clients log in, push, link, copy and pull.
func TestInterop(t *testing.T) {
	oras, crane := tooltest.Built(t, "oras"), tooltest.Built(t, "crane")
	s := start(t, Options{Htpasswd: htpasswd(t), TokenFile: tokenFile(t)})
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", filepath.Join(dir, "docker"))
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, stderr.Bytes())
		}
		return string(out)
	}
	content := strings.Repeat("evidence ", 100_000)
	for name, text := range map[string]string{"trace": content, "note": "about it"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	repo := host(s) + "/team/work"

	run(oras, "login", "--plain-http", host(s), "-u", "alice", "-p", alicePassword)
	run(oras, "push", "--plain-http", "--no-tty", "--artifact-type", "application/x.run", repo+":1", "trace")
	run(oras, "attach", "--plain-http", "--no-tty", "--artifact-type", "application/x.note", repo+":1", "note")
	run(oras, "cp", "-r", "--no-tty", "--from-plain-http", "--to-plain-http", repo+":1", host(s)+"/copy:1")
	if out := run(oras, "discover", "--plain-http", "--artifact-type", "application/x.note", host(s)+"/copy:1"); !strings.Contains(out, "application/x.note") {
		t.Errorf("oras discover finds no note beside the copy:\n%s", out)
	}

	if err := os.RemoveAll(filepath.Join(dir, "docker")); err != nil {
		t.Fatal(err)
	}
	run(crane, "auth", "login", host(s), "-u", "anyone", "-p", token)
	if got, want := run(crane, "digest", host(s)+"/copy:1"), run(crane, "digest", repo+":1"); got != want {
		t.Errorf("the copy is %s, want %s", got, want)
	}
	run(crane, "pull", "--insecure", "--format", "oci", repo+":1", "layout")
	run(crane, "push", "--index", "layout", host(s)+"/again:1")

	run(oras, "pull", "--plain-http", "--no-tty", "-o", "pulled", repo+":1")
	if got, err := os.ReadFile(filepath.Join(dir, "pulled", "trace")); err != nil || string(got) != content {
		t.Errorf("pulled %d bytes, %v; want %d", len(got), err, len(content))
	}

	if err := os.RemoveAll(filepath.Join(dir, "docker")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), crane, "digest", repo+":1")
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("401")) {
		t.Errorf("crane without credentials: %v: %s", err, out)
	}
}
