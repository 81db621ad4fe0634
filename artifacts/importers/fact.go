package importers

import (
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A FactError is a fact that cannot be given of these files.
type FactError struct {
	Fact assay.Fact
	Says string // "want a whole number above 0"
}

// Error implements error.
func (e *FactError) Error() string {
	return fmt.Sprintf("fact %s=%.100s: %s", e.Fact.Name, e.Fact.Value, e.Says)
}

// factColumn makes a fact the column of a trace of so many rows. A fact with
// the name of a role that no file may say has that role; the others are
// factors. The error is a FactError.
func factColumn(f assay.Fact, rows int) (*trace.Values, error) {
	c := trace.Column{Name: f.Name, Kind: trace.String, Role: assay.RoleFactor, Basis: assay.Given,
		Meaning: "given by whoever imported: no file says it"}
	switch role := assay.Role(f.Name); role {
	case assay.RoleSystem, assay.RoleWorkload, assay.RoleScope, assay.RoleMode, assay.RoleCache, assay.RoleReplicate:
		c.Role = role
	case assay.RoleLoad:
		n, err := integer(f.Value)
		if err != nil || n < 1 {
			return nil, &FactError{f, "want the requests in flight at once, a whole number above 0"}
		}
		c.Kind, c.Role, c.Meaning = trace.Int, role, "requests in flight at once"
		return &trace.Values{Column: c, Ints: slices.Repeat([]int64{n}, rows)}, nil
	case assay.RoleRate:
		x, err := number(f.Value)
		if err != nil || x <= 0 {
			return nil, &FactError{f, "want the requests a second that were offered, a number above 0"}
		}
		c.Kind, c.Role, c.Unit, c.Meaning = trace.Float, role, "1/s", "requests a second that were offered, open loop"
		return &trace.Values{Column: c, Floats: slices.Repeat([]float64{x}, rows)}, nil
	}
	return &trace.Values{Column: c, Strings: slices.Repeat([]string{f.Value}, rows)}, nil
}
