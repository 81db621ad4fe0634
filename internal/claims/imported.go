package claims

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// treatment are the roles of the columns that say under which conditions a row
// was measured: rows of one treatment are equal in all of them.
var treatment = []assay.Role{assay.RoleSystem, assay.RoleWorkload, assay.RoleFactor, assay.RoleLoad, assay.RoleRate,
	assay.RoleScope, assay.RoleMode, assay.RoleCache}

// particulars are the roles of the other columns that are read.
var particulars = []assay.Role{assay.RoleWarmup, assay.RoleReplicate, assay.RoleBlock, assay.RoleOutcome, assay.RoleStatus}

// A table is a trace of an import with the columns that a check reads.
type table struct {
	trace   assay.ImportTrace
	metric  trace.Values
	columns map[string]trace.Values // by name: those of conditions, pairs and treatment
	pair    []string                // names of the columns to pair by
	warmup  *trace.Values           // nil: there is no such column
	good    []*trace.Values         // outcome and status: those that there are
	repeat  *trace.Values           // the replicate, or else the block; nil likewise
	series  string                  // the column that says that rows are one after another in a test; "" likewise
}

// estimateImport estimates by a trace of an import what check is about.
func estimateImport(check assay.Check, ev Evidence) (found, error) {
	t, err := openTable(check, ev)
	if err != nil {
		return found{}, err
	}
	of, err := t.side(check.Of)
	if err != nil {
		return found{}, err
	}
	var over *rowset
	if check.Over != nil {
		if over, err = t.side(*check.Over); err != nil {
			return found{}, err
		}
	}
	var f found
	if len(check.Pair) > 0 {
		f, err = t.paired(check, of, over)
	} else {
		f, err = t.whole(check, of, over)
	}
	f.trace = t.trace.Trace
	return f, err
}

// conditions are what a selection of an import's rows demands, by column or role.
func conditions(sel assay.Selection) map[string]assay.OneOf {
	all := maps.Clone(sel.Where)
	if all == nil {
		all = map[string]assay.OneOf{}
	}
	for k, v := range sel.Params {
		all[k] = assay.OneOf{v}
	}
	if sel.Workload != "" {
		all[string(assay.RoleWorkload)] = assay.OneOf{sel.Workload}
	}
	if sel.Runtime != "" {
		all[string(assay.RoleSystem)] = assay.OneOf{sel.Runtime}
	}
	return all
}

// columnOf finds a column by its name, or else the only one of that role.
func columnOf(t assay.ImportTrace, name string) (assay.ImportColumn, bool) {
	var of []assay.ImportColumn
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
		if c.Role == assay.Role(name) {
			of = append(of, c)
		}
	}
	if len(of) != 1 {
		return assay.ImportColumn{}, false
	}
	return of[0], true
}

// openTable opens the trace that has what a check reads.
func openTable(check assay.Check, ev Evidence) (*table, error) {
	if phase := cmp.Or(check.Phase, check.Of.Phase); phase != "" {
		return nil, absent("the check is of phase %s, which a run has and an import has not", phase)
	}
	asked := append([]string{check.Metric}, check.Pair...)
	asked = slices.AppendSeq(asked, maps.Keys(conditions(check.Of)))
	if check.Over != nil {
		asked = slices.AppendSeq(asked, maps.Keys(conditions(*check.Over)))
	}
	slices.Sort(asked)
	asked = slices.Compact(asked)
	var fit []assay.ImportTrace
	var lack []string
	for _, t := range ev.Import.Traces {
		if check.Trace != "" && check.Trace != t.Name {
			continue
		}
		missing := slices.DeleteFunc(slices.Clone(asked), func(name string) bool { _, ok := columnOf(t, name); return ok })
		if len(missing) == 0 {
			fit = append(fit, t)
			continue
		}
		lack = append(lack, fmt.Sprintf("%s has no %s", t.Name, strings.Join(missing, ", ")))
	}
	switch {
	case len(fit) == 0 && len(lack) == 0:
		return nil, absent("the import has no trace %q", check.Trace)
	case len(fit) == 0:
		return nil, absent("no trace of the import has what the check reads: %s", strings.Join(lack, "; "))
	case len(fit) > 1:
		return nil, unable("the traces %s and %s both have what the check reads: name one in trace", fit[0].Name, fit[1].Name)
	}
	return readTable(fit[0], check, asked, ev)
}

