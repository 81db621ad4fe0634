package measure

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// reported writes stderr in pieces of n bytes and returns what came of it.
func reported(stderr []byte, want, n int) (Calls, string) {
	var rest bytes.Buffer
	r := reports{want: want, rest: func(p []byte) { rest.Write(p) }}
	for len(stderr) > 0 {
		k := min(n, len(stderr))
		r.write(stderr[:k])
		stderr = stderr[k:]
	}
	return r.close(), rest.String()
}

func TestReports(t *testing.T) {
	const longest = "9223372036854775807"
	for _, c := range []struct {
		stderr string
		want   int
		ns     []int64
		wrong  string // part of it; "": nothing is wrong
		rest   string
	}{
		{"assay-call 5\nassay-call 0\n", 2, []int64{5, 0}, "", ""},
		{"hello\nassay-call 5\n\nassay-callous\nbye", 1, []int64{5}, "", "hello\n\nassay-callous\nbye"},
		{"assay-call " + longest + "\n", 1, []int64{1<<63 - 1}, "", ""},
		{"x assay-call 5\n", 1, nil, "0 calls were reported, 1 asked for", "x assay-call 5\n"},
		{"assay-cal", 1, nil, "0 calls were reported, 1 asked for", "assay-cal"},
		{"", 3, nil, "0 calls were reported, 3 asked for", ""},
		{"assay-call 1\n", 2, []int64{1}, "1 calls were reported, 2 asked for", ""},
		{"assay-call 1\nassay-call 2\nassay-call 3\n", 2, []int64{1, 2}, "3 calls were reported, 2 asked for", ""},
		{"assay-call 1\nassay-call 2", 2, []int64{1}, `report 2 of a call, "assay-call 2", has no line end`, "assay-call 2"},
		{"assay-call 1.5\n", 1, nil, `report 1 of a call is "assay-call 1.5\n"`, "assay-call 1.5\n"},
		{"assay-call -1\n", 1, nil, "decimal digits", "assay-call -1\n"},
		{"assay-call +1\n", 1, nil, "decimal digits", "assay-call +1\n"},
		{"assay-call \n", 1, nil, "decimal digits", "assay-call \n"},
		{"assay-call 1\r\n", 1, nil, "decimal digits", "assay-call 1\r\n"},
		{"assay-call 9223372036854775808\n", 1, nil, "decimal digits", "assay-call 9223372036854775808\n"},
		{"assay-call " + strings.Repeat("0", 100) + "1\nnext\n", 1, nil, "decimal digits", "assay-call " + strings.Repeat("0", 100) + "1\nnext\n"},
	} {
		for _, n := range []int{1, 2, 7, 1000} {
			calls, rest := reported([]byte(c.stderr), c.want, n)
			if !reflect.DeepEqual(calls.NS, c.ns) || !strings.Contains(calls.Wrong, c.wrong) || (c.wrong == "") != (calls.Wrong == "") || rest != c.rest {
				t.Errorf("%q by %d: %v, %q, rest %q; want %v, %q, rest %q", c.stderr, n, calls.NS, calls.Wrong, rest, c.ns, c.wrong, c.rest)
			}
		}
	}
}

func TestCallsWithinTheirProcess(t *testing.T) {
	for _, c := range []struct {
		ns    []int64
		wall  int64
		wrong bool
	}{
		{nil, 0, false}, {[]int64{3, 4}, 7, false}, {[]int64{3, 5}, 7, true}, {[]int64{8, 0, 0}, 7, true},
		{[]int64{1<<63 - 1, 1<<63 - 1, 1<<63 - 1}, 7, true},
	} {
		calls := Calls{NS: c.ns}
		if calls.within(c.wall); (calls.Wrong != "") != c.wrong {
			t.Errorf("%v in %d: wrong %q, want that to be said: %t", c.ns, c.wall, calls.Wrong, c.wrong)
		}
	}
}

// However the bytes come, the same is made of them, and nothing else is lost.
func FuzzReports(f *testing.F) {
	for _, s := range []string{"assay-call 5\n", "a\nassay-call 5\nassay-call x\n", "assay-call 99999999999999999999999999\nb", "assay-call 1\nassay-call 2"} {
		f.Add([]byte(s), 1, 3)
	}
	f.Fuzz(func(t *testing.T, stderr []byte, want, n int) {
		want, n = 1+want&7, 1+n&31
		whole, rest := reported(stderr, want, len(stderr)+1)
		if parts, other := reported(stderr, want, n); !reflect.DeepEqual(parts, whole) || other != rest {
			t.Errorf("by %d: %+v, rest %q; at once %+v, rest %q", n, parts, other, whole, rest)
		}
		if len(whole.NS) > want || whole.Wrong == "" && len(whole.NS) != want {
			t.Errorf("%d times of %d, wrong %q", len(whole.NS), want, whole.Wrong)
		}
		if taken := len(stderr) - len(rest); taken < 0 || taken > 0 && !bytes.Contains(stderr, []byte(reportPrefix)) {
			t.Errorf("%d bytes were taken out", taken)
		}
	})
}
