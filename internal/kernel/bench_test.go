package kernel_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/lab"
)

// BenchmarkCell is the time from the request to the end of a cell, whose
// source is another each time: a cell that asks assay something and shows the
// answer, and cells that only print, in the same kernel and in GoNB started by
// itself as its own installation does it, with the user's build flags. The
// cells take turns; an iteration's numbers are medians over them.
func BenchmarkCell(b *testing.B) {
	const turns = 9
	prepared(b)
	dir := b.TempDir()
	if _, err := lab.Init(b.Context(), dir); err != nil {
		b.Fatal(err)
	}
	ours := begin(b, dir, nil)
	ours.execute("import assay \"github.com/assay-notebooks/assay/kernelext\"\n%%\nassay.Status()")
	bare := begin(b, dir, func(cmd *exec.Cmd) { bareGoNB(b, cmd) })
	kinds := []struct {
		metric string
		in     *process
		code   string
	}{
		{"assay-ms", ours, "%%%%\nassay.Status(); fmt.Println(%d)"},
		{"println-ms", ours, "%%%%\nfmt.Println(%d)"},
		{"gonb-println-ms", bare, "%%%%\nfmt.Println(%d)"},
	}
	n := 0
	execute := func(p *process, code string) time.Duration {
		n++
		began := time.Now()
		if got, reply := p.execute(fmt.Sprintf(code, n)); reply.Status != "ok" {
			b.Fatalf("%+v, output %q", reply, got)
		}
		return time.Since(began)
	}
	for _, k := range kinds {
		execute(k.in, k.code) // the first compiles and caches
	}
	for b.Loop() {
		times := make([][]time.Duration, len(kinds))
		for range turns {
			for i, k := range kinds {
				times[i] = append(times[i], execute(k.in, k.code))
			}
		}
		for i, k := range kinds {
			slices.Sort(times[i])
			b.ReportMetric(float64(times[i][turns/2].Microseconds())/1000, k.metric)
		}
	}
}

// bareGoNB makes of the command of a kernel that of GoNB alone, on the same
// connection file, with the same goimports and gopls.
func bareGoNB(b *testing.B, cmd *exec.Cmd) {
	path := os.Getenv("PATH")
	var gonb string
	for _, name := range []string{"gonb", "goimports", "gopls"} {
		found, err := filepath.Glob(filepath.Join(options().Cache, "tools", name+"-*", name))
		if err != nil || len(found) == 0 {
			b.Fatalf("%s is not in the cache: %v", name, err)
		}
		if name == "gonb" {
			gonb = found[0]
		}
		path = filepath.Dir(found[0]) + ":" + path
	}
	file := cmd.Args[len(cmd.Args)-1]
	cmd.Path, cmd.Args = gonb, []string{gonb, "--kernel", file}
	cmd.Env = append(cmd.Env, "PATH="+path)
}
