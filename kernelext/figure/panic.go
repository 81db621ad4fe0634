package figure

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// panicError returns the panic p as an error that says where the user's code
// was. Call it where the panic is recovered.
func panicError(p any) error {
	callers := make([]uintptr, 128)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	return fmt.Errorf("the figure function panicked: %v%s", p, place(frames.Next))
}

// place returns ", in ColdStart at main.go:12" for the innermost frame of
// package main, "" if there is none. The path of the file is that of another
// machine, so only its base name is said.
func place(next func() (runtime.Frame, bool)) string {
	for {
		frame, more := next()
		if function, ok := strings.CutPrefix(frame.Function, "main."); ok {
			return fmt.Sprintf(", in %s at %s:%d", function, path.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}
