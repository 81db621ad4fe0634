package shimwire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

const head = `{"shim":1,"engine":"e","version":"1.2","mode":"m","threads":2}` + "\n"

// read returns the report of text, written in parts of n bytes.
func read(r Reader, text string, n int) Report {
	for len(text) > 0 {
		part := text[:min(n, len(text))]
		text = text[len(part):]
		r.Write([]byte(part))
	}
	return r.Close()
}

func TestReader(t *testing.T) {
	text := head +
		`{"phase":"engine-init+link","ns":10,"cpu_ns":9}
{"phase":"compile","ns":20,"future":[1]}
{"phase":"instantiate","ns":30}
{"phase":"region","ns":5}
{"phase":"first-call","ns":40}
{"phase":"region","call":1,"ns":4}
{"phase":"call","call":1,"ns":50}
{"phase":"call","call":2,"ns":60}
{"phase":"second-instantiate","ns":70}
{"phase":"teardown","ns":0}
{"count":80,"unit":"fuel:e"}
{"end":"ok","detail":"d"}
`
	cpu := int64(9)
	want := Report{
		Engine: "e", Version: "1.2", Mode: "m", Threads: 2,
		Phases: []Phase{
			{"engine-init+link", 0, 10, &cpu},
			{assay.Compile, 0, 20, nil},
			{assay.Instantiate, 0, 30, nil},
			{assay.Region, 0, 5, nil},
			{assay.FirstCall, 0, 40, nil},
			{assay.Region, 1, 4, nil},
			{assay.Call, 1, 50, nil},
			{assay.Call, 2, 60, nil},
			{assay.SecondInstantiate, 0, 70, nil},
			{assay.Teardown, 0, 0, nil},
		},
		Count: 80, Unit: "fuel:e", End: OK, Detail: "d",
	}
	for _, n := range []int{1, 7, len(text)} {
		if got := read(Reader{Calls: 2, Count: true}, text, n); !reflect.DeepEqual(got, want) {
			t.Errorf("in parts of %d bytes:\ngot  %+v\nwant %+v", n, got, want)
		}
	}
	for wall, wrong := range map[int64]bool{280: false, 279: true, 0: true} {
		r := want
		if r.Within(wall); (r.Wrong != "") != wrong {
			t.Errorf("Within(%d): wrong %q, want wrong: %t", wall, r.Wrong, wrong)
		}
	}
}

// A call that did not end has no time: its region lies in what the process has left.
func TestRegionCutOff(t *testing.T) {
	for wall, wrong := range map[int64]bool{30: false, 29: true} {
		r := read(Reader{}, head+`{"phase":"compile","ns":20}`+"\n"+`{"phase":"region","ns":10}`+"\n"+`{"end":"trap"}`+"\n", 99)
		if r.Within(wall); (r.Wrong != "") != wrong {
			t.Errorf("Within(%d): wrong %q, want wrong: %t", wall, r.Wrong, wrong)
		}
	}
}

// TestBadEnd is of a shim that ends before its calls: nothing is missing.
func TestBadEnd(t *testing.T) {
	for _, phases := range []string{"", `{"phase":"compile","ns":1}` + "\n"} {
		r := read(Reader{Calls: 2, Count: true}, head+phases+`{"end":"trap","detail":"unreachable"}`+"\n", 99)
		if r.Wrong != "" || r.End != Trap || r.Detail != "unreachable" {
			t.Errorf("report %+v, want a trap", r)
		}
	}
}

// A shim that says it failed and exits with 0 did not succeed.
func TestExited(t *testing.T) {
	goes := map[End][]int{OK: {0}, Exit: {1, 65, 70, 134, -1}, Trap: {134}, Unsupported: {70}, CannotRun: {70}, Wrong: {65}}
	for _, end := range ends {
		for _, status := range []int{0, 1, 65, 70, 134, -1} {
			r := Report{End: end}
			if r.Exited(status); (r.Wrong == "") != slices.Contains(goes[end], status) {
				t.Errorf("end %s with status %d: wrong %q", end, status, r.Wrong)
			}
		}
	}
	r := Report{Wrong: "cut off"}
	if r.Exited(1); r.Wrong != "cut off" {
		t.Errorf("of a report that was wrong before: %q", r.Wrong)
	}
}

