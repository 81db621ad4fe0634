package claims

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// MinNoise is how many invocations each label of an A/A run must have at least.
const MinNoise = 20

const noiseSplits = 2000

// NoiseMethod is how Floors finds the noise, in words.
const NoiseMethod = "one treatment under two labels, in blocks of both in random order; the 95% quantile of |ln(ratio of medians)| over 2000 random exchanges of the labels within blocks (seed 1), or that of the labels as they were if it is greater; of calls, the medians of invocations"

// noisy are the metrics that have noise.
var noisy = []string{"wall_ns", "cpu_ns", "peak_rss_bytes"}

// Floors finds in the trace of an A/A run how much equal treatments differ in a
// phase, process or call: for each metric that all invocations have, as a share.
// param is the parameter that has the two labels.
func Floors(t *trace.Trace, phase assay.Phase, param, a, b string) ([]assay.NoiseFloor, error) {
	return floors(t, phase, func(s assay.Sample) string { return s.Params[param] }, a, b)
}

// isControl reports whether a runtime is the second of an A/A pair.
func isControl(runtime string) bool { return strings.HasSuffix(runtime, assay.ControlSuffix) }

// Control finds in the trace of a run how much the A/A pairs that it has differ
// in a phase: for each metric, which is the one that the noise is of, the pair
// that differs most in it. There is none of fewer blocks than it takes.
func Control(t *trace.Trace, phase assay.Phase) ([]assay.Noise, error) {
	var all []assay.Noise // a pair each
	for s, err := range t.Samples() {
		if err != nil {
			return nil, err
		}
		of := assay.Noise{Format: assay.NoiseFormat, Run: t.Meta().Run, Workload: title(s.Workload, s.Params), Runtime: strings.TrimSuffix(s.Runtime, assay.ControlSuffix),
			Phase: phase, Method: NoiseMethod}
		if isControl(s.Runtime) && !slices.ContainsFunc(all, func(n assay.Noise) bool { return n.Workload == of.Workload }) {
			all = append(all, of)
		}
	}
	worst := map[string]assay.Noise{} // by metric
	for _, of := range all {
		label := func(s assay.Sample) string {
			if title(s.Workload, s.Params) != of.Workload {
				return ""
			}
			return s.Runtime
		}
		found, err := floors(t, phase, label, of.Runtime, of.Runtime+assay.ControlSuffix)
		var few fewBlocks
		if errors.As(err, &few) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if have, ok := worst[f.Metric]; !ok || f.Floor > have.Floors[0].Floor {
				of.Floors = []assay.NoiseFloor{f}
				worst[f.Metric] = of
			}
		}
	}
	var out []assay.Noise
	for _, metric := range noisy {
		if n, ok := worst[metric]; ok {
			out = append(out, n)
		}
	}
	return out, nil
}

// A fewBlocks is that there are too few blocks to tell noise.
type fewBlocks int

func (f fewBlocks) Error() string {
	return fmt.Sprintf("%d blocks in which both invocations were ok: want at least %d", int(f), MinNoise)
}

// floors is Floors of the samples that have the labels a and b.
func floors(t *trace.Trace, phase assay.Phase, label func(assay.Sample) string, a, b string) ([]assay.NoiseFloor, error) {
	type invocation struct {
		block int32
		label string
	}
	values := map[invocation][][]float64{} // of each of noisy
	for s, err := range t.Samples() {
		if err != nil {
			return nil, err
		}
		if s.Warmup || s.Span() != phase || s.Outcome != assay.OK {
			continue
		}
		at := invocation{s.Block, label(s)}
		if values[at] == nil {
			values[at] = make([][]float64, len(noisy))
		}
		for i, v := range []*int64{s.WallNS, s.CPUNS, s.RSSBytes} {
			if v != nil && *v > 0 {
				values[at][i] = append(values[at][i], float64(*v))
			}
		}
	}
	var whole []int32
	for at := range values {
		if at.label == a && values[invocation{at.block, b}] != nil {
			whole = append(whole, at.block)
		}
	}
	slices.Sort(whole)
	if len(whole) < MinNoise {
		return nil, fewBlocks(len(whole))
	}
	var found []assay.NoiseFloor
	for i, metric := range noisy {
		var x, y []float64
		for _, block := range whole {
			if v, w := values[invocation{block, a}][i], values[invocation{block, b}][i]; len(v) > 0 && len(w) > 0 {
				x, y = append(x, stats.Median(v)), append(y, stats.Median(w))
			}
		}
		if len(x) == len(whole) {
			found = append(found, floor(metric, x, y))
		}
	}
	return found, nil
}

// floor finds the noise of a metric by the values of both labels, block by
// block.
func floor(metric string, x, y []float64) assay.NoiseFloor {
	f := assay.NoiseFloor{Metric: metric, N: len(x)}
	e, _ := ratio(x, y)
	f.Ratio, f.Low, f.High = e.Value, *e.Low, *e.High
	r := rand.New(rand.NewPCG(1, 0))
	logs := make([]float64, noiseSplits)
	p, q := make([]float64, len(x)), make([]float64, len(x))
	for i := range logs {
		var bits uint64
		for k := range x {
			if k%64 == 0 {
				bits = r.Uint64()
			}
			p[k], q[k] = x[k], y[k]
			if bits>>(k%64)&1 == 1 {
				p[k], q[k] = y[k], x[k]
			}
		}
		logs[i] = math.Abs(math.Log(stats.Median(p) / stats.Median(q)))
	}
	f.Floor = math.Exp(max(stats.Quantile(logs, Confidence), math.Abs(math.Log(f.Ratio)))) - 1
	return f
}
