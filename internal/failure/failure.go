// Package failure names the kinds of errors that a caller branches on; the CLI
// has an exit status for each. It knows nothing of what failed.
package failure

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrIncomplete reports a run that has not an outcome for everything planned.
	ErrIncomplete = errors.New("incomplete")
	// ErrMismatch reports a replay whose bytes are not the archived ones.
	ErrMismatch = errors.New("replay differs from the archive")
	// ErrUsage reports a request that cannot be carried out as written.
	ErrUsage = errors.New("usage")
)

// Usagef returns an error that matches ErrUsage and reads as the message alone.
func Usagef(format string, args ...any) error {
	return Classed(ErrUsage, fmt.Errorf(format, args...))
}

// Classed returns an error that reads as err and matches class as well.
func Classed(class, err error) error { return &classed{err, class} }

type classed struct{ err, class error }

func (e *classed) Error() string        { return e.err.Error() }
func (e *classed) Unwrap() error        { return e.err }
func (e *classed) Is(target error) bool { return target == e.class }

// Listed writes the names that would have been right, for a message: "none", or
// all of them.
func Listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