func readTable(of assay.ImportTrace, check assay.Check, asked []string, ev Evidence) (*table, error) {
	t := &table{trace: of, columns: map[string]trace.Values{}}
	metric, _ := columnOf(of, check.Metric)
	if metric.Kind != string(trace.Int) && metric.Kind != string(trace.Float) {
		return nil, unable("%s of trace %s is no number", metric.Name, of.Name)
	}
	names := []string{metric.Name}
	for _, name := range asked {
		c, _ := columnOf(of, name)
		names = append(names, c.Name)
	}
	for _, c := range of.Columns {
		if slices.Contains(treatment, c.Role) || slices.Contains(particulars, c.Role) {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names[1:])
	names = append(names[:1], slices.Compact(names[1:])...)
	opened, err := ev.Open(of)
	if err != nil {
		return nil, err
	}
	values, err := opened.Project(names)
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", of.Name, err)
	}
	t.metric = values[0]
	for _, v := range values[1:] {
		t.columns[v.Name] = v
	}
	for _, c := range of.Columns {
		v := t.columns[c.Name]
		switch c.Role {
		case assay.RoleWarmup:
			if v.Kind == trace.Bool {
				t.warmup = &v
			}
		case assay.RoleReplicate:
			t.repeat = &v
		case assay.RoleBlock:
			if t.repeat == nil || t.repeat.Role != assay.RoleReplicate {
				t.repeat = &v
			}
		case assay.RoleOutcome, assay.RoleStatus:
			t.good = append(t.good, &v)
		case assay.RoleIteration, assay.RoleTime, assay.RoleStart:
			t.series = c.Name
		}
	}
	for _, name := range check.Pair {
		c, _ := columnOf(of, name)
		t.pair = append(t.pair, c.Name)
	}
	return t, nil
}

// A rowset is the rows that a selection selects.
type rowset struct {
	spoken string
	wanted map[string]assay.OneOf // by column or role
	fixed  map[string]bool        // names of the columns that it has conditions for
	rows   []int                  // good ones with a value, warm-up left out
	empty  int                    // good rows without a value
	failed map[string]int         // rows that did not end well, by how: "timeout", "status 502"
}

// side finds the rows of a selection.
func (t *table) side(sel assay.Selection) (*rowset, error) {
	wanted := conditions(sel)
	s := &rowset{spoken: where(wanted), wanted: wanted, fixed: map[string]bool{}, failed: map[string]int{}}
	if s.spoken == "" {
		s.spoken = "all rows"
	}
	columns := map[string]trace.Values{}
	for key := range wanted {
		c, _ := columnOf(t.trace, key)
		columns[key], s.fixed[c.Name] = t.columns[c.Name], true
	}
	for row := range t.metric.Len() {
		if t.warmup != nil && t.warmup.Bools[row] {
			continue
		}
		if !matches(wanted, columns, row) {
			continue
		}
		switch why := t.failure(row); {
		case why != "":
			s.failed[why]++
		case t.metric.IsNull(row):
			s.empty++
		default:
			s.rows = append(s.rows, row)
		}
	}
	switch {
	case len(s.rows) > 0:
		return s, nil
	case len(s.failed) > 0:
		return s, unable("%s of trace %s has no good rows: %s", s.spoken, t.trace.Name, counts(s.failed))
	case s.empty > 0:
		return s, unable("%s of trace %s has no values", s.spoken, t.trace.Name)
	}
	return s, absent("no row of trace %s has %s", t.trace.Name, s.spoken)
}

// failure says how a row ended that did not end well: its outcome, or without
// one its status, which is not 200 to 299; "" for one that did, or that does not
// say.
func (t *table) failure(row int) string {
	status := ""
	for _, v := range t.good {
		switch text := v.Text(row); {
		case text == "":
		case v.Role == assay.RoleOutcome && text == string(assay.OK):
			return ""
		case v.Role == assay.RoleOutcome:
			return text
		case len(text) != 3 || text[0] != '2':
			status = v.Name + " " + text
		}
	}
	return status
}

