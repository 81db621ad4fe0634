package claims

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// MinNoise is how many invocations each label of an A/A run must have at least.
const MinNoise = 20

const noiseSplits = 2000

// NoiseMethod is how Floors finds the noise, in words.
const NoiseMethod = "one treatment under two labels, in blocks of both in random order; the 95% quantile of |ln(ratio of medians)| over 2000 random exchanges of the labels within blocks (seed 1), or that of the labels as they were if it is greater"

// Floors finds in the trace of an A/A run how much equal treatments differ: for
// each metric that all invocations have, as a share. param is the parameter that
// has the two labels.
func Floors(t *trace.Trace, param, a, b string) ([]assay.NoiseFloor, error) {
	type block struct{ a, b *assay.Sample }
	blocks := map[int32]*block{}
	for s, err := range t.Samples() {
		if err != nil {
			return nil, err
		}
		if s.Warmup || s.Phase != assay.Process || s.Outcome != assay.OK {
			continue
		}
		if blocks[s.Block] == nil {
			blocks[s.Block] = &block{}
		}
		switch s.Params[param] {
		case a:
			blocks[s.Block].a = &s
		case b:
			blocks[s.Block].b = &s
		}
	}
	var whole []*block
	for _, at := range slices.Sorted(maps.Keys(blocks)) {
		if p := blocks[at]; p.a != nil && p.b != nil {
			whole = append(whole, p)
		}
	}
	if len(whole) < MinNoise {
		return nil, fmt.Errorf("%d blocks in which both invocations were ok: want at least %d", len(whole), MinNoise)
	}
	var floors []assay.NoiseFloor
	for _, m := range []struct {
		name string
		of   func(*assay.Sample) *int64
	}{
		{"wall_ns", func(s *assay.Sample) *int64 { return s.WallNS }},
		{"cpu_ns", func(s *assay.Sample) *int64 { return s.CPUNS }},
		{"peak_rss_bytes", func(s *assay.Sample) *int64 { return s.RSSBytes }},
	} {
		var x, y []float64
		for _, p := range whole {
			if v, w := m.of(p.a), m.of(p.b); v != nil && w != nil && *v > 0 && *w > 0 {
				x, y = append(x, float64(*v)), append(y, float64(*w))
			}
		}
		if len(x) == len(whole) {
			floors = append(floors, floor(m.name, x, y))
		}
	}
	return floors, nil
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
