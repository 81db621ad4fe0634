package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestTogether asks one question in four processes at once: there is one run,
// and all of them show it.
func TestTogether(t *testing.T) {
	dir := newWorkspace(t, `
name: together
workloads: [hello]
runtimes: [wazero/interpreter]
protocol: {cold: {invocations: 40}}
`)
	outs := make([]bytes.Buffer, 4)
	errs := make([]error, len(outs))
	done := make(chan bool)
	for i := range outs {
		go func() {
			cmd := assayIn(t, dir, "run", "experiment.yaml")
			cmd.Stdout, cmd.Stderr = &outs[i], &outs[i]
			errs[i] = cmd.Run()
			done <- true
		}()
	}
	for range outs {
		<-done
	}
	for i := range outs {
		if errs[i] != nil || !strings.Contains(outs[i].String(), "wazero/interpreter  40 ") {
			t.Errorf("process %d: %v, %s; want the summary of 40 samples", i, errs[i], &outs[i])
		}
	}
	if n := strings.Count(mustAssay(t, dir, "runs", "--json"), `"type":"run"`); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
	mustAssay(t, dir, "store", "check")
}
