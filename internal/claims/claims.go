// Package claims judges advertised numbers: what was said, as it was read; apart
// from that, our policy of how to check it; and the verdict that follows from
// both and from samples.
//
// It reads no archive and measures nothing. It fills in nothing that a source
// does not say, gives no number without an interval, and divides nothing by a
// thing of another scope.
package claims

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/strictyaml"
)

// A Book is claims, and apart from them, by their IDs, our policy: the checks we
// judge them by, and what it takes to test one that no check fits.
type Book struct {
	Claims []assay.Claim     `yaml:"claims"`
	Checks map[string]Checks `yaml:"checks"`
	Needs  map[string]string `yaml:"needs"`
}

// Checks are those of one claim, one for each kind of evidence: the first that
// the evidence can test is the one. In a file a single one needs no list.
type Checks []assay.Check

// UnmarshalYAML reads a check or a list of them. One without a value is an
// error: 0 has to be said.
func (c *Checks) UnmarshalYAML(unmarshal func(any) error) error {
	var many []map[string]any
	if err := unmarshal(&many); err != nil {
		many = make([]map[string]any, 1)
		_ = unmarshal(&many[0]) // what is none of either is an error below
	}
	for _, check := range many {
		if value, said := check["value"]; check != nil && (!said || value == nil) {
			return errors.New("a check has no value: say which number it compares with")
		}
	}
	if err := unmarshal(new([]any)); err == nil {
		return unmarshal((*[]assay.Check)(c))
	}
	var one assay.Check
	if err := unmarshal(&one); err != nil {
		return err
	}
	*c = Checks{one}
	return nil
}

//go:embed ledger.yaml
var ledger []byte

//go:embed policy.yaml
var policy []byte

// Ledger returns the claims that assay comes with, and its policy.
func Ledger() (Book, error) {
	said, err := decode(ledger)
	if err != nil {
		return Book{}, fmt.Errorf("ledger: %w", err)
	}
	ours, err := decode(policy)
	if err != nil {
		return Book{}, fmt.Errorf("policy: %w", err)
	}
	b := Book{said.Claims, ours.Checks, ours.Needs}
	if err := b.problems(b.ids()); err != nil {
		return Book{}, fmt.Errorf("ledger: %w", err)
	}
	return b, nil
}

// Parse reads a book that stands on another one, whose claims its checks may be
// of, and reports every mistake in it.
func Parse(b []byte, on Book) (Book, error) {
	book, err := decode(b)
	if err != nil {
		return Book{}, err
	}
	known := book.ids()
	maps.Copy(known, on.ids())
	if err := book.problems(known); err != nil {
		return Book{}, err
	}
	return book, nil
}

// ParseOneOrMany is Parse of a book, or of one claim alone.
func ParseOneOrMany(b []byte, on Book) (Book, error) {
	var one assay.Claim
	if err := strictyaml.Decode(b, &one); err != nil || one.ID == "" {
		book, err := Parse(b, on)
		if err == nil && len(book.Claims)+len(book.Checks)+len(book.Needs) == 0 {
			err = errors.New("there is no claim in it")
		}
		return book, err
	}
	book := Book{Claims: []assay.Claim{one}}
	return book, book.problems(nil)
}

func decode(b []byte) (Book, error) {
	var book Book
	if err := strictyaml.Decode(b, &book); err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
		return Book{}, err
	}
	return book, nil
}

// With returns b with what over adds to it, and has in the place of it: a claim,
// and the checks and needs of one.
func (b Book) With(over Book) Book {
	out := Book{slices.Clone(b.Claims), maps.Clone(b.Checks), maps.Clone(b.Needs)}
	for _, c := range over.Claims {
		if i := slices.IndexFunc(out.Claims, func(has assay.Claim) bool { return has.ID == c.ID }); i >= 0 {
			out.Claims[i] = c
		} else {
			out.Claims = append(out.Claims, c)
		}
	}
	if out.Checks == nil {
		out.Checks = map[string]Checks{}
	}
	if out.Needs == nil {
		out.Needs = map[string]string{}
	}
	maps.Copy(out.Checks, over.Checks)
	maps.Copy(out.Needs, over.Needs)
	return out
}

