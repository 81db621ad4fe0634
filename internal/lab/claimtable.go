package lab

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
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
var judgementColumns = []string{"label", "claim", "subject", "evidence", "verdict", "instead", "unit", "advertised", "to", "comparator", "value", "low", "high", "n", "outcome", "detail", "judgement"}

// ClaimsTable imports the judgements that the lock has as a table, so that
// figures and cells read them as they do all else. The same judgements give the
// same import.
func (w *Workspace) ClaimsTable(ctx context.Context) (Imported, error) {
	judged, err := w.Judgements(ctx)
	if err != nil {
		return Imported{}, err
	}
	if len(judged) == 0 {
		return Imported{}, Usagef(`%s has no judgement: "assay claims check --against REF" makes some`, LockFile)
	}
	had, err := w.findImport(ctx, judgementsImport)
	if err == nil && !ofJudgements(had.Import) {
		return Imported{}, Usagef("the name %s is taken by other files: import these under another name", judgementsImport)
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
	return w.Import(ctx, ImportOptions{Name: judgementsImport, Format: "table", Path: file, Mapping: mapping, Replace: true})
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
	for _, j := range judged {
		name, err := w.judgementName(ctx, j)
		if err != nil {
			return nil, err
		}
		evidence := name[len(j.Claim.ID)+1:]
		row := map[string]string{
			"label": label(j, evidence), "claim": j.Claim.ID, "subject": j.Claim.Subject, "evidence": evidence,
			"verdict": string(j.Verdict), "instead": j.Check.Instead, "unit": j.Check.Unit, "comparator": j.Check.Comparator, "outcome": "ok", "judgement": j.Manifest.String(),
		}
		if j.Check.Metric != "" {
			row["advertised"] = decimal(j.Check.Value)
		}
		if j.Check.To != 0 {
			row["to"] = decimal(j.Check.To)
		}
		if e := j.Estimate; e != nil && e.Low != nil && e.High != nil {
			row["value"], row["low"], row["high"], row["n"] = decimal(e.Value), decimal(*e.Low), decimal(*e.High), strconv.Itoa(e.N)
		} else {
			row["outcome"], row["detail"] = string(assay.NotTestable), j.Reason
		}
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

// label names a judgement, with what was measured instead of the claim's subject,
// and the unit of its numbers where they are no ratio.
func label(j Judged, evidence string) string {
	name := j.Claim.ID
	if j.Check.Instead != "" {
		name += ", of " + j.Check.Instead
	}
	if unit := j.Check.Unit; unit != "" && unit != "x" {
		name += ", " + unit
	}
	return fmt.Sprintf("%s (%s)", name, evidence)
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
		Tables: []TableOf{{Import: judgementsImport, Of: judgementsImport, Columns: []string{"label", "verdict", "advertised", "to", "value", "low", "high", "outcome", "detail"}}},
	})
}