func TestWrong(t *testing.T) {
	phases := func(names ...string) string {
		var b strings.Builder
		b.WriteString(head)
		for _, name := range names {
			if n, ok := strings.CutPrefix(name, "call "); ok {
				fmt.Fprintf(&b, `{"phase":"call","call":%s,"ns":1}`+"\n", n)
			} else {
				fmt.Fprintf(&b, `{"phase":"%s","ns":1}`+"\n", name)
			}
		}
		return b.String()
	}
	const ok = `{"end":"ok"}` + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "reported nothing"},
		{"no head", ok, "is not the first line"},
		{"another version", `{"shim":2,"engine":"e","version":"1","mode":"m"}` + "\n", "is of version 2"},
		{"an escape", `{"shim":1,"engine":"\u001b[2J","version":"1","mode":"m"}` + "\n", "has an engine, a version or a mode that cannot be printed"},
		{"no mode", `{"shim":1,"engine":"e","version":"1"}` + "\n", "wants an engine, its version and its mode"},
		{"negative threads", `{"shim":1,"engine":"e","version":"1","mode":"m","threads":-1}` + "\n", "negative number of threads"},
		{"two heads", head + head, "is no phase, count or end"},
		{"no JSON", head + "hello\n", "is not one of the protocol"},
		{"an array", head + "[]\n", "is not one of the protocol"},
		{"a fraction", head + `{"phase":"compile","ns":1.5}` + "\n", "is not one of the protocol"},
		{"no time", head + `{"phase":"compile"}` + "\n", "wants ns of 0 or more"},
		{"a negative time", head + `{"phase":"compile","ns":-1}` + "\n", "wants ns of 0 or more"},
		{"a negative CPU time", head + `{"phase":"compile","ns":1,"cpu_ns":-1}` + "\n", "wants ns of 0 or more"},
		{"no such phase", phases("warm-up"), "names no phase"},
		{"a process", phases("process"), "names no phase"},
		{"a part of nothing", phases("compile+"), "names no phase"},
		{"merged with a call", phases("instantiate+first-call"), "never merged"},
		{"merged backwards", phases("link+compile"), "merges out of order"},
		{"merged with itself", phases("link+link"), "merges out of order"},
		{"twice", phases("link", "link"), "is link once more"},
		{"alone and merged", phases("link", "compile+link"), "is link once more"},
		{"compiled and loaded", phases("compile", "load-precompiled"), "makes both"},
		{"compiled late", phases("first-call", "compile"), "comes before first-call"},
		{"torn down early", phases("teardown"), "comes after first-call"},
		{"torn down twice", phases("first-call", "teardown", "teardown"), "teardown once more"},
		{"instance after the end", phases("first-call", "teardown", "second-instantiate"), "comes before teardown"},
		{"a call before the first", phases("call 1"), "calls come after first-call"},
		{"a call left out", phases("first-call", "call 2"), "numbered from 1"},
		{"a call again", phases("first-call", "call 1", "call 1"), "numbered from 1"},
		{"call 0", phases("first-call", "call 0"), "has no call from 1"},
		{"a huge call", phases("first-call", "call 5001"), "has no call from 1 to 5000"},
		{"a call after teardown", phases("first-call", "teardown", "call 1"), "calls come after first-call"},
		{"a numbered phase", head + `{"phase":"compile","ns":1,"call":1}` + "\n", "has a call, and is none"},
		{"a region after its call", phases("first-call", "region"), "at most one region"},
		{"two regions", phases("region", "region"), "at most one region"},
		{"a region longer than its call", head + `{"phase":"region","ns":2}` + "\n" + phases("first-call")[len(head):], "is shorter than the region in it"},
		{"a region longer than a later call", phases("first-call") + `{"phase":"region","call":1,"ns":2}` + "\n" + `{"phase":"call","call":1,"ns":1}` + "\n", "is shorter than the region in it"},
		{"no end", phases("first-call"), "was cut off"},
		{"half a line", head + `{"end":"ok"}`, "has no end"},
		{"another end", head + `{"end":"fine"}` + "\n", "has none of the ends"},
		{"more after the end", phases("first-call") + ok + ok, "follows the end"},
		{"no first call", head + ok, "no first-call"},
		{"no count", phases("first-call", "call 1") + ok, "a count was asked for: true, reported: false"},
		{"a count before", head + `{"count":1,"unit":"u"}` + "\n", "is no phase, count or end in its place"},
		{"a count without unit", phases("first-call") + `{"count":1}` + "\n", "count of 0 or more"},
		{"a negative count", phases("first-call") + `{"count":-1,"unit":"u"}` + "\n", "count of 0 or more"},
		{"two counts", phases("first-call") + strings.Repeat(`{"count":1,"unit":"u"}`+"\n", 2), "is no phase, count or end in its place"},
		{"too few calls", phases("first-call") + `{"count":1,"unit":"u"}` + "\n" + ok, "0 calls were reported, 1 asked for"},
		{"too many calls", phases("first-call", "call 1", "call 2") + `{"count":1,"unit":"u"}` + "\n" + ok, "2 calls were reported, 1 asked for"},
		{"a long line", head + strings.Repeat(" ", 1024) + "\n", "line 2 is longer than 1024 bytes"},
		{"an endless line", strings.Repeat(" ", 1<<20), "line 1 is longer than 1024 bytes"},
	} {
		if got := read(Reader{Calls: 1, Count: true}, c.text, 1<<20); !strings.Contains(got.Wrong, c.want) {
			t.Errorf("%s: wrong = %q, want %q", c.name, got.Wrong, c.want)
		}
	}
}

