package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// A side is one system of one subject: what is compared with others. Its rows
// may be in several tables.
type side struct {
	subject, system string
	parts           []part
}

type part struct {
	table *table
	rows  []int
}

// sides returns the sides of all tables that have the roles, in order.
func sides(tables []*table, roles ...assay.Role) []*side {
	var out []*side
	at := map[[2]string]*side{}
	for _, t := range tables {
		if !t.has(roles...) {
			continue
		}
		for _, rows := range group(t.rows, t.by[assay.RoleSystem]...) {
			var name []string
			for _, f := range facts(t.by[assay.RoleSystem], rows[0]) {
				name = append(name, f.Value)
			}
			key := [2]string{t.subject, strings.Join(name, " ")}
			s := at[key]
			if s == nil {
				s = &side{subject: key[0], system: key[1]}
				at[key], out = s, append(out, s)
			}
			s.parts = append(s.parts, part{t, rows})
		}
	}
	return out
}

// name is what a side is called among others.
func (s *side) name(among []*side) string {
	if s.system == "" {
		return s.subject
	}
	if among[0].subject != among[len(among)-1].subject { // they are in the order of subjects
		return s.subject + ": " + s.system
	}
	return s.system
}

// compared begins a finding about several sides: its rows are those of the
// first part of each, its examples those of the first side.
func compared(rule string, severity assay.Severity, all []*side, value func(row int) float64) assay.Finding {
	var subjects, traces []string
	rows := 0
	for _, s := range all {
		subjects = append(subjects, s.subject)
		p := s.parts[0]
		if p.table.name != "" {
			traces = append(traces, p.table.name)
		}
		rows += len(p.rows)
	}
	first := all[0].parts[0]
	f := first.table.found(rule, severity, nil, first.rows, rows, value)
	f.Rows = rows
	f.Subject, f.Trace = distinct(subjects), distinct(traces)
	return f
}

// distinct joins names, each once.
func distinct(names []string) string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return strings.Join(out, ", ")
}

// apart splits sides by what each is said to be; "" is not known, and left out.
func apart(all []*side, is func(*side) string) (classes []string, of map[string][]*side) {
	of = map[string][]*side{}
	for _, s := range all {
		c := is(s)
		if c == "" {
			continue
		}
		if len(of[c]) == 0 {
			classes = append(classes, c)
		}
		of[c] = append(of[c], s)
	}
	return classes, of
}

const names = 8 // that a finding lists

// namesOf lists the names of sides.
func namesOf(some, among []*side) string {
	said := make([]string, len(some))
	for i, s := range some {
		said[i] = s.name(among)
	}
	return few(said)
}

// few joins names, the first of many.
func few(all []string) string {
	said := strings.Join(all[:min(names, len(all))], ", ")
	if more := len(all) - names; more > 0 {
		said += fmt.Sprintf(", and %d others", more)
	}
	return said
}

// listed says which sides are of which class: "a, b: process; c: call".
func listed(classes []string, of map[string][]*side, among []*side) string {
	var said []string
	for _, c := range classes[:min(names, len(classes))] {
		said = append(said, namesOf(of[c], among)+": "+c)
	}
	if more := len(classes) - names; more > 0 {
		said = append(said, fmt.Sprintf("and %d others", more))
	}
	return strings.Join(said, "; ")
}

// every returns the values of a text column of a role on a side, sorted, each
// once.
func (s *side) every(role assay.Role) []string {
	var out []string
	for _, p := range s.parts {
		v := p.table.first(role)
		if v == nil {
			continue
		}
		for _, rows := range group(p.rows, v) {
			if name := v.Text(rows[0]); name != "" {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
