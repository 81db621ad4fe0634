package importers

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// What the tools that are installed here write now is read, all of it.
func TestTools(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("hello"))
	}))
	defer server.Close()
	const bench = "package sum\n\nimport \"testing\"\n\nfunc BenchmarkSum(b *testing.B) { b.Run(\"n=1\", func(b *testing.B) { for b.Loop() { _ = b.N } }) }\n"
	for _, test := range []struct {
		format Format
		tool   string
		args   []string // in a folder of its own; what it prints is imported beside what it writes there
		prints bool     // its output is of the format
		files  map[string]string
		trace  string
		rows   int
		column string // and its first value
		first  string
	}{
		{format: ab, tool: "ab", args: []string{"-q", "-n", "20", "-c", "2", "-e", "e.csv", "-g", "g.tsv", server.URL + "/"}, trace: "requests", rows: 20, column: "source", first: "g.tsv"},
		{format: ab, tool: "ab", args: []string{"-q", "-n", "20", "-c", "2", "-e", "e.csv", "-g", "g.tsv", server.URL + "/"}, trace: "percentiles", rows: 101, column: "percentile", first: "0"},
		{format: gobench, tool: "go", args: []string{"test", "-bench", ".", "-count", "3", "-benchtime", "2x"}, prints: true,
			files: map[string]string{"go.mod": "module sum\n\ngo 1.26\n", "sum_test.go": bench}, trace: "benchmarks", rows: 3, column: "param.n", first: "1"},
		{format: hyperfine, tool: "hyperfine", args: []string{"-N", "-r", "3", "-i", "--export-json", "r.json", "false"}, trace: "runs", rows: 3, column: "outcome", first: "exit"},
		{format: pidstat, tool: "pidstat", args: []string{"-u", "-p", strconv.Itoa(os.Getpid()), "1", "1"}, prints: true, trace: "cpu", rows: 1, column: "PID", first: strconv.Itoa(os.Getpid())},
		{format: wrk, tool: "wrk", args: []string{"-t", "1", "-c", "2", "-d", "1s", "--latency", server.URL + "/"}, prints: true, trace: "percentiles", rows: 4, column: "percentile", first: "50"},
	} {
		t.Run(test.format.Name+"/"+test.trace, func(t *testing.T) {
			path, err := exec.LookPath(test.tool)
			if err != nil {
				tooltest.Missing(t, test.tool, err)
			}
			dir := t.TempDir()
			for name, text := range test.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), path, test.args...)
			cmd.Dir = dir
			printed, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %v\n%s", cmd, err, printed)
			}
			if test.prints {
				if err := os.WriteFile(filepath.Join(dir, "printed.txt"), printed, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := test.format.Read(t.Context(), input(os.DirFS(dir)))
			if err != nil {
				t.Fatalf("%v: %v\n%s", cmd, err, printed)
			}
			if rows := len(strings.Fields(columnText(t, out, test.trace, "line"))); rows != test.rows {
				t.Errorf("%v: the trace %s has %d rows, want %d:\n%s", cmd, test.trace, rows, test.rows, spell(out))
			}
			if first, _, _ := strings.Cut(columnText(t, out, test.trace, test.column), " "); first != test.first {
				t.Errorf("%v: %s begins with %s, want %s", cmd, test.column, first, test.first)
			}
		})
	}
}