// Find returns the claim with that ID.
func (b Book) Find(id string) (assay.Claim, bool) {
	i := slices.IndexFunc(b.Claims, func(c assay.Claim) bool { return c.ID == id })
	if i < 0 {
		return assay.Claim{}, false
	}
	return b.Claims[i], true
}

func (b Book) ids() map[string]bool {
	ids := map[string]bool{}
	for _, c := range b.Claims {
		ids[c.ID] = true
	}
	return ids
}

// problems reports everything that is wrong with a book whose policy may be of
// the known claims.
func (b Book) problems(known map[string]bool) error {
	var wrong []string
	ids := map[string]bool{}
	for i, claim := range b.Claims {
		if err := CheckClaim(claim); err != nil {
			wrong = append(wrong, fmt.Sprintf("claim %d%s: %v", i+1, spaced(claim.ID), err))
		}
		if claim.ID != "" && ids[claim.ID] {
			wrong = append(wrong, fmt.Sprintf("claim %s is there twice", claim.ID))
		}
		ids[claim.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(b.Checks)) {
		if !known[id] {
			wrong = append(wrong, fmt.Sprintf("a check of %s, and no such claim", id))
		}
		for _, check := range b.Checks[id] {
			if err := CheckCheck(check); err != nil {
				wrong = append(wrong, fmt.Sprintf("check of %s: %v", id, err))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.Needs)) {
		if !known[id] {
			wrong = append(wrong, fmt.Sprintf("what %s needs, and no such claim", id))
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// The words of a claim. docs/claims.schema.json has them, too.
var (
	kinds       = []string{"start", "execution", "compile", "throughput", "latency", "memory", "size", "cpu", "rank", "opinion"}
	starts      = []string{"process", "compile", "instance", "snapshot", "isolate", "container", "pod"}
	comparators = []string{"<", "<=", "=", ">=", ">", "~", "in"}

	idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

// day reads a year, a month or a day, and returns the first and the last day of
// it.
func day(text string) (first, last time.Time, err error) {
	for layout, next := range map[string][3]int{"2006": {1, 0, 0}, "2006-01": {0, 1, 0}, time.DateOnly: {0, 0, 1}} {
		if first, err = time.Parse(layout, text); err == nil && len(text) == len(layout) {
			return first, first.AddDate(next[0], next[1], next[2]).AddDate(0, 0, -1), nil
		}
	}
	return first, last, errors.New("want a year, a month or a day, such as 2021-03-01")
}

// CheckClaim says everything that is wrong with a claim.
func CheckClaim(c assay.Claim) error {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if c.ID == "" {
		bad("it has no id")
	} else if !idPattern.MatchString(c.ID) || len(c.ID) > 100 {
		bad("id %q: want letters, digits, '.', '_' and '-'", c.ID)
	}
	word := func(field, value string, all []string) {
		if value != "" && !slices.Contains(all, value) {
			bad("%s %q: want one of %s", field, value, strings.Join(all, ", "))
		}
	}
	word("kind", c.Kind, kinds)
	word("start", c.Start, starts)
	word("start_over", c.StartOver, starts)
	word("comparator", c.Comparator, comparators)
	if c.SourceKind != "" && !strings.HasPrefix(c.SourceKind, "primary") && !strings.HasPrefix(c.SourceKind, "secondary") {
		bad("source_kind %q: want primary or secondary, and what else there is to say", c.SourceKind)
	}
	if len(c.Value) == 2 && c.Comparator != "in" && c.Comparator != "~" {
		bad(`a range of values needs the comparator "in" or "~"`)
	}
	for _, v := range c.Value {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			bad("value %v: want a number, or leave it out", v)
		}
	}
	var from, until time.Time
	if c.From != "" {
		first, _, err := day(c.From)
		if from = first; err != nil {
			bad("from %q: %v", c.From, err)
		}
	}
	if c.Until != "" {
		_, last, err := day(c.Until)
		if until = last; err != nil {
			bad("until %q: %v", c.Until, err)
		}
	}
	if !from.IsZero() && !until.IsZero() && until.Before(from) {
		bad("until %s is before from %s", c.Until, c.From)
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}
