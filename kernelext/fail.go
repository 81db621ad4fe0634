package kernelext

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// fail ends the program with status 1 and one message.
func fail(err error) { failWith(1, err) }

// failWith ends the program: err, and the line of the first caller outside of
// this package; of a cell that was interrupted not, for nothing is wrong with it,
// and GoNB would show the code there as an error.
func failWith(status int, err error) {
	flush()
	file, line := caller()
	dir := os.Getenv("GONB_TMP_DIR")
	cell := dir != "" && filepath.Dir(file) == filepath.Clean(dir)
	switch {
	case file == "", cell && status == statusInterrupted:
		fmt.Fprintf(os.Stderr, "assay: %v\n", err)
	case cell:
		fmt.Fprintf(os.Stderr, "%s\n  %s:%d\n", located("assay: "+err.Error(), file), file, line)
	default:
		fmt.Fprintf(os.Stderr, "%s:%d: assay: %v\n", filepath.Base(file), line, err)
	}
	os.Exit(status)
}

// located moves each place in file that text names, such as "file:12", to a line
// of its own below the line that names it. There GoNB writes the cell's number
// and line before it, and shows the code. And GoNB v0.11.4 does not survive a
// line that has other colons before a place in a main.go: those of other
// main.go files are written in another way.
func located(text, file string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		var places []string
		for {
			before, after, ok := strings.Cut(line, file+":")
			rest := strings.TrimLeft(after, "0123456789")
			if !ok || len(rest) == len(after) {
				break
			}
			place := "  " + file + ":" + after[:len(after)-len(rest)]
			if remark, ok := strings.CutPrefix(rest, ": "); ok { // the place that line is about
				line = before + remark
			} else {
				mark := fmt.Sprintf("(%d)", len(places)+1)
				line, place = before+mark+rest, place+" "+mark
			}
			places = append(places, place)
		}
		for _, name := range []string{"main.go", "main_test.go"} {
			for digit := range 10 {
				d := strconv.Itoa(digit)
				line = strings.ReplaceAll(line, name+":"+d, name+" line "+d)
			}
		}
		lines = append(append(lines, line), places...)
	}
	return strings.Join(lines, "\n")
}

// caller returns the line of the first caller outside of this package; "" if
// there is none.
func caller() (file string, line int) {
	for f := range frames() {
		if !strings.Contains(f.Function, "/kernelext.") {
			return f.File, f.Line
		}
	}
	return "", 0
}

// methodPlace returns where the caller's file declares a method, which package
// runtime names "T.Draw" or "(*T).Draw"; "" if it does not.
func methodPlace(method string) (file string, line int) {
	file, _ = caller()
	source, err := os.ReadFile(file)
	dot := strings.LastIndex(method, ".")
	if err != nil || dot < 0 {
		return "", 0
	}
	receiver, _, _ := strings.Cut(strings.Trim(method[:dot], "(*)"), "[")
	declared, err := regexp.Compile(`(?m)^func \((?:\w+ )?\*?` + regexp.QuoteMeta(receiver) + `(?:\[.*\])?\) ` + regexp.QuoteMeta(method[dot+1:]) + `\(`)
	if err != nil {
		return "", 0
	}
	at := declared.FindIndex(source)
	if at == nil {
		return "", 0
	}
	return file, 1 + bytes.Count(source[:at[0]], []byte("\n"))
}

// initialising reports whether the caller is the initialiser of a package-level
// variable or an init function.
func initialising() bool {
	for f := range frames() {
		if f.Function == "main.init" || strings.HasPrefix(f.Function, "main.init.") {
			return true
		}
	}
	return false
}

// frames yields the frames of the stack, the innermost first.
func frames() func(yield func(runtime.Frame) bool) {
	return func(yield func(runtime.Frame) bool) {
		pcs := make([]uintptr, 64)
		frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
		for {
			f, more := frames.Next()
			if f.Function != "" && !yield(f) || !more {
				return
			}
		}
	}
}
