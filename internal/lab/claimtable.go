package lab

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
)

// What the table of judgements and its figure are called.
const (
	judgementsImport = "judgements"
	claimsFigure     = "claims"
)

//go:embed advertised/advertised.go
var advertisedSource []byte

//go:embed judgements.yaml
var judgementsMapping []byte

// judgementColumns are those of the table of judgements, as judgements.yaml
// explains them.
var judgementColumns = []string{"label", "claim", "subject", "advertised", "evidence", "verdict", "instead", "comparator", "demanded", "to", "unit",
	"value", "low", "high", "n", "relative", "relative_low", "relative_high", "range_end", "outcome", "detail", "judgement"}

// ClaimsTable imports the judgements that the lock has as a table, so that
// figures and cells read them as they do all else. The same judgements give the
// same import.
func (w *Workspace) ClaimsTable(ctx context.Context) (Imported, error) {
	judged, err := w.Judgements(ctx)
	if err != nil {
		return Imported{}, err
	}
	if len(judged) == 0 {
		return Imported{}, failure.Usagef(`%s has no judgement: "assay claims check --against REF" makes some`, pins.File)
	}
	had, err := w.findImport(ctx, judgementsImport)
	if err == nil && !ofJudgements(had.Import) {
		return Imported{}, failure.Usagef("the name %s is taken by other files: import these under another name", judgementsImport)
	}
	if err != nil && !errors.Is(err, errNoImport) {
		return Imported{}, err
	}
	text, err := w.judgementsCSV(ctx, judged)
	if err != nil {
		return Imported{}, err
	}
	dir, err := os.MkdirTemp("", "assay-claims-")
	if err != nil {
		return Imported{}, fmt.Errorf("claims: %w", err)
	}
	defer os.RemoveAll(dir)
	file, mapping := filepath.Join(dir, "judgements.csv"), filepath.Join(dir, "mapping.yaml")
	if err := errors.Join(os.WriteFile(file, text, 0o600), os.WriteFile(mapping, judgementsMapping, 0o600)); err != nil {
		return Imported{}, fmt.Errorf("claims: %w", err)
	}
	return w.Import(ctx, ImportOptions{Name: judgementsImport, Format: "table", Path: file, Mapping: mapping, Replace: true, Derived: true})
}

// ofJudgements tells a table of judgements, of whatever version of assay, from
// other files of that name.
func ofJudgements(imp assay.Import) bool {
	return len(imp.Traces) == 1 && imp.Traces[0].Name == judgementsImport &&
		slices.ContainsFunc(imp.Traces[0].Columns, func(c assay.ImportColumn) bool { return c.Name == "judgement" })
}

// judgementsCSV writes judgements as a tidy table.
func (w *Workspace) judgementsCSV(ctx context.Context, judged []Judged) ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	rows := [][]string{judgementColumns}
	inPlace := func(j Judged) bool { return advertised(j.Claim) == "" }
	slices.SortStableFunc(judged, func(a, b Judged) int { return cmp.Compare(btoi(inPlace(a)), btoi(inPlace(b))) })
	for _, j := range judged {
		evidence, err := w.evidenceName(ctx, j)
		if err != nil {
			return nil, err
		}
		row := map[string]string{
			"label": label(j, evidence), "claim": j.Claim.ID, "subject": j.Claim.Subject, "advertised": advertised(j.Claim), "evidence": evidence,
			"verdict": string(j.Verdict), "instead": j.Check.Instead, "unit": j.Check.Unit, "comparator": j.Check.Comparator, "judgement": j.Manifest.String(),
		}
		if j.Check.Metric != "" {
			row["demanded"] = decimal(j.Check.Value)
		}
		if j.Check.To != 0 {
			row["to"] = decimal(j.Check.To)
		}
		row["outcome"], row["detail"] = relate(j, row)
		var cells []string
		for _, c := range judgementColumns {
			cells = append(cells, row[c])
		}
		rows = append(rows, cells)
	}
	if err := out.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return b.Bytes(), nil
}

// relate adds to a row what was measured, and that divided by what is demanded;
// it returns the outcome, and why there is no such ratio.
func relate(j Judged, row map[string]string) (outcome, detail string) {
	e := j.Estimate
	if e == nil || e.Low == nil || e.High == nil {
		return string(assay.NotTestable), j.Reason
	}
	row["value"], row["low"], row["high"], row["n"] = decimal(e.Value), decimal(*e.Low), decimal(*e.High), strconv.Itoa(e.N)
	found := fmt.Sprintf("%.4g [%.4g, %.4g] %s", e.Value, *e.Low, *e.High, e.Unit)
	switch by := j.Check.Value; {
	case by == 0:
		return "no ratio", fmt.Sprintf("found %s, and what is demanded is 0", found)
	case *e.Low <= 0:
		return "no ratio", fmt.Sprintf("found %s, which reaches 0", found)
	default:
		row["relative"], row["relative_low"], row["relative_high"] = decimal(e.Value/by), decimal(*e.Low/by), decimal(*e.High/by)
		if j.Check.To != 0 {
			row["range_end"] = decimal(j.Check.To / by)
		}
	}
	return string(assay.OK), ""
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// advertised is a claim's number in words; "" if its source gives none.
func advertised(c assay.Claim) string {
	var numbers []string
	for _, v := range c.Value {
		numbers = append(numbers, decimal(v))
	}
	if len(numbers) == 0 {
		return ""
	}
	words := map[string]string{"<": "below", "<=": "at most", ">=": "at least", ">": "above", "~": "about"}[c.Comparator]
	return strings.TrimSpace(strings.Join([]string{words, strings.Join(numbers, " to "), c.Unit}, " "))
}

// label names a judgement: the claim, what was advertised, what was measured
// instead of its subject, n, and the evidence.
func label(j Judged, evidence string) string {
	text := j.Claim.ID + ": " + cmp.Or(advertised(j.Claim), "a check in place")
	if j.Check.Instead != "" {
		text += ", of " + j.Check.Instead
	}
	if e := j.Estimate; e != nil {
		text += fmt.Sprintf("; n %d", e.N)
	}
	return fmt.Sprintf("%s (%s)", text, strings.TrimPrefix(evidence, "imports/"))
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// DrawClaims draws the judgements that the lock has: what was advertised beside
// what was measured, as a sealed figure.
func (w *Workspace) DrawClaims(ctx context.Context, formats []string, width float64) (Drawn, error) {
	if _, err := w.ClaimsTable(ctx); err != nil {
		return Drawn{}, err
	}
	dir, err := os.MkdirTemp("", "assay-claims-")
	if err != nil {
		return Drawn{}, fmt.Errorf("claims: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "advertised.go"), advertisedSource, 0o600); err != nil {
		return Drawn{}, fmt.Errorf("claims: %w", err)
	}
	return w.Draw(ctx, Drawing{
		Name: claimsFigure, Dir: dir, Func: "Advertised", Formats: formats, WidthMM: width,
		Tables: []TableOf{{Import: judgementsImport, Of: judgementsImport, Columns: []string{"label", "verdict", "relative", "relative_low", "relative_high", "range_end", "outcome", "detail"}}},
	})
}
