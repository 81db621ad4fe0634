package install_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/install"
)

// TestDebianHooks: of a system's configuration of apt the proxy is used, and no
// hook runs.
func TestDebianHooks(t *testing.T) {
	needApt(t)
	var asked atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(asked.Load() || r.URL.Host == "deb.debian.org")
		http.NotFound(w, r)
	}))
	t.Cleanup(proxy.Close)
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	for name, text := range map[string]string{
		"apt.conf":     fmt.Sprintf("Dir::Etc::parts %q;\n", filepath.Join(dir, "parts")),
		"parts/hook":   fmt.Sprintf("APT::Update::Pre-Invoke { \"touch %s\"; };\n", ran),
		"parts/always": fmt.Sprintf("Acquire::http::Proxy %q;\n", proxy.URL),
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("APT_CONFIG", filepath.Join(dir, "apt.conf"))
	p := runners.Package{Name: "demo", Version: "1", Program: "bin/demo", Debian: &runners.Debian{
		Release: "trixie", Packages: []string{"demo"}, Files: map[string]assay.Digest{"demo_1_amd64.deb": assay.DigestOf(nil)}}}
	_, err := install.Install(t.Context(), p, install.Options{Cache: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "does not have a Release file") || !asked.Load() {
		t.Errorf("Install by way of a proxy that has nothing: error %v; it was asked: %v", err, asked.Load())
	}
	if _, err := os.Stat(ran); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a hook of the system ran")
	}
}

// fakeApt puts an apt-get in PATH that comes with the package demo, whose
// program is that, and with libdemo, which it depends on: "install" with both,
// "download" with the first. "autoclean" removes what it does not have. It
// returns the digests of their files.
func fakeApt(t *testing.T, program []byte) map[string]assay.Digest {
	t.Helper()
	needApt(t)
	dir := t.TempDir()
	apt := fmt.Sprintf(`#!/bin/sh
archives=$(sed -n 's/^Dir::Cache "\(.*\)";/\1/p' "$APT_CONFIG")/archives
case $1 in
autoclean) for deb in "$archives"/*.deb; do test -e %[1]q/"${deb##*/}" || rm -f "$deb"; done ;;
install) cp %[1]q/*.deb "$archives" ;;
download) cp %[1]q/demo_*.deb . ;;
esac
`, dir)
	if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte(apt), 0o755); err != nil {
		t.Fatal(err)
	}
	debs := map[string]assay.Digest{}
	for name, data := range map[string][]byte{"demo": program, "libdemo": []byte("#!/bin/sh\n")} {
		tree, deb := filepath.Join(dir, name), filepath.Join(dir, name+"_1_all.deb")
		control := fmt.Sprintf("Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: assay\nDescription: test\n", name)
		if err := install.WriteFiles(tree, map[string][]byte{"DEBIAN/control": []byte(control), "usr/bin/" + name: data}); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("dpkg-deb", "--build", tree, deb).CombinedOutput(); err != nil {
			t.Fatalf("dpkg-deb: %v: %s", err, out)
		}
		b, err := os.ReadFile(deb)
		if err != nil {
			t.Fatal(err)
		}
		debs[filepath.Base(deb)] = assay.DigestOf(b)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return debs
}

// debianOf is the package demo of a fakeApt.
func debianOf(files map[string]assay.Digest) runners.Package {
	return runners.Package{Name: "demo", Version: "1", Program: "usr/bin/demo",
		Debian: &runners.Debian{Release: "trixie", Packages: []string{"demo"}, Files: files}}
}

// TestDebianMoved has apt come with a package in another version than the
// lock's: one that is asked for is refused, another is named in the origin.
func TestDebianMoved(t *testing.T) {
	locked := fakeApt(t, []byte("#!/bin/sh\n"))
	for _, c := range []struct {
		without     string // of the lock's files
		origin, err string
	}{
		{"", "Debian trixie demo", ""},
		{"libdemo_1_all.deb", "Debian trixie demo, with what runtimes.lock does not have: libdemo_1_all.deb", ""},
		{"demo_1_all.deb", "", `trixie has demo_1_all.deb now, which runtimes.lock does not: "assay runtimes install demo@1"`},
	} {
		files := maps.Clone(locked)
		delete(files, c.without)
		in, err := install.Install(t.Context(), debianOf(files), install.Options{Cache: t.TempDir()})
		if in.Origin != c.origin || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("without %q: origin %q, %v; want %q, %q", c.without, in.Origin, err, c.origin, c.err)
		}
	}
}

// TestDebianResumed goes on with an attempt of before a point release: what it
// fetched that is no longer in the release is not extracted.
func TestDebianResumed(t *testing.T) {
	p, o := debianOf(fakeApt(t, []byte("#!/bin/sh\n"))), install.Options{Cache: t.TempDir()}
	in, err := install.Install(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := install.Uninstall(p, o); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(filepath.Dir(in.Dir), ".work-"+filepath.Base(in.Dir))
	if err := install.WriteFiles(work, map[string][]byte{"cache/archives/libdemo_0_all.deb": []byte("of the release before")}); err != nil {
		t.Fatal(err)
	}
	if in, err := install.Install(t.Context(), p, o); err != nil || in.Origin != "Debian trixie demo" {
		t.Errorf("Install: origin %q, %v", in.Origin, err)
	}
}

// TestDebianAlone installs a package without what it depends on: the program is
// started as it is, on a host that has its libraries.
func TestDebianAlone(t *testing.T) {
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		program []byte
		err     string
	}{
		{[]byte("#!/bin/sh\n"), ""},
		{shell, ""},
		{bytes.ReplaceAll(shell, []byte("libc.so.6\x00"), []byte("libx.so.6\x00")), "libx.so.6: cannot open shared object file: No such file or directory\nit takes its libraries from this host"},
	} {
		p := debianOf(fakeApt(t, c.program))
		p.Debian.Alone = true
		in, err := install.Install(t.Context(), p, install.Options{Cache: t.TempDir()})
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("Install of a program that lacks a library: %v, want an error with %q", err, c.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(in.Program, "-c", "true").CombinedOutput(); err != nil || len(in.Loader) > 0 {
			t.Errorf("it says %s, %v, with loader %q; want it to end well without one", out, err, in.Loader)
		}
		if _, err := os.Stat(filepath.Join(in.Dir, "usr", "bin", "libdemo")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what it depends on was installed with it: %v", err)
		}
	}
}

// needApt skips a test where there is no apt that could ask Debian.
func needApt(t *testing.T) {
	t.Helper()
	for _, name := range []string{"apt-get", "apt-config", "dpkg-deb"} {
		if _, err := exec.LookPath(name); err != nil {
			tooltest.Missing(t, name, err)
		}
	}
	if _, err := os.Stat("/usr/share/keyrings/debian-archive-keyring.gpg"); err != nil {
		tooltest.Missing(t, "debian-archive-keyring", err)
	}
}