func matches(wanted map[string]assay.OneOf, columns map[string]trace.Values, row int) bool {
	for key, values := range wanted {
		v := columns[key]
		if !slices.Contains(values, v.Text(row)) {
			return false
		}
	}
	return true
}

// value is the metric of a row.
func (t *table) value(row int) float64 {
	if t.metric.Kind == trace.Int {
		return float64(t.metric.Ints[row])
	}
	return t.metric.Floats[row]
}

// medians returns the values of rows; where they are of replicates, the median
// of each.
func (t *table) medians(rows []int) []float64 {
	values := make([]float64, len(rows))
	group := make([]int64, len(rows))
	numbers := map[string]int64{}
	for i, row := range rows {
		values[i] = t.value(row)
		if t.repeat == nil {
			continue
		}
		name := t.repeat.Text(row)
		if _, ok := numbers[name]; !ok {
			numbers[name] = int64(len(numbers))
		}
		group[i] = numbers[name]
	}
	if t.repeat == nil {
		return values
	}
	return stats.GroupMedians(values, group)
}

// conditionsOf returns the value of each column of the treatment, or says which
// of them has several in the rows.
func (t *table) conditionsOf(rows []int) (map[string]string, error) {
	is := map[string]string{}
	for _, c := range t.trace.Columns {
		if !slices.Contains(treatment, c.Role) {
			continue
		}
		v := t.columns[c.Name]
		var there []string
		for _, row := range rows {
			if s := v.Text(row); !slices.Contains(there, s) {
				there = append(there, s)
			}
			if len(there) > maxLeftOut {
				break
			}
		}
		if len(there) > 1 {
			return nil, unable("several treatments, which differ in %s (%s): fix it, or pair by it", c.Name, strings.Join(there, ", "))
		}
		is[c.Name] = there[0]
	}
	return is, nil
}

// alike refuses to divide rows by rows that differ in more than what the
// selections say, or that span another thing.
func (t *table) alike(a, b map[string]string, of, over *rowset) error {
	for _, c := range t.trace.Columns {
		x, y := a[c.Name], b[c.Name]
		if !slices.Contains(treatment, c.Role) || x == y {
			continue
		}
		if c.Role == assay.RoleScope {
			return unable("%s over %s: what these times span is not the same, and their ratio would say nothing", orNothing(x), orNothing(y))
		}
		if c.Role != assay.RoleMode && !of.fixed[c.Name] && !over.fixed[c.Name] && x != "" && y != "" {
			return unable("what is compared differs in %s, too (%s and %s): fix it, or pair by it", c.Name, x, y)
		}
	}
	return nil
}

func orNothing(scope string) string {
	if scope == "" {
		return "a scope that is not said"
	}
	return scope
}

// whole estimates a median, or the ratio of two.
func (t *table) whole(check assay.Check, of, over *rowset) (found, error) {
	a, err := t.conditionsOf(of.rows)
	if err != nil {
		return found{}, unable("%s: %v", of.spoken, err)
	}
	if err := t.independent(of); err != nil {
		return found{}, err
	}
	x := t.medians(of.rows)
	about := "median " + t.metric.Name + " of " + of.spoken + t.account(of, len(x))
	if over == nil {
		scale, err := scale(t.metric.Name, t.metric.Unit, check.Unit)
		if err != nil {
			return found{}, err
		}
		e := median(x, check.Unit)
		if e.Low == nil {
			return found{}, unable("%s: %d %s are too few for a 95%% interval: it takes 6", of.spoken, e.N, t.unitOfN())
		}
		low, high := *e.Low/scale, *e.High/scale
		e.Value, e.Low, e.High = e.Value/scale, &low, &high
		return found{estimate: e, about: about, counted: t.unitOfN()}, nil
	}
	b, err := t.conditionsOf(over.rows)
	if err != nil {
		return found{}, unable("%s: %v", over.spoken, err)
	}
	if err := t.alike(a, b, of, over); err != nil {
		return found{}, err
	}
	if err := t.independent(over); err != nil {
		return found{}, err
	}
	y := t.medians(over.rows)
	e, ok := ratio(x, y)
	if !ok {
		return found{}, unable("%s over %s: %d and %d %s give no 95%% interval of the ratio: it takes 5 of each, and values above 0", of.spoken, over.spoken, len(x), len(y), t.unitOfN())
	}
	f := found{estimate: e, about: about + " over that of " + over.spoken + t.account(over, len(y)), counted: t.unitOfN()}
	if t.isTime() && t.scopeOf(a) == "" {
		f.limits = append(f.limits, noScope)
	}
	return f, nil
}

