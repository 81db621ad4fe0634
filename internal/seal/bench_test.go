package seal

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/seal/archive"
	"github.com/assay-notebooks/assay/internal/seal/sandbox"
	"github.com/assay-notebooks/assay/internal/seal/source"
)

var worker = []string{os.Args[0], sandbox.WorkerArg}

// BenchmarkReplay replays one figure as SVG and PNG; cold compiles the module
// each time.
func BenchmarkReplay(b *testing.B) {
	s := build(b, example, "ColdStart")
	tables := [][]byte{samples(b, 240)}
	request := sandbox.Request{Formats: []string{"svg", "png"}, WidthMM: 178}
	for _, bm := range []struct{ name, cache string }{{"warm", cacheDir}, {"cold", ""}} {
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := sandbox.Run(b.Context(), s.Module, request, tables, sandbox.Options{Cache: bm.cache, Worker: worker}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRows draws ten million rows sealed and natively, in turn, and
// reports the means and their ratio.
func BenchmarkRows(b *testing.B) {
	table := samples(b, 10_000_000)
	request := sandbox.Request{Formats: []string{"svg"}, WidthMM: 84}
	input, err := archive.Stream([]archive.File{
		{Name: "request.json", Data: []byte(`{"formats":["svg"],"width_mm":84}`)}, {Name: "tables/0", Data: table},
	})
	if err != nil {
		b.Fatal(err)
	}
	o := sandbox.Options{Cache: cacheDir, Worker: worker}
	for _, name := range []string{"ColdStart", "Medians"} {
		s := build(b, example, name)
		if _, err := sandbox.Run(b.Context(), s.Module, request, [][]byte{samples(b, 10)}, o); err != nil { // compiles
			b.Fatal(err)
		}
		native := buildNative(b, s)
		b.Run(name, func(b *testing.B) {
			var sealed, peer time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := sandbox.Run(b.Context(), s.Module, request, [][]byte{table}, o); err != nil {
					b.Fatal(err)
				}
				sealed += time.Since(start)
				start = time.Now()
				cmd := exec.Command(native)
				cmd.Stdin = bytes.NewReader(input)
				if _, err := cmd.Output(); err != nil {
					b.Fatal(err)
				}
				peer += time.Since(start)
			}
			b.ReportMetric(sealed.Seconds()/float64(b.N), "sealed-s")
			b.ReportMetric(peer.Seconds()/float64(b.N), "native-s")
			b.ReportMetric(float64(sealed)/float64(peer), "sealed/native")
		})
	}
}

// buildNative builds the source of s for this machine.
func buildNative(b *testing.B, s *Sealed) string {
	b.Helper()
	dir := b.TempDir()
	files, err := archive.Unpack(s.Source, archive.Limits{Files: 3, Bytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	layout, err := source.Dir(cacheDir)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Symlink(layout, filepath.Join(dir, "assay")); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", "native", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "native")
}
