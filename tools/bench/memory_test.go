//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/kernelext/stats"
	launch "github.com/assay-notebooks/assay/runners/measure"
)

// BenchmarkMemory asks the memory protocol how much more memory a program takes
// that touches 256 pages than the same that touches none, and hyperfine how
// much the first takes.
func BenchmarkMemory(b *testing.B) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		tooltest.Missing(b, "gcc", err)
	}
	dir := b.TempDir()
	touch, agent := filepath.Join(dir, "touch"), filepath.Join(dir, "assay-agent")
	if out, err := exec.Command(gcc, "-static", "-O1", "-o", touch, "../../runners/measure/testdata/touch.c").CombinedOutput(); err != nil {
		b.Fatalf("gcc: %v\n%s", err, out)
	}
	goBuild(b, []string{"CGO_ENABLED=0"}, "-trimpath", "-ldflags=-s -w", "-o", agent, "../../cmd/assay-agent")
	launcher, err := launch.Start(agent, dir)
	if err != nil {
		b.Fatal(err)
	}
	defer launcher.Close()
	const pages = 256
	for b.Loop() {
		b.ReportMetric(float64(pages*os.Getpagesize())/1024, "known-KiB")
		ours := func(pages int) float64 {
			res, err := launcher.Run(b.Context(), assay.Command{Argv: []string{touch, "private", strconv.Itoa(pages)}},
				launch.Options{Limits: assay.Limits{Timeout: time.Minute, Output: 1 << 20}, Memory: true})
			if err != nil || res.RSSBytes == nil {
				b.Fatalf("%v: %s", err, res.Reason)
			}
			return float64(*res.RSSBytes)
		}
		peak := ours(pages)
		b.ReportMetric(peak/1024, "peak-KiB")
		b.ReportMetric((peak-ours(0))/1024, "touched-KiB")
		if peak, ok := hyperfineMemory(b, touch+" private "+strconv.Itoa(pages)); ok {
			b.ReportMetric(peak/1024, "hyperfine-KiB")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// hyperfineMemory returns the median peak of five runs in bytes, where there is
// a hyperfine that tells it.
func hyperfineMemory(b *testing.B, command string) (peak float64, ok bool) {
	b.Helper()
	hyperfine, err := exec.LookPath("hyperfine")
	if err != nil {
		return 0, false
	}
	export := filepath.Join(b.TempDir(), "export.json")
	if out, err := exec.Command(hyperfine, "-N", "--style=none", "--runs", "5", "--export-json", export, command).CombinedOutput(); err != nil {
		b.Fatalf("hyperfine: %v\n%s", err, out)
	}
	data, err := os.ReadFile(export)
	if err != nil {
		b.Fatal(err)
	}
	var report struct {
		Results []struct {
			Memory []float64 `json:"memory_usage_byte"`
		}
	}
	if err := json.Unmarshal(data, &report); err != nil || len(report.Results) != 1 {
		b.Fatalf("hyperfine's report: %v", err)
	}
	of := report.Results[0].Memory
	return stats.Median(of), len(of) > 0
}
