package agent

import (
	"testing"

	"github.com/assay-notebooks/assay/runners/measure"
)

// A program that says on stdout what is wrong, between what its guest says, has
// a reason, too.
func TestDetail(t *testing.T) {
	stdout := []byte("answer\n[error] no such feature\n")
	for _, c := range []struct {
		chatter, stderr, want string
	}{
		{`\[error\] .*\n`, "", "[error] no such feature"},
		{`\[error\] .*\n`, "said\n", "said"},
		{"", "", ""},
	} {
		got := detail("", c.chatter, measure.Result{Exit: 1, StdoutTail: stdout, StderrTail: []byte(c.stderr)})
		if got != c.want {
			t.Errorf("chatter %q, stderr %q: %q, want %q", c.chatter, c.stderr, got, c.want)
		}
	}
}
