package notebook

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
)

// volatile is metadata that says how a notebook was last looked at or
// executed, not what it is.
var (
	volatileCell = []string{"execution", "ExecuteTime", "papermill", "collapsed", "scrolled", "trusted", "outputId", "pycharm"}
	volatileBook = []string{"papermill", "widgets", "signature", "toc-autonumbering"}
)

// ErrNotStripped is the error of a notebook that holds what Strip takes out.
// It matches failure.ErrMismatch.
var ErrNotStripped error = failure.Classed(failure.ErrMismatch, errors.New(`it holds outputs: "assay notebook strip" takes them out`))

// Strip takes out of the notebook what executing it puts in: outputs, counts,
// injected parameters, and metadata of executions; it reports whether there
// was any. Doing it again changes nothing.
func Strip(nb *nbformat.Notebook) bool {
	before := nb.Bytes()
	removeInjected(nb)
	for _, key := range volatileBook {
		delete(nb.Metadata, key)
	}
	if info, ok := nb.Metadata["language_info"].(map[string]any); ok {
		delete(info, "version") // of the Go that executed it
	}
	for _, c := range nb.Cells {
		c.Outputs, c.ExecutionCount = nil, nil
		for _, key := range volatileCell {
			delete(c.Metadata, key)
		}
		if jupyter, ok := c.Metadata["jupyter"].(map[string]any); ok {
			delete(jupyter, "outputs_hidden")
			if len(jupyter) == 0 {
				delete(c.Metadata, "jupyter")
			}
		}
	}
	return !bytes.Equal(before, nb.Bytes())
}

// StripFile strips the notebook in a file, unless it is only to check it, and
// says what it found. Its error matches ErrNotStripped if a check found
// something to strip.
func StripFile(path string, check bool) (state string, err error) {
	nb, err := Read(path)
	if err != nil {
		return "", err
	}
	switch dirty := Strip(nb); {
	case !dirty:
		return "clean", nil
	case check:
		return "not stripped", fmt.Errorf("%s: %w", path, ErrNotStripped)
	}
	target, err := Target(path, "")
	if err != nil {
		return "", fmt.Errorf("notebook strip: %w", err)
	}
	return "stripped", Write(target, nb)
}
