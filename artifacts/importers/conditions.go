package importers

import (
	"path"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// Conditions are what the path of a file says about the runs in it.
type conditions struct {
	folder   string // set where otherwise two campaigns would look like one
	system   string // "" if the path does not say
	workload string
	factors  []assay.Fact // KEY_VALUE, in the order of the path
}

// key is the same for equal conditions, in whatever order the factors stand.
func (c conditions) key() string {
	parts := []string{c.folder, c.system, c.workload}
	factors := slices.Clone(c.factors)
	slices.SortFunc(factors, func(a, b assay.Fact) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range factors {
		parts = append(parts, f.Name, f.Value)
	}
	return strings.Join(parts, "\x00")
}

// reservedNames are columns that a trace has beside its factors.
var reservedNames = []string{"folder", "system", "workload", "concurrency", "replicate", "requests", "duration", "rps",
	"latency", "interval", "transfer", "outcome", "clock", "agrees", "start", "end", "time", "cpu", "source", "line"}

// conditionsOf reads a path: a word and a value that follow each other in a
// name, as in workers_16 or pause-true, are a factor. Folders are asked first;
// where none has one, the file's own name is. What stands before the factors
// is SYSTEM_WORKLOAD; workloads are the names that some file calls so.
func conditionsOf(name string, workloads []string) (c conditions) {
	parts := strings.Split(path.Dir(name), "/")
	if !slices.ContainsFunc(parts, func(p string) bool { return len(factorsIn(p)) > 0 }) {
		base := path.Base(name)
		parts = append(parts, strings.TrimSuffix(base, path.Ext(base)))
	}
	head := ""
	for i, part := range parts {
		found := factorsIn(part)
		if len(found) == 0 {
			continue
		}
		if len(c.factors) == 0 {
			if head = beforeFactors(part); head == "" && i > 0 {
				head = parts[i-1]
			}
		}
		for _, f := range found {
			if slices.Contains(reservedNames, f.Name) {
				f.Name = "path_" + f.Name
			}
			c.factors = slices.DeleteFunc(c.factors, func(g assay.Fact) bool { return g.Name == f.Name })
			c.factors = append(c.factors, f)
		}
	}
	c.system, c.workload = splitHead(head, workloads)
	return c
}

// splitHead splits SYSTEM_WORKLOAD: at a workload that is known, or else
// behind the first word.
func splitHead(head string, workloads []string) (system, workload string) {
	longest := ""
	for _, w := range workloads {
		if len(w) > len(longest) && (head == w || strings.HasSuffix(head, "_"+w)) {
			longest = w
		}
	}
	if longest != "" {
		return strings.TrimSuffix(strings.TrimSuffix(head, longest), "_"), longest
	}
	system, workload, ok := strings.Cut(head, "_")
	if !ok {
		return "", head
	}
	return system, workload
}

func wordsIn(part string) []string {
	return strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune("_-= ", r) })
}

// factorsIn returns the words of a name that a value follows, with the value.
func factorsIn(part string) (factors []assay.Fact) {
	words := wordsIn(part)
	for i := 0; i+1 < len(words); i++ {
		if isWord(words[i]) && isValue(words[i+1]) {
			factors = append(factors, assay.Fact{Name: strings.ToLower(words[i]), Value: words[i+1]})
			i++
		}
	}
	return factors
}

// beforeFactors returns what of a name stands before its first factor.
func beforeFactors(part string) string {
	words := wordsIn(part)
	for i := 0; i+1 < len(words); i++ {
		if isWord(words[i]) && isValue(words[i+1]) {
			return strings.Join(words[:i], "_")
		}
	}
	return ""
}

func isWord(s string) bool {
	return !isValue(s) && strings.IndexFunc(s, func(r rune) bool { return r < 'A' || r > 'z' || r > 'Z' && r < 'a' }) < 0
}

