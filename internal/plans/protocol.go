package plans

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
	"github.com/assay-notebooks/assay/runners"
)

// MaxRows bounds the samples of an experiment, for they are all in memory when
// it is archived; maxRowText the parameters in each.
const (
	MaxRows    = 1_000_000
	maxRowText = 256
)

// coldRows is how many rows an invocation of the cold protocol has: the process
// and its first byte.
const coldRows = 2

// phaseRows is how many rows an invocation of the phases protocol has beside
// those of its later calls, at most; of those each has two, with its region.
const phaseRows = 16

// maxPadding bounds how much longer an environment becomes: a stack moves with
// less than a page, and the system takes no variable of more than 32 pages.
const maxPadding = 64 << 10

// A Shape is what a protocol asks of every plan, whichever protocol it is.
type Shape struct {
	Name             string // as in an experiment file
	Blocks, Warmup   int    // with warm-up; of which so many are it
	Calls, WarmCalls int    // likewise, of each invocation
	Changepoint      bool   // more of its calls may be warm-up
	Shim             bool   // its commands are shims
	Ask              runners.Ask
}

// Shapes returns those of the protocols that p has: one, if it is right.
func Shapes(p assay.Protocol) []Shape {
	var all []Shape
	if c := p.Cold; c != nil {
		all = append(all, Shape{Name: assay.ProtocolCold, Blocks: c.Warmup + c.Invocations, Warmup: c.Warmup})
	}
	if s := p.Steady; s != nil {
		all = append(all, Shape{Name: assay.ProtocolSteady, Blocks: s.Invocations, Calls: s.Warmup + s.Calls, WarmCalls: s.Warmup, Changepoint: s.Changepoint})
	}
	if s := p.Phases; s != nil {
		calls := s.Warmup + s.Calls
		all = append(all, Shape{Name: assay.ProtocolPhases, Blocks: s.Invocations, Calls: calls, WarmCalls: s.Warmup, Changepoint: s.Changepoint, Shim: true, Ask: runners.Ask{Calls: calls}})
	}
	if m := p.Memory; m != nil {
		all = append(all, Shape{Name: assay.ProtocolMemory, Blocks: m.Invocations})
	}
	if c := p.Count; c != nil {
		all = append(all, Shape{Name: assay.ProtocolCount, Blocks: c.Invocations, Shim: true, Ask: runners.Ask{Count: true}})
	}
	return all
}

// ShapeOf returns the shape of a protocol that CheckProtocol has let through.
func ShapeOf(p assay.Protocol) Shape { return Shapes(p)[0] }

// CheckProtocol says everything that is wrong with a protocol for a matrix of so
// many trials.
func CheckProtocol(p assay.Protocol, matrix int, params []assay.Param) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var names []string
	for _, s := range Shapes(p) {
		names = append(names, s.Name)
	}
	switch len(names) {
	case 0:
		bad("protocol is missing: write protocol: {cold: {invocations: 30}}, {steady: {invocations: 10, calls: 50, warmup: 5}}, " +
			"{phases: {invocations: 30, calls: 20}}, {memory: {invocations: 10}} or {count: {invocations: 6}}")
	case 1:
	default:
		bad("protocol has %s: ask each in an experiment of its own, for their samples are of different things", strings.Join(names, " and "))
	}
	one := func(name string, invocations int) {
		switch {
		case invocations < 1:
			bad("protocol.%s: invocations must be at least 1", name)
		case invocations > MaxRows/max(matrix, 1):
			bad("protocol.%s: %d invocations of %d trials are more than %d samples", name, invocations, matrix, MaxRows)
		}
	}
	if c := p.Cold; c != nil {
		switch {
		case c.Invocations < 1 || c.Warmup < 0:
			bad("protocol.cold: invocations must be at least 1 and warmup at least 0")
		case c.Invocations > MaxRows || c.Warmup > MaxRows || c.Invocations+c.Warmup > MaxRows/coldRows/max(matrix, 1):
			bad("protocol.cold: %d and %d invocations of %d trials are more than %d samples, of which each has %d", c.Invocations, c.Warmup, matrix, MaxRows, coldRows)
		}
	}
	if s := p.Steady; s != nil {
		if err := checkSteady(*s, matrix, params); err != nil {
			bad("protocol.steady: %v", err)
		}
	}
	if s := p.Phases; s != nil {
		if err := checkPhases(*s, matrix, params); err != nil {
			bad("protocol.phases: %v", err)
		}
	}
	if m := p.Memory; m != nil {
		one(assay.ProtocolMemory, m.Invocations)
	}
	if c := p.Count; c != nil {
		one(assay.ProtocolCount, c.Invocations)
	}
	if p.CPUs != "" {
		if _, err := assay.ParseCPUs(p.CPUs); err != nil {
			bad("protocol.cpus: %v", err)
		}
	}
	if p.Padding < 0 || p.Padding > maxPadding {
		bad("protocol.padding: %d bytes: want 0 to %d", p.Padding, maxPadding)
	}
	return wrong
}

