package agent_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/measure"
)

// BenchmarkOverhead runs one command under the launcher alone, under the
// agent with its synced journal, and under hyperfine -N, in turns of one run.
// It reports per invocation, in microseconds: the mean wall time as each
// measured it, the time that passed in all, and the ratio of the means.
func BenchmarkOverhead(b *testing.B) {
	hyperfine, err := exec.LookPath("hyperfine")
	if err != nil {
		tooltest.Missing(b, "hyperfine", fmt.Errorf("%w; install the package hyperfine", err))
	}
	const turn = 200
	command := assay.Command{Argv: []string{"/bin/true"}}
	limits := assay.Limits{Timeout: time.Minute, Output: 1 << 20}
	launcher, err := measure.Start(program, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer launcher.Close()
	var ours, agents, theirs, oursAll, agentsAll, theirsAll time.Duration
	n := 0
	for b.Loop() {
		n += turn
		begin := time.Now()
		for range turn {
			res, err := launcher.Run(b.Context(), command, measure.Options{Limits: limits})
			if err != nil {
				b.Fatal(err)
			}
			ours += time.Duration(res.WallNS)
		}
		oursAll += time.Since(begin)

		dir := write(b, plan(turn, 0, assay.Trial{Workload: "true", Command: command}))
		begin = time.Now()
		if code, stderr := run(b, dir); code != 0 {
			b.Fatalf("exit %d: %s", code, stderr)
		}
		agentsAll += time.Since(begin)
		for _, s := range processes(read(b, dir)) {
			agents += time.Duration(*s.WallNS)
		}

		mean, all := runHyperfine(b, hyperfine, turn, command.Argv[0])
		theirs += mean * turn
		theirsAll += all
	}
	for unit, d := range map[string]time.Duration{
		"wall-µs": ours, "agent-wall-µs": agents, "hyperfine-wall-µs": theirs,
		"all-µs": oursAll, "agent-all-µs": agentsAll, "hyperfine-all-µs": theirsAll,
	} {
		b.ReportMetric(float64(d.Nanoseconds())/1000/float64(n), unit)
	}
	b.ReportMetric(float64(ours)/float64(theirs), "wall/hyperfine")
	b.ReportMetric(float64(agents)/float64(theirs), "agent-wall/hyperfine")
	b.ReportMetric(float64(agentsAll)/float64(theirsAll), "agent-all/hyperfine")
	b.ReportMetric(0, "ns/op")
}

func runHyperfine(b *testing.B, hyperfine string, runs int, command string) (mean, all time.Duration) {
	b.Helper()
	export := filepath.Join(b.TempDir(), "export.json")
	begin := time.Now()
	out, err := exec.Command(hyperfine, "-N", "--style=none", "--runs", strconv.Itoa(runs), "--export-json", export, command).CombinedOutput()
	all = time.Since(begin)
	if err != nil {
		b.Fatalf("hyperfine: %v\n%s", err, out)
	}
	var report struct {
		Results []struct{ Mean float64 } // seconds
	}
	if err := json.Unmarshal(readFile(b, export), &report); err != nil || len(report.Results) != 1 {
		b.Fatalf("hyperfine's report: %v", err)
	}
	return time.Duration(report.Results[0].Mean * float64(time.Second)), all
}
