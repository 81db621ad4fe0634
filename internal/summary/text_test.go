package summary

import "testing"

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
