package install

import (
	"reflect"
	"strings"
	"testing"
)

func TestEmbedded(t *testing.T) {
	l, err := ParseLock(embedded)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Live {
		if _, ok := l[name]; !ok {
			t.Errorf("the lock has no %s, which is to be live", name)
		}
	}
	for _, p := range l {
		if _, err := dirOf(p, Options{Cache: t.TempDir()}); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	written, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseLock(written); err != nil || !reflect.DeepEqual(again, l) {
		t.Errorf("what Encode writes is read as %+v, %v; want %+v", again, err, l)
	}
}

const oneArchive = `
- name: demo
  version: 1.0
  program: bin/demo
  archive:
    url: {linux/amd64: "https://example.org/demo.tar.gz"}
    digest: {linux/amd64: sha256:0123456789012345678901234567890123456789012345678901234567890123}
`

func TestParseLock(t *testing.T) {
	if l, err := ParseLock([]byte(oneArchive)); err != nil || l["demo"].Version != "1.0" {
		t.Errorf("ParseLock = %+v, %v; want demo 1.0", l, err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"name: demo", "name: ../demo", `name "../demo"`},
		{"version: 1.0", "version: 1/0", `version "1/0"`},
		{"version: 1.0", "version: --help", `version "--help"`},
		{"bin/demo", "../../bin/sh", `program "../../bin/sh" is not a path in the package`},
		{"bin/demo", "/bin/sh", `program "/bin/sh" is not`},
		{"digest: {linux/amd64", "digest: {linux/arm64", "no digest for linux/amd64"},
		{"  archive:", "  wheel: {project: -r, version: 1, files: {}, keep: [../x]}\n  archive:", `wheel.project "-r"`},
		{"  archive:", "  wheel: {project: x, version: 1, files: {}, keep: [../x]}\n  archive:", `wheel.keep: "../x"`},
		{"  archive:", "  crate: {name: x}\n  archive:", "want one of wheel, crate, go, debian, archive and lucet, not 2"},
		{"  archive:", "  crate: {source: ../x}\n  archive:", `crate.source "../x"`},
		{"  archive:", "  crate: {source: x, shares: ../x}\n  archive:", `crate.shares "../x"`},
		{"  archive:", "  go: {source: ..}\n  archive:", `go.source ".."`},
		{"  archive:", "  go: {source: x, wheel: {project: -rreq, version: 1, files: {}, keep: [x]}}\n  archive:", `go.wheel.project "-rreq"`},
		{"  archive:", "  go: {source: x, wheel: {project: x, version: '', files: {}, keep: [../x]}}\n  archive:", `go.wheel.keep: "../x"`},
		{"  archive:", "  go: {source: x, wheel: {project: x, version: '', files: {}, keep: [x]}}\n  archive:", `go.wheel.version ""`},
		{"  archive:", "  debian: {release: sid, packages: [-o], files: {}}\n  archive:", `debian.packages "-o"`},
		{"sha256:0", "md5:0", "md5:0"},
		{"- name", oneArchive[1:] + "- name", "package demo is there twice"},
		{"url", "uri", "field uri not found"},
	} {
		in := strings.Replace(oneArchive, c.old, c.new, 1)
		if _, err := ParseLock([]byte(in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseLock with %q: error %v, want one with %q", c.new, err, c.want)
		}
	}
}

// FuzzParseLock: what is accepted can be written and read again, and leads to a
// directory below the cache.
func FuzzParseLock(f *testing.F) {
	f.Add(embedded)
	f.Add([]byte(oneArchive))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseLock(b)
		if err != nil {
			return
		}
		written, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseLock(written); err != nil {
			t.Fatalf("written as\n%s\nit cannot be read: %v", written, err)
		}
		for _, p := range l {
			if dir, err := dirOf(p, Options{Cache: "/cache"}); err == nil && !strings.HasPrefix(dir, "/cache/runtimes/"+p.Name) {
				t.Fatalf("%q goes to %s", p.Name, dir)
			}
		}
	})
}

func TestBeginsVersion(t *testing.T) {
	for version, want := range map[string]bool{
		"1.8.1-1+deb12u1": true, "1.8.1": true, "1.8.1-1": true, "1.8": false, "1.8.1-": false, "1.8.10": false,
	} {
		if got := beginsVersion("1.8.1-1+deb12u1", version); got != want {
			t.Errorf("beginsVersion(1.8.1-1+deb12u1, %s) = %v, want %v", version, got, want)
		}
	}
}
