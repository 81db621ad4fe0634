package importers

import (
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// fileColumn is the factor that tells files apart where nothing in them does.
const fileColumn = "file"

// treatment are the roles of what tells conditions apart.
var treatment = []assay.Role{assay.RoleSystem, assay.RoleWorkload, assay.RoleFactor, assay.RoleLoad, assay.RoleRate,
	assay.RoleScope, assay.RoleMode, assay.RoleCache}

// tellFilesApart makes the file a factor if rows of several files are under
// equal conditions: they may be of two programs or two machines, and then are
// no repetitions of each other.
func (o *Output) tellFilesApart() {
	if !slices.ContainsFunc(o.Traces, (*Trace).mixed) {
		return
	}
	for _, t := range o.Traces {
		if len(t.paths()) > 1 {
			t.text(inferred(fileColumn, "", assay.RoleFactor, "file that the row is from",
				"equal conditions stand in several files, and nothing in them tells these apart")).v.Strings = slices.Clone(t.sources)
		}
	}
}

// mixed reports whether rows of several files are under equal conditions. It
// is no matter if these files are numbered and each has one repetition, all
// under different numbers: then they are repetitions.
func (t *Trace) mixed() bool {
	paths := t.paths()
	if t.calls || len(paths) < 2 {
		return false
	}
	var columns []*trace.Values
	var repetition *trace.Values
	for _, v := range t.Columns {
		pad(v, t.rows)
		switch {
		case slices.Contains(treatment, v.Role):
			columns = append(columns, v)
		case v.Role == assay.RoleReplicate:
			repetition = v
		}
	}
	if repetition == nil || !numbered(paths) {
		repetition = nil
	}
	type place struct {
		path, repetition string // of the last row
		several          bool   // files
		again            bool   // several repetitions in one file
	}
	seen := map[string]*place{}
	owners := map[string]string{} // paths of repetitions
	var key []byte
	for row := range t.rows {
		path := t.sources[row]
		key = key[:0]
		for _, v := range columns {
			key = append(append(key, v.Text(row)...), 0)
		}
		at := seen[string(key)]
		if at == nil {
			at = &place{path: path}
			seen[string(key)] = at
		}
		if repetition == nil {
			if at.path != path {
				return true
			}
			continue
		}
		if repetition.IsNull(row) {
			continue
		}
		number := repetition.Text(row)
		at.several = at.several || at.path != path
		at.again = at.again || at.path == path && at.repetition != "" && at.repetition != number
		at.path, at.repetition = path, number
		key = append(key, number...)
		if owner, ok := owners[string(key)]; ok && owner != path || at.several && at.again {
			return true
		}
		owners[string(key)] = path
	}
	return false
}

// paths lists the files that the rows are from, in their order.
func (t *Trace) paths() []string { return slices.Compact(slices.Clone(t.sources)) }

// numbered reports whether paths differ in a number only, which counts on from
// 0 or 1: "run0.txt", "run1.txt".
func numbered(paths []string) bool {
	first := paths[0]
	prefix, suffix := len(first), len(first)
	for _, p := range paths[1:] {
		n := 0
		for n < min(prefix, len(p)) && p[n] == first[n] {
			n++
		}
		prefix = n
		n = 0
		for n < min(suffix, len(p)) && p[len(p)-1-n] == first[len(first)-1-n] {
			n++
		}
		suffix = n
	}
	digit := func(at int) bool { return first[at] >= '0' && first[at] <= '9' }
	for prefix > 0 && digit(prefix-1) {
		prefix--
	}
	for suffix > 0 && digit(len(first)-suffix) {
		suffix--
	}
	var numbers []int
	for _, p := range paths {
		n, err := strconv.Atoi(p[prefix:max(prefix, len(p)-suffix)])
		if err != nil {
			return false
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != numbers[0]+i {
			return false
		}
	}
	return numbers[0] == 0 || numbers[0] == 1
}
