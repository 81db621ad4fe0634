package extract

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Rule names why code cannot be sealed; docs/seal.md explains each.
type Rule string

// The rules.
const (
	NotFound        Rule = "not-found"        // no function of that name
	FuncLiteral     Rule = "func-literal"     // a closure: what it captures has no digest
	MethodValue     Rule = "method-value"     // its receiver is captured
	Signature       Rule = "signature"        // not func(*figure.Figure, ...figure.Table) error
	MutableVariable Rule = "mutable-variable" // a package-level variable that something changes
	Initialiser     Rule = "initialiser"      // a package-level variable whose value takes running code
	Import          Rule = "import"           // a package that reaches beyond the tables
	Platform        Rule = "platform"         // a package or function that is not there on wasip1
	Cgo             Rule = "cgo"
	InitFunction    Rule = "init-function"
	BlankImport     Rule = "blank-import" // of a package outside the standard library
	DotImport       Rule = "dot-import"
	Embed           Rule = "embed"     // an embedded file
	Directive       Rule = "directive" // of the compiler or linker
	NoBody          Rule = "no-body"   // a function implemented elsewhere
	Ambiguous       Rule = "ambiguous" // one name that means two things in one file
	Compile         Rule = "compile"   // does not compile at all
)

// A Refusal is one reason why a function cannot be sealed.
type Refusal struct {
	Rule   Rule
	File   string // "" where no line is to blame
	Line   int
	Reason string
	Remedy string
}

// String returns "file:line: reason: remedy [rule]".
func (r Refusal) String() string {
	s := fmt.Sprintf("%s; %s [%s]", r.Reason, r.Remedy, r.Rule)
	if r.File != "" {
		s = fmt.Sprintf("%s:%d: %s", r.File, r.Line, s)
	}
	return s
}

// A RefusedError holds every reason why a function cannot be sealed, in the
// order of files and lines.
type RefusedError struct {
	Func     string
	Refusals []Refusal
}

func newRefusedError(name string, refusals []Refusal) *RefusedError {
	slices.SortFunc(refusals, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Reason, b.Reason))
	})
	return &RefusedError{name, slices.Compact(refusals)}
}

// Error returns one line a refusal.
func (e *RefusedError) Error() string {
	if len(e.Refusals) == 1 {
		return fmt.Sprintf("cannot seal %s: %v", e.Func, e.Refusals[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "cannot seal %s, for %d reasons:", e.Func, len(e.Refusals))
	for _, r := range e.Refusals {
		fmt.Fprintf(&b, "\n\t%v", r)
	}
	return b.String()
}