func isValue(s string) bool {
	if s == "true" || s == "false" || s == "on" || s == "off" {
		return true
	}
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// folders returns, for every path, the first folder in which the paths differ,
// "" where there is none.
func folders(paths []string) []string {
	common := strings.Split(path.Dir(paths[0]), "/")
	for _, p := range paths {
		parts := strings.Split(path.Dir(p), "/")
		n := 0
		for n < min(len(common), len(parts)) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	all := make([]string, len(paths))
	for i, p := range paths {
		if parts := strings.Split(path.Dir(p), "/"); len(parts) > len(common) && parts[len(common)] != "." {
			all[i] = parts[len(common)]
		}
	}
	return all
}

// A conditionsColumns gives a trace the columns of conditions.
type conditionsColumns struct {
	folder, system, workload *column[string]
	factors                  []func(c conditions, rows int)
}

// conditionsColumns adds columns for what any of the conditions says.
func (t *Trace) conditionsColumns(all []*conditions, evidence map[string]string) *conditionsColumns {
	var cc conditionsColumns
	text := func(name, meaning string, role assay.Role, of func(*conditions) string) *column[string] {
		if !slices.ContainsFunc(all, func(c *conditions) bool { return of(c) != "" }) {
			return nil
		}
		col := t.text(trace.Column{Name: name, Meaning: meaning, Role: role, Basis: assay.Inferred, Evidence: evidence[name]})
		return &col
	}
	cc.folder = text("folder", "folder of the campaign", assay.RoleFactor, func(c *conditions) string { return c.folder })
	cc.system = text("system", "what is compared", assay.RoleSystem, func(c *conditions) string { return c.system })
	cc.workload = text("workload", "what it ran", assay.RoleWorkload, func(c *conditions) string { return c.workload })
	for _, name := range factorNames(all) {
		cc.factors = append(cc.factors, t.factorColumn(name, all, evidence["factors"]))
	}
	return &cc
}

// set gives the last rows their conditions.
func (cc *conditionsColumns) set(c *conditions, rows int) {
	for _, s := range []struct {
		col   *column[string]
		value string
	}{{cc.folder, c.folder}, {cc.system, c.system}, {cc.workload, c.workload}} {
		if s.col != nil && s.value != "" {
			s.col.setBlock(slices.Repeat([]string{s.value}, rows), nil)
		}
	}
	for _, set := range cc.factors {
		set(*c, rows)
	}
}

// factorNames lists the factors in the order in which they occur; if there are
// more than maxNamed, only one more.
func factorNames(all []*conditions) (names []string) {
	seen := map[string]bool{}
	for _, c := range all {
		for _, f := range c.factors {
			if seen[f.Name] {
				continue
			}
			seen[f.Name] = true
			if names = append(names, f.Name); len(names) > maxNamed {
				return names
			}
		}
	}
	return names
}

// factor returns the value of a factor.
func (c conditions) factor(name string) (string, bool) {
	i := slices.IndexFunc(c.factors, func(f assay.Fact) bool { return f.Name == name })
	if i < 0 {
		return "", false
	}
	return c.factors[i].Value, true
}

// factorColumn adds a column for a factor, of the kind that all its values are.
func (t *Trace) factorColumn(name string, all []*conditions, evidence string) (set func(c conditions, rows int)) {
	ints, bools := true, true
	for _, c := range all {
		if value, ok := c.factor(name); ok {
			_, err := integer(value)
			ints, bools = ints && err == nil, bools && (value == "true" || value == "false")
		}
	}
	c := trace.Column{Name: name, Meaning: "condition, from the path", Role: assay.RoleFactor, Basis: assay.Inferred, Evidence: evidence}
	switch {
	case ints:
		col := t.int(c)
		return func(c conditions, rows int) {
			if value, ok := c.factor(name); ok {
				x, _ := integer(value) // as all values of it are
				col.setBlock(slices.Repeat([]int64{x}, rows), nil)
			}
		}
	case bools:
		col := t.truth(c)
		return func(c conditions, rows int) {
			if value, ok := c.factor(name); ok {
				col.setBlock(slices.Repeat([]bool{value == "true"}, rows), nil)
			}
		}
	}
	col := t.text(c)
	return func(c conditions, rows int) {
		if value, ok := c.factor(name); ok {
			col.setBlock(slices.Repeat([]string{value}, rows), nil)
		}
	}
}
