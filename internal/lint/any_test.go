package lint

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// anyTrace makes a trace of columns of any role, kind, unit and value.
func anyTrace(random *rand.Rand, name string) Trace {
	roles := []assay.Role{assay.RoleSystem, assay.RoleWorkload, assay.RoleFactor, assay.RoleFactor, assay.RoleLoad, assay.RoleReplicate, assay.RoleIteration,
		assay.RoleBlock, assay.RoleWarmup, assay.RoleRequests, assay.RoleFailed, assay.RoleDuration, assay.RoleThroughput, assay.RoleLatency, assay.RoleInterval,
		assay.RoleTransfer, assay.RoleSize, assay.RoleStatus, assay.RoleSample, assay.RoleMean, assay.RoleCPU, assay.RoleOutcome, assay.RoleScope, assay.RoleMode,
		assay.RoleCache, assay.RoleSource, assay.RoleLine}
	kinds, unitNames := []trace.Kind{trace.Int, trace.Float, trace.String, trace.Bool}, []string{"", "s", "ms", "1/s", "bytes", "KiB/s", "cycles"}
	numbers := []float64{0, 1, 2, 1000, -1, 0.001, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}
	texts := []string{"", "a", "b", "1", "2", "ok", "process", "interpreter"}
	t := Trace{Name: name, Noise: 0.1}
	rows := random.IntN(60)
	for i, role := range roles {
		if random.IntN(3) == 0 {
			continue
		}
		v := &trace.Values{Column: trace.Column{Name: fmt.Sprint("c", i), Role: role, Kind: kinds[random.IntN(len(kinds))], Unit: unitNames[random.IntN(len(unitNames))]}}
		for range rows {
			switch v.Kind {
			case trace.Int:
				v.Ints = append(v.Ints, []int64{0, 1, 2, 3, -1, 1000, math.MaxInt64, math.MinInt64}[random.IntN(8)])
			case trace.Float:
				v.Floats = append(v.Floats, numbers[random.IntN(len(numbers))])
			case trace.String:
				v.Strings = append(v.Strings, texts[random.IntN(len(texts))])
			case trace.Bool:
				v.Bools = append(v.Bools, random.IntN(2) == 0)
			}
			if random.IntN(2) == 0 {
				v.Null = append(v.Null, random.IntN(5) == 0)
			}
		}
		if len(v.Null) != rows {
			v.Null = nil
		}
		t.Columns = append(t.Columns, v)
	}
	return t
}

// Whatever a trace holds, lint ends, counts no row twice and says what JSON can
// express.
func TestAnyTraceCanBeLooked(t *testing.T) {
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 6))
		found := look(t, Options{}, Subject{Name: "a", Traces: []Trace{anyTrace(random, "x"), anyTrace(random, "y")}}, Subject{Name: "b", Traces: []Trace{anyTrace(random, "")}})
		for _, f := range found {
			if f.Rows > f.Of {
				t.Fatalf("seed %d: %s in %d of %d rows", seed, f.Rule, f.Rows, f.Of)
			}
		}
		if _, err := json.Marshal(found); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
