// Package notebook executes notebooks without a browser: it starts a kernel of
// its own, has it execute the cells in order, and keeps what they give, as
// nbclient and papermill do; and it compares what a notebook holds with what
// it gives today.
//
// It asks for no input, shows no widgets, and reads and writes no file but
// where more output went than a notebook can hold.
package notebook

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/kernel"
)

// Options say how a notebook is executed.
type Options struct {
	Kernel      kernel.Options
	Workspace   string        // for the cells; "": the one that Dir is in
	Dir         string        // the cells' working directory
	Timeout     time.Duration // of a cell; 0: none
	Archived    bool          // cells may not measure: runs come from the archive
	KeepLock    bool          // cells leave assay.lock and the figures as they are
	AllowErrors bool          // go on after a cell that fails
	Overflow    string        // what the files' paths begin with that take the output of cells that give too much
}

// The tags of cells that mean something here: nbclient's and papermill's.
const (
	tagRaises     = "raises-exception"
	tagSkip       = "skip-execution"
	tagParameters = "parameters"
	tagInjected   = "injected-parameters"
)

// A Step says that a cell begins, how far it is, or how it ended.
type Step struct {
	Cell    int           `json:"cell"` // of the notebook, from 1
	K       int           `json:"k"`    // of those that are executed, from 1
	N       int           `json:"n"`
	State   State         `json:"state"`
	Line    string        `json:"line"`       // the cell's first line
	Says    string        `json:"says"`       // how far it is, while it works
	Elapsed time.Duration `json:"elapsed_ns"` // since the cell began
}

// A State is where a cell is.
type State string

// The states of a cell.
const (
	Begins State = "begins"
	Works  State = "works"
	Done   State = "done"
	Failed State = "failed" // and that stops the notebook
	Raised State = "raised" // failed, as it may
)

var errLanguage error = failure.Classed(failure.ErrUsage, errors.New(`"assay notebook" executes Go cells: use "jupyter nbconvert --execute" or papermill for others`))

// Executable reports why the notebook cannot be executed by assay's kernel:
// its error matches failure.ErrUsage.
func Executable(nb *nbformat.Notebook) error {
	language, spec := nb.Language()
	if l := strings.ToLower(language); l != "" && l != kernel.Language && l != "golang" {
		return fmt.Errorf("its kernelspec is %q, of the language %q: %w", spec, language, errLanguage)
	}
	if language == "" && spec != "" && spec != kernel.Name && spec != "gonb" {
		return fmt.Errorf("its kernelspec is %q: %w", spec, errLanguage)
	}
	return nil
}

// A CellError is a cell that stopped the notebook.
type CellError struct {
	Cell   int // from 1
	Count  int // the number that the kernel gave it, as in [5]; 0 for none
	Source string
	Output string // its output so far, as text
	Name   string
	Value  string
	Cause  error // nil if the cell itself failed
}

// Error is one line; Report says all.
func (e *CellError) Error() string { return fmt.Sprintf("cell %d: %s", e.Cell, e.what()) }

func (e *CellError) what() string {
	if e.Cause != nil {
		return e.Cause.Error()
	}
	value, _, _ := strings.Cut(uncoloured(e.Value), "\n")
	if strings.HasPrefix(value, "failed to run") && strings.Contains(value, "go build") { // GoNB's words
		value = "it does not compile"
	}
	if strings.HasPrefix(value, "exit status") {
		for line := range strings.Lines(e.Output) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "assay: ") || strings.HasPrefix(line, "panic: ") {
				value = line
				break
			}
		}
	}
	return "failed: " + value
}

// Unwrap returns the cause.
func (e *CellError) Unwrap() error { return e.Cause }

// Report is the cell's source with line numbers, and its output so far.
func (e *CellError) Report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cell %d", e.Cell)
	if e.Count > 0 {
		fmt.Fprintf(&b, ", the kernel's [%d]", e.Count)
	}
	b.WriteString(":\n")
	n := 0
	for line := range strings.Lines(e.Source) {
		n++
		fmt.Fprintf(&b, "%4d  %s\n", n, strings.TrimRight(line, "\r\n"))
	}
	if e.Output != "" {
		b.WriteString("its output so far:\n")
		for line := range strings.Lines(e.Output) {
			fmt.Fprintf(&b, "      %s\n", strings.TrimRight(line, "\r\n"))
		}
	}
	return b.String()
}

// firstLine returns the first line of a cell that says something: not "%%".
func firstLine(source string) string {
	for line := range strings.Lines(source) {
		if line = strings.TrimSpace(line); line != "" && line != "%%" {
			return line
		}
	}
	return strings.TrimSpace(source)
}