// noScope is what there is to know of a ratio of times that span nobody says what.
const noScope = "no file says what the times span, so the two sides may span different things"

func (t *table) isTime() bool { return dimension(t.metric.Unit) == "time" }

// scopeOf returns the scope among the conditions of rows; "" for none.
func (t *table) scopeOf(conditions map[string]string) string {
	for _, c := range t.trace.Columns {
		if c.Role == assay.RoleScope && conditions[c.Name] != "" {
			return conditions[c.Name]
		}
	}
	return ""
}

// independent refuses rows that are no independent values: those of one test,
// one after another, and several means of one replicate, of which nobody can
// tell whether they are of one thing.
func (t *table) independent(s *rowset) error {
	if t.repeat == nil {
		if t.series != "" && len(s.rows) > 1 {
			return unable("%s: %d rows of one test, by column %s: they are not independent, and n is 1; import repetitions of the test, or say which they are in a column of role replicate or as a fact",
				s.spoken, len(s.rows), t.series)
		}
		return nil
	}
	if t.metric.Role != assay.RoleMean {
		return nil
	}
	means := map[string]int{}
	for _, row := range s.rows {
		name := t.repeat.Text(row)
		if means[name]++; means[name] > 1 {
			return unable("%s: several means of %s %s, which cannot be put together: select by what tells them apart", s.spoken, t.repeat.Name, name)
		}
	}
	return nil
}

// unitOfN is what n counts.
func (t *table) unitOfN() string {
	switch {
	case t.repeat != nil:
		return string(t.repeat.Role) + "s"
	case t.metric.Role == assay.RoleMean:
		return "means"
	}
	return "rows"
}

func (t *table) account(s *rowset, n int) string {
	text := fmt.Sprintf(" (%d %s", n, t.unitOfN())
	if left := s.left(); left != "" {
		text += "; left out: " + left
	}
	return text + ")"
}

// left says what of the rows is no sample; "" for nothing.
func (s *rowset) left() string {
	left := counts(s.failed)
	if s.empty > 0 {
		left += fmt.Sprintf(", %d without a value", s.empty)
	}
	return strings.TrimPrefix(left, ", ")
}

// paired estimates the geometric mean of the ratios of pairs, or of what each of
// them has.
func (t *table) paired(check assay.Check, of, over *rowset) (found, error) {
	unit, factor := check.Unit, 1.0
	if over == nil {
		s, err := scale(t.metric.Name, t.metric.Unit, check.Unit)
		if err != nil {
			return found{}, err
		}
		factor = s
	}
	groups, keys := t.groups(of)
	var divisors map[string][]int
	if over != nil {
		divisors, _ = t.groups(over)
	}
	var out []leftPair
	scopes := map[string]int{}
	all := pairs{by: t.pair}
	alone := 0
	for _, key := range keys {
		v, scope, err := t.pairOf(groups[key], divisors[key], of, over)
		if err == errAlone {
			alone++
			continue
		}
		if err != nil {
			out = append(out, leftPair{key, err.Error()})
			continue
		}
		scopes[scope]++
		var names []string
		for _, name := range t.pair {
			column := t.columns[name]
			names = append(names, column.Text(groups[key][0]))
		}
		all.add(v/factor, names)
	}
	about := phrase(of, over)
	n := len(all.values)
	if n == 0 && len(out) > 0 {
		return found{}, unable("%s: %s", about, leftOut(out))
	}
	if n == 0 {
		return found{}, unable("%s: no value of %s is there on both sides", about, strings.Join(t.pair, ", "))
	}
	if named := slices.DeleteFunc(slices.Sorted(maps.Keys(scopes)), func(s string) bool { return s == "" }); len(named) > 1 {
		return found{}, unable("%s: the pairs are of several scopes, %s: select one", about, strings.Join(named, " and "))
	}
	e, counted, ok := all.estimate(unit)
	if !ok {
		return found{}, unable("%s: %s", about, all.few(out))
	}
	f := found{estimate: e, about: t.metric.Name + " of " + about + ", " + all.String(), counted: counted}
	if t.metric.Role == assay.RoleMean {
		f.limits = append(f.limits, "the samples behind the means are gone")
	}
	switch none := scopes[""]; {
	case none == n && over != nil && t.isTime():
		f.limits = append(f.limits, noScope)
	case none > 0 && none < n:
		f.limits = append(f.limits, fmt.Sprintf("no file says the scope of %d pairs", none))
	}
	for _, side := range []*rowset{of, over} {
		if side != nil && len(side.failed) > 0 {
			f.limits = append(f.limits, "left out of "+side.spoken+": "+counts(side.failed))
		}
	}
	if alone > 0 {
		f.limits = append(f.limits, fmt.Sprintf("%d more have one side only", alone))
	}
	if len(out) > 0 {
		f.limits = append(f.limits, leftOut(out))
	}
	return f, nil
}

