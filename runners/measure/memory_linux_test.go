package measure_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/measure"
)

// held runs a command under the memory protocol and returns its resident and
// proportional sets.
func held(t *testing.T, l *measure.Launcher, argv ...string) (rss, pss int64, res measure.Result) {
	t.Helper()
	res, err := l.Run(t.Context(), assay.Command{Argv: argv}, measure.Options{Limits: limits, Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	if res.Exit != 0 || res.RSSBytes == nil || res.PSSBytes == nil {
		t.Fatalf("%q: exit %d %s %s, peak %v, proportional %v; want 0 and both", argv, res.Exit, res.Signal, res.Reason, res.RSSBytes, res.PSSBytes)
	}
	return *res.RSSBytes, *res.PSSBytes, res
}

func buildTouch(t *testing.T) (path string) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		tooltest.Missing(t, "gcc", err)
	}
	path = filepath.Join(t.TempDir(), "touch")
	if out, err := exec.Command(gcc, "-static", "-O1", "-pthread", "-o", path, "testdata/touch.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return path
}

// Memory is exact within one page a mapping: also below the launcher's floor,
// of which nothing is handed on.
func TestMemoryIsExact(t *testing.T) {
	const pages = 5000
	page := int64(os.Getpagesize())
	touch := buildTouch(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, pages*page), 0o666); err != nil {
		t.Fatal(err)
	}
	l := start(t)
	for _, c := range []struct {
		kind     string
		rss, pss int64 // pages more than without touching any
	}{
		{"private", pages, pages},
		{"shared", pages, pages / 2},
		{"file", pages, pages},
		{"thread", pages, pages},
	} {
		rss0, pss0, res := held(t, l, touch, c.kind, "0", file)
		if rss0 >= res.FloorBytes {
			t.Errorf("%s of nothing: %d bytes, the floor is %d: want to see below it", c.kind, rss0, res.FloorBytes)
		}
		rss, pss, res := held(t, l, touch, c.kind, fmt.Sprint(pages), file)
		var mappings int64
		if _, err := fmt.Sscan(string(res.StdoutTail), &mappings); err != nil {
			t.Fatal(err)
		}
		moreRSS, morePSS := rss-rss0-c.rss*page, pss-pss0-c.pss*page
		t.Logf("%s: resident %d bytes, proportional %d; off by %d and %d bytes in %d mappings", c.kind, rss, pss, moreRSS, morePSS, mappings)
		for _, off := range []int64{moreRSS, morePSS} {
			if max(off, -off) > mappings*page {
				t.Errorf("%s: off by %d bytes resident, %d proportional; want at most a page for each of %d mappings", c.kind, moreRSS, morePSS, mappings)
			}
		}
	}
}

// A peak that was given back before the exit is the kernel's word, which since
// Linux 6.2 counts pages in portions, one a processor.
func TestPeakThatWasFreed(t *testing.T) {
	const pages = 5000
	page, processors := int64(os.Getpagesize()), int64(runtime.NumCPU())
	touch, l := buildTouch(t), start(t)
	rss0, pss0, _ := held(t, l, touch, "freed", "0")
	rss, pss, _ := held(t, l, touch, "freed", fmt.Sprint(pages))
	off, portions := rss-rss0-pages*page, max(32, 2*processors)*processors*page
	t.Logf("off by %d bytes, with portions of %d", off, portions)
	if max(off, -off) > 2*portions || max(pss-pss0, pss0-pss) > 32*page {
		t.Errorf("%d pages touched and freed: peak off by %d bytes, want at most %d; proportional set grown by %d, want next to nothing",
			pages, off, 2*portions, pss-pss0)
	}
}

// A Go program and a guest that grows in wazero show what they touched.
func TestMemoryOfRuntimes(t *testing.T) {
	wazero, module := filepath.Join(t.TempDir(), "wazero"), filepath.Join(t.TempDir(), "grow.wasm")
	if err := build(wazero, "github.com/tetratelabs/wazero/cmd/wazero"); err != nil {
		t.Fatal(err)
	}
	l := start(t)
	for _, c := range []struct {
		name string
		argv func(mib int) []string
	}{
		{"Go", func(mib int) []string { return []string{guest, "touch", fmt.Sprint(mib)} }},
		{"wazero", func(mib int) []string {
			if err := os.WriteFile(module, grower(mib), 0o666); err != nil {
				t.Fatal(err)
			}
			return []string{wazero, "run", "-interpreter", module}
		}},
	} {
		rss0, pss0, _ := held(t, l, c.argv(0)...)
		rss, pss, _ := held(t, l, c.argv(60)...)
		t.Logf("%s: resident %d KiB and proportional %d KiB more for 60 MiB", c.name, (rss-rss0)>>10, (pss-pss0)>>10)
		for _, more := range []int64{rss - rss0, pss - pss0} {
			if more < 59*mib || more > 68*mib {
				t.Errorf("%s: 60 MiB make %d KiB resident and %d KiB proportional, want them and little else", c.name, (rss-rss0)>>10, (pss-pss0)>>10)
			}
		}
	}
}