// TestMost reads as many calls and regions as there may be.
func TestMost(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + `{"phase":"first-call","ns":1}` + "\n")
	for i := range MaxCalls {
		fmt.Fprintf(&b, `{"phase":"region","call":%d,"ns":1}`+"\n"+`{"phase":"call","call":%[1]d,"ns":1}`+"\n", i+1)
	}
	got := read(Reader{Calls: MaxCalls}, b.String()+`{"end":"ok"}`+"\n", 4096)
	if got.Wrong != "" || len(got.Phases) != 2*MaxCalls+1 {
		t.Errorf("%d phases, wrong = %q; want %d, all right", len(got.Phases), got.Wrong, 2*MaxCalls+1)
	}
}

// FuzzReader writes anything, in two parts: what is held stays within bounds,
// and the cut changes nothing.
func FuzzReader(f *testing.F) {
	f.Add([]byte(head+`{"phase":"compile+link","ns":1}`+"\n"+`{"phase":"first-call","ns":2}`+"\n"+`{"end":"ok"}`+"\n"), 70)
	f.Add([]byte(head+`{"phase":"region","ns":1,"call":2}`+"\n"), 3)
	f.Add([]byte(head+`{"phase":"region","ns":3}`+"\n"+`{"phase":"first-call","ns":2}`+"\n"), 120)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		cut = max(0, min(cut, len(data)))
		var r Reader
		r.Write(data[:cut])
		if r.Write(data[cut:]); len(r.line) >= maxLine || len(r.report.Phases) > 2*MaxCalls+10 {
			t.Errorf("holds %d bytes and %d phases", len(r.line), len(r.report.Phases))
		}
		if got, want := r.Close(), read(Reader{}, string(data), len(data)+1); !reflect.DeepEqual(got, want) {
			t.Errorf("cut at %d: %+v\nwhole: %+v", cut, got, want)
		}
	})
}
