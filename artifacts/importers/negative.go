package importers

import (
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// Roles and units that together are of a time that something took.
var (
	timeRoles = []assay.Role{assay.RoleDuration, assay.RoleInterval, assay.RoleLatency, assay.RoleSample, assay.RoleMean, assay.RoleSpread}
	timeUnits = []string{"ns", "us", "µs", "ms", "s", "min", "h", "cycles"}
)

// negative says that a column cannot have the value, which is a time below 0;
// nil if it can.
func negative(c trace.Column, x float64) error {
	if x < 0 && slices.Contains(timeUnits, c.Unit) && (slices.Contains(timeRoles, c.Role) || c.Unit == "cycles") {
		return fmt.Errorf("%g %s: nothing takes less than no time", x, c.Unit)
	}
	return nil
}
