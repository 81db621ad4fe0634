package importers

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/klauspost/compress/gzip"
)

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func mapFS(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for path, text := range files {
		m[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// tiny is a sweep of two systems: 2 connections twice, 4 once.
func tiny(t testing.TB) map[string]string {
	t.Helper()
	const csv = "connections,concurrency,ttime,rps,tpr,tpr_all,trate\n" +
		"1000,2,2.5,400,5,2.5,39.0625\n1000,2,2,500,4,2,48.828125\n1000,4,0,0,0,0,0\n"
	return map[string]string{
		"README.md": "A sweep.\n",
		"october run/quark rt/csv/quark_echo_threads_1_pinned_true_ab_data.csv":      "\uFEFF" + strings.ReplaceAll(csv, "\n", "\r\n"),
		"october run/quark rt/quark_echo/threads_1-pinned_true/quark_echo_load":      "1600000000000000000 50.0 8.25\n1600000001000000000 150.5 8.5\n1600000009000000000 1.0 8.0\n",
		"october run/quark rt/quark_echo/threads_1-pinned_true/quark_echo_marks":     "2 1600000000000000000\n2 1600000003000000000\n2 1600000006000000000\n4 1600000007000000000\n4 1600000008000000000\n0 1600000010000000000\n",
		"october run/quark rt/quark_echo/threads_1-pinned_true/quark_echo_notes.txt": summaryOf("echo"),
		"october run/lepton/lepton_x_threads_1.csv":                                  csv,
		"october run/lepton/lepton_x/threads_1/lepton_x_load.gz":                     packed(t, "1700000000000000000 9.5 9.5\n1700000000500000000 1.5 2.5\n"),
	}
}

func summaryOf(app string) string {
	var b strings.Builder
	for _, r := range [][]string{{"2", "2.5", "400", "5", "2.5", "39.0625"}, {"2", "2", "500", "4", "2", "48.828125"}, {"4", "0", "0", "0", "0", "0"}} {
		fmt.Fprintf(&b, "14:26:40 - Threads: 1 | App: %s | Pinned: true | Total Requests: 1000 | Request concurrency: %s\n", app, r[0])
		fmt.Fprintf(&b, "Time taken for tests: %s seconds\nRequests per second: %s [#/sec]\nTime per request: %s [ms]\n", r[1], r[2], r[3])
		fmt.Fprintf(&b, "Time per request (across all concurrent requests): %s [ms]\nTransfer rate: %s [Kbytes/sec] received\n\n", r[4], r[5])
	}
	b.WriteString("*********** Summary over 3 observations  ************\nConcurrency 2\n\tCPU Min/Max/Avg: 50.00% / 150.50% / 100.25%\n\tRAM mem Min/Max/Avg: 8.25 Mb / 8.50 Mb / 8.37 Mb\n")
	return b.String()
}

// cells returns the named columns of a trace, a row a line, "-" for null.
func cells(t testing.TB, tr *Trace, names ...string) string {
	t.Helper()
	var b strings.Builder
	for row := range tr.rows {
		for i, name := range names {
			if i > 0 {
				b.WriteByte(' ')
			}
			v := col(t, tr, name)
			switch {
			case v.IsNull(row):
				b.WriteByte('-')
			case v.Kind == trace.Int:
				fmt.Fprint(&b, v.Ints[row])
			case v.Kind == trace.Float:
				fmt.Fprint(&b, v.Floats[row])
			case v.Kind == trace.Bool:
				fmt.Fprint(&b, v.Bools[row])
			default:
				b.WriteString(v.Strings[row])
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Whatever the systems and the folders are called, a sweep of that shape is
// understood.
func TestSweepOfOthers(t *testing.T) {
	out, err := read(t, abSweep, Input{Files: mapFS(tiny(t))})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		trace   string
		columns []string
		cells   string
	}{
		{"results", []string{"system", "workload", "threads", "pinned", "concurrency", "replicate", "requests", "duration", "rps", "latency", "outcome", "line"},
			"lepton x 1 - 2 1 1000 2.5 400 5 ok 2\nlepton x 1 - 2 2 1000 2 500 4 ok 3\nlepton x 1 - 4 1 1000 - - - no result 4\n" +
				"quark echo 1 true 2 1 1000 2.5 400 5 ok 2\nquark echo 1 true 2 2 1000 2 500 4 ok 3\nquark echo 1 true 4 1 1000 - - - no result 4\n"},
		{"summaries", []string{"system", "workload", "threads", "pinned", "concurrency", "replicate", "rps", "clock", "agrees", "line"},
			"quark echo 1 true 2 1 400 14:26:40 true 1\nquark echo 1 true 2 2 500 14:26:40 true 8\nquark echo 1 true 4 1 - 14:26:40 true 15\n"},
		{"windows", []string{"system", "mark", "concurrency", "replicate", "start", "end"},
			"quark 2 2 1 1600000000000000000 1600000003000000000\nquark 2 2 2 1600000003000000000 1600000006000000000\nquark 2 - - 1600000006000000000 -\n" +
				"quark 4 4 1 1600000007000000000 1600000008000000000\nquark 4 - - 1600000008000000000 -\nquark 0 - - 1600000010000000000 -\n"},
		{"monitor", []string{"system", "workload", "threads", "pinned", "concurrency", "replicate", "time", "cpu", "ram_mem"},
			"lepton x 1 - - - 1700000000000000000 9.5 9.5\nlepton x 1 - - - 1700000000500000000 1.5 2.5\n" +
				"quark echo 1 true 2 1 1600000000000000000 50 8.25\nquark echo 1 true 2 1 1600000001000000000 150.5 8.5\nquark echo 1 true - - 1600000009000000000 1 8\n"},
	} {
		if got := cells(t, named(t, out, want.trace), want.columns...); got != want.cells {
			t.Errorf("%s: %v are\n%swant\n%s", want.trace, want.columns, got, want.cells)
		}
	}
	for column, want := range map[string]trace.Column{
		"latency":  {Unit: "ms", Role: assay.RoleLatency, Basis: assay.Inferred},
		"transfer": {Unit: "KiB/s", Role: assay.RoleTransfer, Basis: assay.Inferred},
		"system":   {Role: assay.RoleSystem, Basis: assay.Inferred},
		"pinned":   {Role: assay.RoleFactor, Basis: assay.Inferred},
	} {
		if got := col(t, named(t, out, "results"), column); got.Unit != want.Unit || got.Role != want.Role || got.Basis != want.Basis {
			t.Errorf("%s is %+v, want %+v", column, got.Column, want)
		}
	}
	if cpu := col(t, named(t, out, "monitor"), "cpu"); cpu.Role != assay.RoleCPU || !strings.Contains(cpu.Meaning, "one core") {
		t.Errorf("cpu is %+v", cpu.Column)
	}
	if memory := col(t, named(t, out, "monitor"), "ram_mem"); memory.Role != assay.RoleMemory || memory.Unit != "MiB" {
		t.Errorf("ram_mem is %+v", memory.Column)
	}
	if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, "1 files are none of a sweep") || !strings.Contains(notes, "2 of 5 samples") {
		t.Errorf("the notes are\n%s", notes)
	}
}

// Two campaigns under equal conditions are two, not repetitions of each other.
func TestTwoCampaigns(t *testing.T) {
	const csv = "concurrency,rps\n1,10\n"
	out, err := read(t, abSweep, Input{Files: mapFS(map[string]string{"data/may/x/a_b_cpus_1.csv": csv, "data/june/y/a_b_cpus_1.csv": csv})})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cells(t, named(t, out, "results"), "folder", "replicate", "requests"), "june 1 -\nmay 1 -\n"; got != want {
		t.Errorf("folders and replicates are\n%swant\n%s", got, want)
	}
}

func TestMarksInPairs(t *testing.T) {
	marks := &timestamps{lines: []int{1, 2, 3, 4}, loads: []int64{8, 8, 8, 8}, when: []int64{10, 20, 30, 40}}
	for runs, want := range map[int]string{2: "1 0 2 0", 3: "1 2 3 0", 0: "1 2 3 0"} {
		var got []string
		for _, w := range marks.windows("marks", &conditions{}, func(int64) int { return runs }) {
			got = append(got, fmt.Sprint(w.replicate))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of %d runs, four marks are the windows %v, want %s", runs, got, want)
		}
	}
}

func TestConditionsOf(t *testing.T) {
	for _, test := range []struct {
		path, want string
		workloads  []string
	}{
		{"a/csv/sys_fn_workers_4_pause_true_ab_data.csv", "sys fn workers=4 pause=true", nil},
		{"a/sys_fn/workers_4-pause_false/sys_4_fn_100", "sys fn workers=4 pause=false", nil},
		{"a/my_sys_my_fn/workers_4/x", "my sys_my_fn workers=4", nil},
		{"a/my_sys_my_fn/workers_4/x", "my_sys my_fn workers=4", []string{"fn", "my_fn"}},
		{"fn/workers=4/x", " fn workers=4", nil},
		{"a b/workers 8/pause true/x", " a b workers=8 pause=true", nil},
		{"x", " ", nil},
		{"a/s_f/concurrency_8/x", "s f path_concurrency=8", nil},
	} {
		c := conditionsOf(test.path, test.workloads)
		got := c.system + " " + c.workload
		for _, f := range c.factors {
			got += " " + f.Name + "=" + f.Value
		}
		if got != test.want {
			t.Errorf("conditionsOf(%q, %q) is %q, want %q", test.path, test.workloads, got, test.want)
		}
	}
}

// What cannot be read is an error that says where; --lenient keeps the rest.
func TestBadSweeps(t *testing.T) {
	const results, marks, load, notes = "quark_echo_threads_1_pinned_true_ab_data.csv", "quark_echo_marks", "quark_echo_load", "quark_echo_notes.txt"
	good := "1600000000000000000 50.0 8.25\n"
	for _, test := range []struct {
		name, file string
		change     func(text string) string
		says       string
		rejected   int
	}{
		{"a column too many", results, func(s string) string { return s + "1,2,3,4,5,6,7,8\n" }, ".csv:5: 8 columns, the header has 7", 1},
		{"no number", results, func(s string) string { return s + "1000,8,3.2ms,1,1,1,1\n" }, `.csv:5: column ttime: "3.2ms" is not a number`, 1},
		{"infinite", results, func(s string) string { return s + "1000,8,1,Inf,1,1,1\n" }, `.csv:5: column rps: "Inf" is not a number`, 1},
		{"a name twice", results, func(s string) string { return strings.Replace(s, "ttime", "rps", 1) }, `.csv:1: column 4 is named "rps"`, 1},
		{"not UTF-8", results, func(s string) string { return s + "caf\xe9\n" }, ".csv:5: not UTF-8", 1},
		{"a long line", results, func(s string) string { return s + strings.Repeat("1,", maxLine) + "\n" }, ".csv:5: a line of 131072 bytes", 1},
		{"another unit", notes, func(s string) string { return strings.Replace(s, "48.828125 [K", "48.828125 [M", 1) },
			"txt:13: Transfer rate: in Mbytes/sec, where the lines before are in Kbytes/sec", 1},
		{"seconds for ms", notes, func(s string) string { return strings.Replace(s, "4 [ms]", "0.004 [s]", 1) }, "txt:11: Time per request: in s, where", 1},
		{"cut in a block", notes, func(s string) string { return s[:strings.LastIndex(s, "Requests per second")] }, "txt:15: the lines below it are not those of the first block", 1},
		{"a bad heading", notes, func(s string) string {
			return strings.Replace(s, "| Request concurrency: 4", "| Request concurrency: four", 1)
		}, "txt:15: request concurrency", 1},
		{"a bad aggregate", notes, func(s string) string { return strings.Replace(s, "150.50% /", "x /", 1) }, `txt:24: CPU: "x" is not a number`, 1},
		{"time goes back", marks, func(s string) string { return s + "8 1500000000000000000\n" }, "marks:7: earlier than the line before", 1},
		{"no mark", marks, func(s string) string { return s + "8\n" }, "marks:7: want a concurrency and a time", 1},
		{"a column too few", load, func(s string) string { return s + "1600000000000000000 50.0\n" }, "load:4: 2 columns, want 3", 1},
		{"a short first line", load, func(s string) string { return "1600000000000000000 1\n" + s }, "load:1: 2 columns, want 3", 1},
		{"cut gzip", load, func(s string) string { whole := packed(t, strings.Repeat(good, 50_000)); return whole[:len(whole)/2] }, "gzip: unexpected EOF; the file is damaged", 1},
		{"no gzip", load, func(s string) string { return "\x1f\x8b\x08" }, "load:1: gzip: ", 1},
	} {
		files := tiny(t)
		for path, text := range files {
			if strings.HasSuffix(path, "/"+test.file) {
				files[path] = test.change(text)
			}
		}
		if _, err := read(t, abSweep, Input{Files: mapFS(files)}); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "--lenient") {
			t.Errorf("%s: error %v, want one with %q and --lenient", test.name, err, test.says)
		}
		out, err := read(t, abSweep, Input{Files: mapFS(files), Lenient: true})
		if err != nil {
			t.Errorf("%s: --lenient: %v", test.name, err)
			continue
		}
		if rejected := named(t, out, "rejected"); rejected.rows != test.rejected || !strings.HasSuffix(col(t, rejected, "source").Strings[0], test.file) {
			t.Errorf("%s: --lenient rejects\n%swant %d rows", test.name, cells(t, rejected, "source", "line", "why"), test.rejected)
		}
	}
}

// Files in another unit than those before are rejected as a whole.
func TestUnitsAcrossFiles(t *testing.T) {
	files := map[string]string{"a_b/cpus_1/notes": summaryOf("b"), "a_b/cpus_2/notes": strings.ReplaceAll(summaryOf("b"), "[ms]", "[s]")}
	const says = "a_b/cpus_2/notes:1: Time per request in s, where other files are in ms"
	if _, err := read(t, abSweep, Input{Files: mapFS(files)}); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("error %v, want one with %q", err, says)
	}
	out, err := read(t, abSweep, Input{Files: mapFS(files), Lenient: true})
	if err != nil || named(t, out, "summaries").rows != 3 || named(t, out, "rejected").rows != 3 {
		t.Errorf("--lenient gives %v, want the runs of one file, and those of the other rejected", err)
	}
}

// Without summaries a unit is that in which the numbers fit together, and none
// where they fit in none.
func TestUnitsWithoutSummaries(t *testing.T) {
	const head = "connections,concurrency,ttime,rps,tpr,tpr_all,trate\n"
	for _, test := range []struct{ row, want string }{
		{"1000,2,2.5,400,5,2.5,39.0625", "s 1/s ms ms KiB/s"},
		{"1000,2,2500,400,10,5,40", "ms 1/s ms ms kB/s"}, // latencies are doubled: still ms
		{"1000,2,2.5,400,0.005,2500,0.5003", "s 1/s s us "},
		{"1000,2,2.5,400,5e12,2.5,1e9", "s 1/s  ms "},
	} {
		out, err := read(t, abSweep, Input{Files: mapFS(map[string]string{"a_b_cpus_1.csv": head + test.row + "\n"})})
		if err != nil {
			t.Fatal(err)
		}
		var units []string
		for _, name := range []string{"duration", "rps", "latency", "interval", "transfer"} {
			units = append(units, col(t, named(t, out, "results"), name).Unit)
		}
		if got := strings.Join(units, " "); got != test.want {
			t.Errorf("of %s the units are %q, want %q", test.row, got, test.want)
		}
	}
}