// A limit below the launcher's peak is kept, too, where memory is exact.
func TestMemoryLimit(t *testing.T) {
	touch, l := buildTouch(t), start(t)
	small := limits
	small.Memory = 2 * mib
	for pages, want := range map[string]assay.Outcome{"0": "", "1000": assay.Limit} {
		res, err := l.Run(t.Context(), assay.Command{Argv: []string{touch, "private", pages}}, measure.Options{Limits: small, Memory: true})
		if err != nil || res.Killed != want {
			t.Errorf("%s pages: killed %q, %s, %v; want %q", pages, res.Killed, res.Reason, err, want)
		}
	}
}

// grower is a module whose _start grows its memory of one page by so many MiB,
// which is less than 4 GiB, and writes to each 4 KiB of it.
func grower(mib int) []byte {
	pages := mib * 16
	code := []byte{
		1, 1, 0x7f, // one i32
		0x41, byte(pages&0x7f | 0x80), byte(pages >> 7 & 0x7f), // i32.const pages, in LEB128 of two bytes
		0x40, 0, 0x1a, // memory.grow, drop
		0x03, 0x40, // loop
		0x20, 0, 0x41, 1, 0x36, 2, 0, // store 1 at the local
		0x20, 0, 0x41, 0x80, 0x20, 0x6a, 0x22, 0, // local += 4096
		0x3f, 0, 0x41, 16, 0x74, 0x49, // below memory.size << 16
		0x0d, 0, 0x0b, 0x0b, // br_if, end, end
	}
	m := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x04\x01\x60\x00\x00" + // type: () -> ()
		"\x03\x02\x01\x00" + // one function
		"\x05\x03\x01\x00\x01" + // one memory, of one page at first
		"\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00")
	m = append(m, 10, byte(len(code)+2), 1, byte(len(code)))
	return append(m, code...)
}

// When the first thread of a process leaves before the others, there is no
// moment at which its memory could be read.
func TestMemoryOfTheOrphaned(t *testing.T) {
	res, err := start(t).Run(t.Context(), assay.Command{Argv: []string{buildTouch(t), "orphan", "1"}}, measure.Options{Limits: limits, Memory: true})
	if err != nil || res.Exit != 0 || res.RSSBytes != nil || res.PSSBytes != nil {
		t.Errorf("exit %d, %v, resident %v, proportional %v; want 0 and neither", res.Exit, err, res.RSSBytes, res.PSSBytes)
	}
}

// What ends while it may be held ends as it does otherwise.
func TestHeldEnds(t *testing.T) {
	l := start(t)
	short := assay.Limits{Timeout: 200 * time.Millisecond, Output: mib}
	for _, c := range []struct {
		script string
		limits assay.Limits
		want   string // exit, signal, killed
	}{
		{"exit 3", limits, `3 "" ""`},
		{"kill -SEGV $$", limits, `-1 "SIGSEGV" ""`},
		{"kill -STOP $$; exit 4", limits, `4 "" ""`},
		{"trap 'exit 5' USR1; kill -USR1 $$; exit 6", limits, `5 "" ""`},
		{"/bin/true; exec /bin/false", limits, `1 "" ""`},
		{"sleep 1000 & exit 7", limits, `7 "" ""`},
		{"while :; do :; done", short, `-1 "SIGKILL" "timeout"`},
		{"sleep 1000", short, `-1 "SIGKILL" "timeout"`},
	} {
		res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", c.script}}, measure.Options{Limits: c.limits, Memory: true})
		if err != nil {
			t.Fatalf("%s: %v", c.script, err)
		}
		if got := fmt.Sprintf("%d %q %q", res.Exit, res.Signal, res.Killed); got != c.want {
			t.Errorf("%s: %s, want %s", c.script, got, c.want)
		}
		if res.Killed == "" && res.PSSBytes == nil {
			t.Errorf("%s: its memory was not read", c.script)
		}
	}
}