// phrase says in words what is divided by what: what both sides demand stands
// behind.
func phrase(of, over *rowset) string {
	if over == nil {
		return words(of.wanted)
	}
	a, b, both := map[string]assay.OneOf{}, maps.Clone(over.wanted), map[string]assay.OneOf{}
	for k, v := range of.wanted {
		if slices.Equal(v, b[k]) {
			both[k] = v
			delete(b, k)
		} else {
			a[k] = v
		}
	}
	text := words(a) + " over " + words(b)
	if len(both) > 0 {
		text += " (" + words(both) + ")"
	}
	return text
}

// words are the values that columns have to have; a few of system, workload and
// scope need no name.
func words(wanted map[string]assay.OneOf) string {
	var parts []string
	for _, k := range append([]string{"system"}, slices.Sorted(maps.Keys(wanted))...) {
		if len(wanted[k]) == 0 || k == "system" && len(parts) > 0 {
			continue
		}
		text := oneOf(k, wanted[k])
		if k != "system" && k != "workload" && k != "scope" || len(wanted[k]) > maxLeftOut {
			text = k + " " + text
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "all rows"
	}
	return strings.Join(parts, ", ")
}

// groups are the rows of a side by what they are paired by, and the names of the
// groups in order of appearance.
func (t *table) groups(s *rowset) (groups map[string][]int, keys []string) {
	groups = map[string][]int{}
	for _, row := range s.rows {
		var parts []string
		for _, name := range t.pair {
			v := t.columns[name]
			if text := v.Text(row); text != "" {
				parts = append(parts, text)
			}
		}
		key := strings.Join(parts, " ∙ ")
		if _, ok := groups[key]; !ok {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], row)
	}
	return groups, keys
}

// errAlone is that a pair has no other half.
var errAlone = unable("there is no other half")

// pairOf returns what a pair gives, and its scope.
func (t *table) pairOf(of, over []int, a, b *rowset) (v float64, scope string, err error) {
	is, err := t.conditionsOf(of)
	if err != nil {
		return 0, "", err
	}
	scope = t.scopeOf(is)
	x := stats.Median(t.medians(of))
	if t.metric.Role == assay.RoleMean && len(of) > 1 {
		return 0, "", unable("%d means, which cannot be put together: pair by what tells them apart", len(of))
	}
	if b == nil {
		if x <= 0 {
			return 0, "", unable("a value of 0 has no geometric mean: it is below what the clock tells")
		}
		return x, scope, nil
	}
	if len(over) == 0 {
		return 0, "", errAlone
	}
	others, err := t.conditionsOf(over)
	if err != nil {
		return 0, "", err
	}
	if t.metric.Role == assay.RoleMean && len(over) > 1 {
		return 0, "", unable("%d means, which cannot be put together: pair by what tells them apart", len(over))
	}
	if err := t.alike(is, others, a, b); err != nil {
		return 0, "", err
	}
	y := stats.Median(t.medians(over))
	if x <= 0 || y <= 0 {
		return 0, "", unable("a value of 0 has no ratio: it is below what the clock tells")
	}
	return x / y, scope, nil
}
