package summary

import (
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestReason(t *testing.T) {
	for detail, want := range map[string]string{
		"":              "",
		"wasm trap: x":  "wasm trap: x",
		"\npanic: y\nz": "panic: y",
		"Error: failed to run main module `m`\n\nCaused by:\n    0: failed to instantiate \"m\"\n    1: unknown import: `bench::start`": "Error: failed to run main module `m`: unknown import: `bench::start`",
		"Error: no\n\nCaused by:\n    out of memory\n":                                   "Error: no: out of memory",
		"error: Unable to instantiate\n╰─▶ 1: Error while importing \"bench\".\"start\"": "error: Unable to instantiate: Error while importing \"bench\".\"start\"",
	} {
		if got := reason(detail); got != want {
			t.Errorf("%q: %q, want %q", detail, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	of := func(low, high float64) *assay.Estimate {
		return &assay.Estimate{Value: (low + high) / 2, Low: &low, High: &high, N: 2}
	}
	for _, c := range []struct {
		of   *assay.Estimate
		want string
	}{
		{of(0.9998, 1.0001), "1.00 [1.00, 1.00]"},
		{of(0.994, 1.006), "1.00 [0.994, 1.01]"},
		{of(9.996, 99.96), "55.0 [10.0, 100]"},
		{of(-11.48, 28.86), "8.69 [-11.5, 28.9]"},
		{of(-0.5, 0.5), "0 [-0.500, 0.500]"},
		{of(1000, 123456), "62228 [1000, 123456]"},
	} {
		if got := cell(c.of); got != c.want {
			t.Errorf("%v: %q, want %q", *c.of, got, c.want)
		}
	}
	s := assay.Summary{Rows: []assay.SummaryRow{{Workload: "a", Mean: of(0, 2)}, {Workload: "b", Runtime: "r", Mean: of(-1, 2)}}}
	if notes := belowZero(s); len(notes) != 1 || !strings.HasPrefix(notes[0], "b on r: the interval of a mean reaches below 0") {
		t.Errorf("notes %q, want one, of b", notes)
	}
}
