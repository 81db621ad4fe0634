package trace

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

// samples returns n samples with every kind of value a trace can hold.
func samples(n int) []assay.Sample {
	outcomes := []assay.Outcome{assay.OK, assay.OK, assay.OK, assay.Signal, assay.Unsupported, assay.Exit}
	all := make([]assay.Sample, n)
	for i := range all {
		s := assay.Sample{
			Seq: int64(i), Block: int32(i / 6), Trial: int32(i % 6), Warmup: i < 6,
			Workload: "crc32", Runtime: []string{"wazero", "wazero/interpreter", "native"}[i%3], Host: "local",
			Phase: assay.Process, Outcome: outcomes[i%6], StartNS: 1_000_000 * int64(i), Segment: int32(i / 40),
		}
		if i%2 == 0 {
			s.Params = map[string]string{"size": fmt.Sprint(i % 4), "flag": ""}
		}
		wall, cpu, rss := int64(2_000_000+i*i%9973), int64(1_500_000+i), int64(30<<20+4096*i)
		switch s.Outcome {
		case assay.OK:
			s.WallNS, s.CPUNS, s.RSSBytes = &wall, &cpu, &rss
			s.Stdout, s.OutBytes = assay.DigestOf([]byte("an answer")), 9
		case assay.Signal:
			s.WallNS, s.CPUNS, s.Exit, s.Signal = &wall, &cpu, -1, "SIGKILL"
			s.Stdout = assay.DigestOf(nil)
		case assay.Exit:
			s.WallNS, s.Exit, s.Detail = &wall, 3, "line one\n\"two\", with a comma, é and \u2028\n"
		default:
			s.Exit, s.Detail = -1, "v8: node not found"
		}
		all[i] = s
	}
	return all
}

// calls returns the rows of n invocations of so many calls each, the first of
// which is a warm-up.
func calls(n, each int) []assay.Sample {
	var all []assay.Sample
	for i, s := range samples(n) {
		s.Warmup = false
		all = append(all, s)
		if s.Outcome != assay.OK {
			continue
		}
		for k := range each {
			wall := int64(1000*i + k)
			all = append(all, assay.Sample{
				Seq: s.Seq, Block: s.Block, Trial: s.Trial, Workload: s.Workload, Runtime: s.Runtime, Host: s.Host, Params: s.Params,
				Phase: assay.Call, Call: int32(k + 1), Warmup: k == 0, Outcome: s.Outcome, Exit: -1, StartNS: s.StartNS, WallNS: &wall,
			})
		}
	}
	return all
}

// phases returns n samples that have every column, in turns with phases that
// have few.
func phases(n int) []assay.Sample {
	all := samples(n)
	for i := range all {
		s := &all[i]
		s.Mode, s.Cache, s.Threads = "precompiled", "prepared", int32(i%3)
		if i%2 == 1 {
			s.Phase, s.Mode, s.Cache = "engine-init+link", "interpreter", ""
			continue
		}
		for k, field := range []**int64{&s.UserNS, &s.SystemNS, &s.PSSBytes, &s.Minor, &s.Major, &s.Waits, &s.Preempts, &s.Reads, &s.Writes,
			&s.Cycles, &s.Instrs, &s.Guest, &s.CgroupNS, &s.CgroupMemory} {
			x := int64(1000*i + k)
			*field = &x
		}
		s.GuestOf = "fuel:wasmtime"
	}
	return all
}

var meta = Meta{
	Run:        "20261124T181530Z-3f9a1c",
	Plan:       assay.DigestOf([]byte("plan")),
	Experiment: assay.DigestOf([]byte("experiment")),
	Host:       "local",
	Params:     []string{"size", "flag"},
}

func encode(t testing.TB, samples []assay.Sample) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, meta, slices.Values(samples)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, b []byte) *Trace {
	t.Helper()
	tr, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestSamplesComeBack(t *testing.T) {
	for _, n := range []int{0, 1, 4, 5, 100, rowsPerGroup, rowsPerGroup + 1} {
		want := phases(n)
		tr := open(t, encode(t, want))
		if got := tr.Rows(); got != int64(n) {
			t.Errorf("Rows() = %d, want %d", got, n)
		}
		i := 0
		for got, err := range tr.Samples() {
			if err != nil {
				t.Fatal(err)
			}
			if i >= n || !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("of %d samples, number %d = %+v, want %+v", n, i, got, want[i])
			}
			i++
		}
		if i != n {
			t.Errorf("Samples() yielded %d, want %d", i, n)
		}
	}
}

// A column of ever new texts outgrows its dictionary and comes back all the same.
func TestDictionaryOutgrown(t *testing.T) {
	want := samples(rowsPerGroup + 100)
	for i := range want {
		want[i].Stdout = assay.DigestOf(fmt.Append(nil, i))
	}
	if size := len(want[0].Stdout.String()) * rowsPerGroup; size <= maxDictionary {
		t.Fatalf("%d bytes of texts do not outgrow a dictionary of %d", size, maxDictionary)
	}
	i := 0
	for got, err := range open(t, encode(t, want)).Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if got.Stdout != want[i].Stdout {
			t.Fatalf("sample %d has stdout %v, want %v", i, got.Stdout, want[i].Stdout)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("Samples() yielded %d, want %d", i, len(want))
	}
}

