package figure

import (
	"runtime"
	"testing"
)

func TestPlace(t *testing.T) {
	gopanic := runtime.Frame{Function: "runtime.gopanic", File: "runtime/panic.go", Line: 860}
	library := runtime.Frame{Function: "github.com/assay-notebooks/assay/kernelext/figure.Table.Len", File: "figure/table.go", Line: 40}
	largest := runtime.Frame{Function: "main.largest[...]", File: "sealed/main.go", Line: 33}
	draw := runtime.Frame{Function: "main.ColdStart", File: "/home/ada/coldstart/main.go", Line: 27}
	tests := map[string]struct {
		frames []runtime.Frame
		want   string
	}{
		"own code":      {[]runtime.Frame{gopanic, largest, draw}, ", in largest[...] at main.go:33"},
		"in a library":  {[]runtime.Frame{gopanic, library, draw}, ", in ColdStart at main.go:27"},
		"none of main":  {[]runtime.Frame{gopanic, library}, ""},
		"no line table": {nil, ""},
	}
	for name, test := range tests {
		got := place(func() (runtime.Frame, bool) {
			if len(test.frames) == 0 {
				return runtime.Frame{}, false
			}
			first := test.frames[0]
			test.frames = test.frames[1:]
			return first, len(test.frames) > 0
		})
		if got != test.want {
			t.Errorf("%s: place = %q, want %q", name, got, test.want)
		}
	}
}