// checkSteady says what is wrong with a steady protocol for a matrix of so many
// trials.
func checkSteady(s assay.Steady, matrix int, params []assay.Param) error {
	if s.Invocations < 1 || s.Calls < 1 || s.Warmup < 0 {
		return errors.New("invocations and calls must be at least 1 and warmup at least 0")
	}
	if err := checkChangepoint(s.Changepoint, s.Calls); err != nil {
		return err
	}
	return checkCalls(s.Invocations, s.Calls, s.Warmup, 1, 1, matrix, params)
}

// checkPhases says what is wrong with a phases protocol for a matrix of so many
// trials.
func checkPhases(s assay.Phases, matrix int, params []assay.Param) error {
	switch {
	case s.Invocations < 1 || s.Calls < 0 || s.Warmup < 0:
		return errors.New("invocations must be at least 1, calls and warmup at least 0")
	case s.Warmup > 0 && s.Calls == 0:
		return errors.New("warmup is of calls, and there are none: give calls, or leave warmup out")
	}
	if err := checkChangepoint(s.Changepoint, s.Calls); err != nil {
		return err
	}
	return checkCalls(s.Invocations, s.Calls, s.Warmup, 2, phaseRows, matrix, params)
}

// checkChangepoint says what is wrong with looking for warm-up in so many calls,
// if that is asked for.
func checkChangepoint(asked bool, calls int) error {
	if asked && calls < stats.ShortestCourse {
		return fmt.Errorf("changepoint: %d calls are too few to look for warm-up in: make %d or more", calls, stats.ShortestCourse)
	}
	return nil
}

// checkCalls says what is wrong with invocations of so many calls, each of so
// many rows, and other rows.
func checkCalls(invocations, calls, warmup, rows, others, matrix int, params []assay.Param) error {
	text := 0
	for _, p := range params {
		longest := 0
		for _, v := range p.Values {
			longest = max(longest, jsonLen(v))
		}
		text += jsonLen(p.Name) + longest + len(":,")
	}
	switch {
	case calls > assay.MaxCalls || warmup > assay.MaxCalls || calls+warmup > assay.MaxCalls:
		return fmt.Errorf("%d and %d calls are more than %d an invocation: take more invocations, which tell more", calls, warmup, assay.MaxCalls)
	case invocations > MaxRows/(rows*(calls+warmup)+others)/max(matrix, 1):
		return fmt.Errorf("%d invocations of %d calls of %d trials are more than %d samples", invocations, calls+warmup, matrix, MaxRows)
	case text > maxRowText:
		return fmt.Errorf("names and values of parameters take up to %d bytes in every sample: want at most %d", text, maxRowText)
	}
	return nil
}

// jsonLen returns how many bytes s takes in a frame of the journal.
func jsonLen(s string) int {
	b, _ := json.Marshal(s) // a string never fails
	return len(b)
}