func TestSameSamplesSameBytes(t *testing.T) {
	a, b := encode(t, samples(70_000)), encode(t, samples(70_000))
	if !bytes.Equal(a, b) {
		t.Errorf("two encodings of the same samples differ: %v and %v", assay.DigestOf(a), assay.DigestOf(b))
	}
}

func TestMeta(t *testing.T) {
	got := open(t, encode(t, samples(3))).Meta()
	if got.Format != Format || got.Run != meta.Run || got.Plan != meta.Plan || got.Experiment != meta.Experiment ||
		got.Host != meta.Host || !slices.Equal(got.Params, meta.Params) {
		t.Errorf("Meta() = %+v, want %+v", got, meta)
	}
	var names []string
	for _, c := range got.Columns {
		names = append(names, c.Name)
		if c.Meaning == "" {
			t.Errorf("column %s has no meaning", c.Name)
		}
		for suffix, unit := range map[string]string{"_ns": "ns", "_bytes": "bytes"} {
			if strings.HasSuffix(c.Name, suffix) && c.Unit != unit {
				t.Errorf("column %s has unit %q, want %q", c.Name, c.Unit, unit)
			}
		}
	}
	want := "seq block trial warmup workload runtime host param.size param.flag phase call mode cache compile_threads engine outcome detail exit signal " +
		"start_ns segment wall_ns cpu_ns peak_rss_bytes user_ns system_ns pss_bytes minor_faults major_faults " +
		"voluntary_switches involuntary_switches storage_read_bytes storage_write_bytes cycles instructions guest_count guest_unit " +
		"cgroup_cpu_ns cgroup_peak_memory_bytes stdout output_bytes"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("columns are %s, want %s", got, want)
	}
}

// A new field of assay.Sample needs a column.
func TestEveryFieldHasAColumn(t *testing.T) {
	const params = 1 // one field, a column for each
	fields := reflect.TypeFor[assay.Sample]()
	if got, want := len(columnsFor(nil)), fields.NumField()-params; got != want {
		t.Fatalf("%d columns for %d fields without parameters", got, want)
	}
	for _, c := range columnsFor(nil) {
		found := false
		for i := range fields.NumField() {
			name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
			found = found || name == c.Name
		}
		if !found {
			t.Errorf("column %s is no field of assay.Sample", c.Name)
		}
	}
}

func TestProject(t *testing.T) {
	want := samples(rowsPerGroup + 10)
	tr := open(t, encode(t, want))
	got, err := tr.Project([]string{"wall_ns", "runtime", "warmup", "param.size", "block"})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range want {
		if got[0].IsNull(i) != (s.WallNS == nil) || s.WallNS != nil && got[0].Ints[i] != *s.WallNS {
			t.Fatalf("wall_ns[%d] = %d, null %t, want %v", i, got[0].Ints[i], got[0].IsNull(i), s.WallNS)
		}
		if got[1].Strings[i] != s.Runtime || got[1].IsNull(i) {
			t.Fatalf("runtime[%d] = %q, want %q", i, got[1].Strings[i], s.Runtime)
		}
		if got[2].Bools[i] != s.Warmup {
			t.Fatalf("warmup[%d] = %t, want %t", i, got[2].Bools[i], s.Warmup)
		}
		if v, ok := s.Params["size"]; got[3].IsNull(i) == ok || got[3].Strings[i] != v {
			t.Fatalf("param.size[%d] = %q, null %t, want %q", i, got[3].Strings[i], got[3].IsNull(i), v)
		}
		if got[4].Ints[i] != int64(s.Block) {
			t.Fatalf("block[%d] = %d, want %d", i, got[4].Ints[i], s.Block)
		}
	}
	if got[0].Unit != "ns" || got[0].Kind != Int {
		t.Errorf("wall_ns is %+v, want an int in ns", got[0].Column)
	}
	if _, err := tr.Project([]string{"wall"}); err == nil || !strings.Contains(err.Error(), "wall_ns") {
		t.Errorf("Project(wall) gives error %v, want the names that there are", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	other := samples(1)
	other[0].Params = map[string]string{"depth": "1"}
	long := samples(1)
	long[0].Detail = strings.Repeat("x", maxText+1)
	latin := samples(1)
	latin[0].Detail = "caf\xe9"
	twice := meta
	twice.Params = []string{"size", "size"}
	for _, test := range []struct {
		meta    Meta
		samples []assay.Sample
		want    string
	}{
		{meta, other, `parameter "depth" is not one of the trace's`},
		{meta, long, "column detail"},
		{meta, latin, "column detail"},
		{twice, nil, `parameter "size" is given twice`},
	} {
		err := Write(new(bytes.Buffer), test.meta, slices.Values(test.samples))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Write gives error %v, want one with %q", err, test.want)
		}
	}
}
