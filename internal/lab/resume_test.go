package lab

import (
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/internal/hosts"
)

func TestChangedHost(t *testing.T) {
	was := assay.Host{OS: "linux", Arch: "amd64", Kernel: "Linux 6.1", CPU: "EPYC", Cores: 2, Memory: 8 << 30, Load1: "0.1", Governor: "performance"}
	same := was
	same.Load1, same.Governor, same.Memory = "9.9", "powersave", was.Memory-1<<20
	if got := changedHost(was, same); len(got) != 0 {
		t.Errorf("one host at two times: %q, want nothing", got)
	}
	other := assay.Host{OS: "linux", Arch: "arm64", Kernel: "Linux 6.2", CPU: "M3", Cores: 8, Memory: 16 << 30, Virtual: "docker"}
	want := []string{
		`the host's system was "linux/amd64", and is "linux/arm64"`, `the host's kernel was "Linux 6.1", and is "Linux 6.2"`,
		`the host's processor was "EPYC", and is "M3"`, `the host's number of processors was "2", and is "8"`,
		`the host's memory was "8 GiB", and is "16 GiB"`, `the host's virtual machine was "", and is "docker"`,
	}
	if got := changedHost(was, other); !slices.Equal(got, want) {
		t.Errorf("another host: %q, want %q", got, want)
	}
}

func TestChangedTool(t *testing.T) {
	one, two := assay.DigestOf([]byte("1")), assay.DigestOf([]byte("2"))
	was := assay.RuntimeVersion{Name: "v8", Version: "20.1", Path: "/bin/node", Digest: one, Loader: []string{"/ld"}, Files: []assay.File{{Path: "/a", Digest: one}, {Path: "/b", Digest: one}}}
	now := was
	now.Version, now.Digest, now.Loader = "20.2", two, nil
	now.Files = []assay.File{{Path: "/a", Digest: two}, {Path: "/c", Digest: two}}
	want := []string{
		"v8 was /bin/node 20.1 (sha256:6b86b273ff34), and is /bin/node 20.2 (sha256:d4735e3a265e)",
		`v8 was started by ["/ld"], and is by []`,
		"v8: /a was sha256:6b86b273ff34, and is sha256:d4735e3a265e",
		"v8: /b was sha256:6b86b273ff34, and is not there",
		"v8: /c was not there, and is sha256:d4735e3a265e",
	}
	if got := changedTool(was, now); !slices.Equal(got, want) {
		t.Errorf("another program: %q, want %q", got, want)
	}
	if got := changedTool(was, was); len(got) != 0 {
		t.Errorf("the same program: %q, want nothing", got)
	}
	linked := was
	linked.Libraries = []assay.File{{Path: "/lib/libc.so.6", Digest: two}}
	if got := changedTool(was, linked); len(got) != 0 {
		t.Errorf("of a record without libraries: %q, want nothing", got)
	}
	if got, want := changedTool(linked, was), []string{"v8: /lib/libc.so.6 was sha256:d4735e3a265e, and is not there"}; !slices.Equal(got, want) {
		t.Errorf("another library: %q, want %q", got, want)
	}
}

func TestConditions(t *testing.T) {
	calm := assay.Host{Cores: 2, Load1: "0.1", Governor: "performance", SMT: "on"}
	busy := calm
	busy.Load1 = "12.0"
	run := assay.Run{Host: calm, Ready: hosts.Unready(calm)}
	segments := []journal.Segment{{Host: calm}, {Segment: 1, Host: busy}, {Segment: 2, Host: calm}}
	want := append(hosts.Unready(calm), "load: 12.0 on 2 cores, over the last minute: other work, or the run before (segment 1)")
	if run.Ready = conditions(run, segments); !slices.Equal(run.Ready, want) {
		t.Errorf("conditions are %q, want %q", run.Ready, want)
	}
}
