package measure

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

const logPattern = `\[\d+\] [a-z ]*\n`

var log = regexp.MustCompile(logPattern)

func TestChatter(t *testing.T) {
	long := strings.Repeat("x", maxChatter) + "[1] stays\n"
	for in, want := range map[string]string{
		"":                            "",
		"[1] info\nhello\n[2] info\n": "hello\n",
		"no line end[1] info\nhello":  "no line endhello",
		"[1] not whole":               "[1] not whole",
		"[x] hello\n\n":               "[x] hello\n\n",
		long + "[2] goes\n":           long,
	} {
		if got, _ := filter([]byte(in), 1<<20); got != want {
			t.Errorf("%.40q leaves %.40q, want %.40q", in, got, want)
		}
	}
}

// TestChatterFirst gives each byte a time of its own: the answer begins when
// its first byte was read, not when its line was whole.
func TestChatterFirst(t *testing.T) {
	if _, first := filter([]byte("[1] info\nhello\n"), 1); first != 9 {
		t.Errorf("the answer began at byte %d, want 9", first)
	}
}

// filter writes in, n bytes at a time, and returns what is left and when the
// first of it was read: the number of the write.
func filter(in []byte, n int) (left string, first int64) {
	var out bytes.Buffer
	c, err := newChatter(logPattern, func(p []byte, at int64) {
		if out.Len() == 0 {
			first = at
		}
		out.Write(p)
	})
	if err != nil {
		panic(err)
	}
	for now := int64(0); len(in) > 0; now++ {
		k := min(n, len(in))
		c.write(in[:k], now)
		in = in[k:]
	}
	c.end()
	return out.String(), first
}

func TestReadCount(t *testing.T) {
	says := assay.Counted{Says: `used (\d+)\n`, Unit: "fuel:e"}
	for in, want := range map[string]int64{
		"answer\nused 12\n":          12,
		"used 5\nused 12\n":          12, // the guest's own words are before
		"used 12":                    -1,
		"used -1\n":                  -1,
		"used 9999999999999999999\n": -1,
		"":                           -1,
	} {
		got, err := ReadCount(says, []byte(in))
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("ReadCount of %q = %d, %v; want %d, -1 for an error", in, got, err, want)
		}
	}
}

// A text that all matches hold is looked for first; where there is none, each
// line is matched.
func TestLiteral(t *testing.T) {
	for pattern, want := range map[string]string{
		logPattern: "] ", `\[\d+\] \[info\] .*\n`: "] [info] ", `a|bc`: "", `(?i)abc`: "", `x(abc)?`: "x", `[`: "",
	} {
		if got := string(literal(pattern)); got != want {
			t.Errorf("literal(%q) = %q, want %q", pattern, got, want)
		}
	}
}

func BenchmarkChatter(b *testing.B) {
	for name, line := range map[string]string{"log": "[12] [warning] something of the guest's\n", "short": "0123456789abcd\n", "empty": "\n"} {
		b.Run(name, func(b *testing.B) {
			p := bytes.Repeat([]byte(line), 32<<10/len(line))
			c, err := newChatter(`\[\d+\] \[info\] .*\n`, func([]byte, int64) {})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				c.write(p, 1)
			}
		})
	}
}

func FuzzChatter(f *testing.F) {
	f.Add([]byte("a\n[1] info\nb[22] c\nd"), 3)
	f.Add([]byte(strings.Repeat("y", maxChatter)+"\n[1] x\n"), 1000)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		if n < 1 {
			return
		}
		var want []byte
		for line := range bytes.Lines(in) {
			if at := log.FindIndex(line); at != nil && len(line) <= maxChatter {
				line = append(bytes.Clone(line[:at[0]]), line[at[1]:]...)
			}
			want = append(want, line...)
		}
		if got, _ := filter(in, n); got != string(want) {
			t.Errorf("%q, %d bytes at a time, leaves %q, want %q", in, n, got, want)
		}
	})
}
