package lint

import (
	"math"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay/artifacts/trace"
)

// halfStep is the most by which rounding has moved a value of a column, in its
// unit.
func halfStep(v *trace.Values, rows []int) float64 {
	return math.Pow(10, -float64(decimals(v, rows))) / 2
}

// decimals returns with how many decimals the values of a column are written.
func decimals(v *trace.Values, rows []int) int {
	if v.Kind != trace.Float {
		return 0
	}
	most := 0
	for _, row := range rows {
		if v.IsNull(row) {
			continue
		}
		s := strconv.FormatFloat(v.Floats[row], 'f', -1, 64)
		if i := strings.IndexByte(s, '.'); i >= 0 {
			most = max(most, len(s)-i-1)
		}
	}
	return most
}
