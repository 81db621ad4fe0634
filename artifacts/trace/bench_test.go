package trace

import (
	"bytes"
	"slices"
	"testing"
)

// Writing and reading a million samples, in bytes of the trace.
const benchSamples = 1_000_000

func BenchmarkWrite(b *testing.B) {
	all := samples(benchSamples)
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := Write(&out, meta, slices.Values(all)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len())/benchSamples, "bytes/sample")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSamples, "ns/sample")
}

func BenchmarkOpen(b *testing.B) {
	encoded := encode(b, samples(benchSamples))
	for b.Loop() {
		if _, err := Open(bytes.NewReader(encoded), int64(len(encoded))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSamples, "ns/sample")
}

func BenchmarkProject(b *testing.B) {
	tr := open(b, encode(b, samples(benchSamples)))
	for b.Loop() {
		if _, err := tr.Project([]string{"runtime", "wall_ns"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSamples, "ns/sample")
}
