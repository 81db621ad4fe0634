package kernelext

import (
	"regexp"
	"strings"
	"testing"
)

func TestLocated(t *testing.T) {
	const file = "/tmp/gonb_1/main.go"
	for _, c := range []struct{ text, want string }{
		{"assay: no file", "assay: no file"},
		{"assay: figure f: cannot seal F: " + file + ":12: no; remedy [rule]", "assay: figure f: cannot seal F: no; remedy [rule]\n  " + file + ":12"},
		{"two:\n\t" + file + ":3: x\n\t" + file + ":44: n is changed at " + file + ":5; remedy",
			"two:\n\tx\n  " + file + ":3\n\tn is changed at (2); remedy\n  " + file + ":44\n  " + file + ":5 (2)"},
		{"assay: build: ./main.go:7:2: undefined: x\nmain_test.go:1", "assay: build: ./main.go line 7:2: undefined: x\nmain_test.go line 1"},
		{file + ": no such file", file + ": no such file"},
	} {
		got := located(c.text, file)
		if got != c.want {
			t.Errorf("located(%q) = %q, want %q", c.text, got, c.want)
		}
		// GoNB ends, and the notebook's kernel with it, if there is a colon before such a place.
		place := regexp.MustCompile(`main(_test)?\.go:\d+`)
		for line := range strings.Lines(got) {
			if at := place.FindStringIndex(line); at != nil && strings.Contains(line[:at[0]], ":") {
				t.Errorf("located(%q) has the line %q", c.text, line)
			}
		}
	}
}
