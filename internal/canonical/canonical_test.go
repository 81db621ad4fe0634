package canonical_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
)

var update = flag.Bool("update", false, "rewrite the golden digests")

// values has one of each type whose digest is an identity, with every field
// set: a change of a type that changes a digest that somebody has shows here.
func values() []any {
	d := assay.DigestOf([]byte("x"))
	workload := assay.Workload{
		Name: "crc", Manifest: d, Module: d, Native: map[string]assay.Digest{"linux/amd64": d}, Image: map[string]assay.Digest{"linux/arm64": d},
		Args: []string{"--", "two words", "é"}, Env: []string{"A=1"}, Stdin: d, Expect: assay.Expectation{Stdout: d, Exit: 3},
		Source: map[string]string{"licence": "MIT"},
	}
	limits := assay.Limits{Timeout: time.Minute, Memory: 1 << 30, Output: 1 << 20}
	start := time.Date(2026, 1, 2, 3, 4, 5, 6000000, time.UTC)
	return []any{
		assay.Experiment{
			Name: "start", Workloads: []assay.Workload{workload}, Runtimes: []string{"wazero", "native"},
			Params: []assay.Param{{Name: "n", Values: []string{"1", "2"}}}, Protocol: assay.Protocol{Cold: &assay.Cold{Invocations: 30, Warmup: 1}}, Limits: limits,
		},
		assay.Plan{
			Format: assay.PlanFormat, Experiment: d, Name: "start", Host: "local", Seed: "00000000deadbeef", Warmup: 1, Order: [][]int{{0}, {0}}, Limits: limits,
			Trials: []assay.Trial{{
				Workload: "crc", Manifest: d, Runtime: "wazero", Params: map[string]string{"n": "1"}, Expect: workload.Expect,
				Command: assay.Command{Argv: []string{"/bin/wazero", "run"}, Env: []string{"A=1"}, Stdin: "/in"},
				Signs:   []assay.Sign{{Outcome: assay.Trap, Exit: []int{1}, Stderr: "wasm error"}},
			}},
		},
		assay.Run{
			Format: assay.RunFormat, ID: "20260102T030405Z-abcdef", Name: "start", Experiment: d, Plan: d, Trace: d, State: assay.Complete,
			Host:     assay.Host{Name: "local", OS: "linux", Arch: "amd64", Cores: 2, Memory: 1 << 34},
			Runtimes: []assay.RuntimeVersion{{Name: "wazero", Version: "1.12.0", Path: "/bin/wazero", Digest: d, Files: []assay.File{{Path: "/x", Digest: d}}}},
			Agent:    d, Version: "v1", Env: []string{"TZ=UTC"}, Started: start, Finished: start, Segments: 2, RSSFloor: 3 << 20,
			Outcomes: map[assay.Outcome]int{assay.OK: 29, assay.Trap: 1},
		},
		assay.Seal{Format: assay.SealFormat, Func: "F", Module: d, Source: d, Kernelext: d, Go: "go1.26.8", Flags: []string{"-trimpath"}},
		assay.Figure{
			Format: assay.FigureFormat, Name: "ecdf", Seal: d, Module: d, Width: 84.5, Outputs: map[string]assay.Digest{"svg": d},
			Tables: []assay.FigureTable{{Digest: d, Run: "20260102T030405Z-abcdef", Trace: d, Columns: []string{"wall_ns"}}},
		},
	}
}

func TestDigests(t *testing.T) {
	var got strings.Builder
	for _, v := range values() {
		b, err := canonical.JSON(v)
		if err != nil {
			t.Fatal(err)
		}
		d, err := canonical.Digest(v)
		if err != nil || d != assay.DigestOf(b) {
			t.Errorf("Digest(%T) = %v, %v; want the digest of its JSON", v, d, err)
		}
		fmt.Fprintf(&got, "%T %v\n%s\n", v, d, b)
	}
	golden := filepath.Join("testdata", "digests.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("identities changed: whoever has an archive has the old ones\ngot:\n%s\nwant:\n%s", got.String(), want)
	}
}

// TestJSON has the rules of RFC 8785 that a digest hangs on.
func TestJSON(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"keys by UTF-16 units", map[string]int{"b": 1, "a": 2, "é": 3, "A": 4}, `{"A":4,"a":2,"b":1,"é":3}`},
		{"no HTML escapes", "<&>", `"<&>"`},
		{"numbers as ECMAScript has them", []float64{1, 1.5, 1e21, 1e-7, 0.30000000000000004}, `[1,1.5,1e+21,1e-7,0.30000000000000004]`},
		{"control characters", "\x01\n", `"\u0001\n"`},
	} {
		got, err := canonical.JSON(c.v)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
	if b, err := canonical.JSON(math.NaN()); err == nil {
		t.Errorf("NaN = %s, want an error", b)
	}
}
