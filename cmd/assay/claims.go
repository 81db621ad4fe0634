package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newClaims() *cobra.Command {
	c := &cobra.Command{
		Use:   "claims",
		Short: "List advertised numbers and judge them by evidence",
		Long: `List advertised numbers and judge them by evidence. A claim is what a source said, as it was read; what it
does not say stays empty. How we judge it is policy and stands apart. assay comes with a ledger of claims;
claims.yaml in the workspace adds to it and stands above it (docs/claims.md).`,
	}
	c.AddCommand(newClaimsLs(), newClaimsShow(), newClaimsCheck(), newClaimsFigure(), newClaimsAdd())
	return c
}

// A listedClaim is a claim and the verdicts that assay.lock has on it.
type listedClaim struct {
	assay.Claim
	Verdicts []claimVerdict `json:"verdicts,omitempty"`
}

type claimVerdict struct {
	Evidence string        `json:"evidence"` // a run's ID, or an import's name
	Verdict  assay.Verdict `json:"verdict"`
}

func newClaimsLs() *cobra.Command {
	var subject, kind string
	var judged bool
	c := &cobra.Command{
		Use:   "ls",
		Short: "List claims: id, subject, what is advertised, and the archived verdicts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			book, err := w.Claims()
			if err != nil {
				return err
			}
			verdicts, problems := claimVerdicts(cmd, w)
			var all []listedClaim
			for _, c := range book.Claims {
				v := verdicts[c.ID]
				if !containsFold(c.Subject, subject) || kind != "" && c.Kind != kind || judged && len(v) == 0 {
					continue
				}
				all = append(all, listedClaim{c, v})
			}
			err = list(newPrinter(cmd), "claim", all, "ID\tSUBJECT\tKIND\tADVERTISED\tVERDICT", func(c listedClaim) []any {
				var said []string
				for _, v := range c.Verdicts {
					said = append(said, fmt.Sprintf("%s (%s)", v.Verdict, v.Evidence))
				}
				return []any{c.ID, c.Subject, c.Kind, advertised(c.Claim), strings.Join(said, ", ")}
			})
			return errors.Join(err, problems)
		},
	}
	c.Flags().StringVar(&subject, "subject", "", "only those whose subject has this in it")
	c.Flags().StringVar(&kind, "kind", "", "only those of this kind: start, execution, compile, throughput, latency, memory, size, cpu, rank, opinion")
	c.Flags().BoolVar(&judged, "verdict", false, "only those that have an archived verdict")
	return c
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// claimVerdicts are the archived verdicts by the ID of the claim.
func claimVerdicts(cmd *cobra.Command, w *lab.Workspace) (map[string][]claimVerdict, error) {
	judgements, err := w.Judgements(cmd.Context())
	verdicts := map[string][]claimVerdict{}
	for _, j := range judgements {
		verdicts[j.Claim.ID] = append(verdicts[j.Claim.ID], claimVerdict{j.Run + j.Import, j.Verdict})
	}
	return verdicts, err
}

// advertised is a claim's number in words.
func advertised(c assay.Claim) string {
	if len(c.Value) == 0 {
		return "no number"
	}
	var numbers []string
	for _, v := range c.Value {
		numbers = append(numbers, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return strings.TrimSpace(strings.Join([]string{c.Comparator, strings.Join(numbers, " to "), c.Unit}, " "))
}

// A shownClaim is a claim with our policy for it and its archived verdicts.
type shownClaim struct {
	Claim    assay.Claim    `json:"claim" yaml:"claim"`
	Checks   []assay.Check  `json:"checks,omitempty" yaml:"checks,omitempty"`
	Needs    string         `json:"needs,omitempty" yaml:"needs,omitempty"`
	Verdicts []claimVerdict `json:"verdicts,omitempty" yaml:"verdicts,omitempty"`
}

func newClaimsShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show ID",
		Short:             "Show a claim in full, with our policy for it and its archived verdicts",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete(completeClaims),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			book, err := w.Claims()
			if err != nil {
				return err
			}
			claim, ok := book.Find(args[0])
			if !ok {
				return failure.Usagef(`no claim %q: "assay claims ls" lists them`, args[0])
			}
			verdicts, problems := claimVerdicts(cmd, w)
			s := shownClaim{claim, book.Checks[claim.ID], book.Needs[claim.ID], verdicts[claim.ID]}
			err = newPrinter(cmd).object("claim", s, func(out io.Writer) {
				enc := yaml.NewEncoder(out)
				enc.SetIndent(2)
				_ = enc.Encode(s)
			})
			return errors.Join(err, problems)
		},
	}
}

func newClaimsCheck() *cobra.Command {
	var against []string
	c := &cobra.Command{
		Use:   "check [ID...] [--against REF]...",
		Short: "Judge claims by runs and imports, and archive the verdicts",
		Long: `Judge claims by runs and imports, and archive the verdicts. REF is an experiment's name, a run's ID, or an
import; without one, every import and the latest run of each experiment that assay.lock has. Without an ID:
every claim; those that the evidence has nothing about are listed as unsupported, with what it would take.

A claim holds or fails if all of the 95% interval is on one side of its bound, which our tolerance widens to
the claim's advantage; it is inconclusive if the interval spans the bound, or if the host's own noise does
("assay host noise"). It is unsupported if the evidence cannot tell: of another scope, with too few samples,
about something else. Exit status 4 if a claim fails.`,
		Example: `  assay claims check
  assay claims check --against coldstart --against long2020
  assay claims check wasmedge-100x --against long2020 --json`,
		ValidArgsFunction: complete(completeClaims),
		RunE: func(cmd *cobra.Command, ids []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			judged, err := w.JudgeClaims(cmd.Context(), ids, against)
			if err != nil {
				return err
			}
			p := newPrinter(cmd)
			if err := printJudged(p, judged); err != nil {
				return err
			}
			var failed []string
			for _, j := range judged {
				if j.Verdict == assay.Fails {
					failed = append(failed, j.Claim.ID)
				}
			}
			sayUploads(cmd, w)
			if len(failed) > 0 {
				return failure.Classed(failure.ErrMismatch, fmt.Errorf("%d of %d verdicts: the claim fails: %s", len(failed), len(judged), strings.Join(failed, ", ")))
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&against, "against", nil, "a run, an experiment or an import; again for more")
	c.RegisterFlagCompletionFunc("against", complete(completeTraces))
	return c
}

// printJudged prints judgements; as text a table, and then their reasons.
func printJudged(p printer, judged []lab.Judged) error {
	if p.json {
		return list(p, "judgement", judged, "", nil)
	}
	told := slices.DeleteFunc(slices.Clone(judged), func(j lab.Judged) bool { return j.Evidence.IsZero() })
	err := list(p, "judgement", told, "CLAIM\tVERDICT\tFOUND\tADVERTISED\tEVIDENCE", func(j lab.Judged) []any {
		found := "-"
		if e := j.Estimate; e != nil && e.Low != nil {
			found = fmt.Sprintf("%.4g [%.4g, %.4g] %s", e.Value, *e.Low, *e.High, e.Unit)
			if j.Check.Instead != "" {
				found += ", of " + j.Check.Instead
			}
		}
		return []any{j.Claim.ID, j.Verdict, found, advertised(j.Claim), j.Run + j.Import}
	})
	if err != nil {
		return err
	}
	for _, j := range told {
		fmt.Fprintf(p.out, "\n%s %s: %s\n", j.Claim.ID, j.Verdict, graph.Printable(j.Reason))
	}
	if rest := len(judged) - len(told); rest > 0 {
		fmt.Fprintf(p.out, "\n%d claims are unsupported: nothing in this evidence is about them\n", rest)
		return list(p, "judgement", slices.DeleteFunc(slices.Clone(judged), func(j lab.Judged) bool { return !j.Evidence.IsZero() }),
			"CLAIM\tWHAT IT TAKES", func(j lab.Judged) []any { return []any{j.Claim.ID, cmp.Or(j.Needs, j.Reason)} })
	}
	return nil
}

func newClaimsFigure() *cobra.Command {
	var formats []string
	var width float64
	c := &cobra.Command{
		Use:   "figure",
		Short: "Draw what was advertised beside what the archived verdicts found, as a sealed figure",
		Long: `Draw what was advertised beside what the archived verdicts found, as a sealed figure: for each judgement that
assay.lock has, what the claim demands and the 95% interval, in the colour and shape of the verdict; what is
unsupported is listed with its reason. The judgements become the import "judgements" first, so that the figure
is one of a table like any other, and "assay replay claims" draws it again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			drawn, err := w.DrawClaims(cmd.Context(), formats, width)
			if err != nil {
				return err
			}
			return newPrinter(cmd).object("figure", drawn, func(out io.Writer) {
				for _, f := range drawn.Formats() {
					fmt.Fprintln(out, drawn.Paths[f])
				}
			})
		},
	}
	c.Flags().StringSliceVar(&formats, "formats", nil, "svg, png, pdf, txt (default: svg,png)")
	c.Flags().Float64Var(&width, "width", 0, "in mm (default: 178)")
	return c
}

func newClaimsAdd() *cobra.Command {
	var c assay.Claim
	var values []float64
	cmd := &cobra.Command{
		Use:   "add [FILE|-]",
		Short: "Append claims to claims.yaml: from flags, a YAML or JSON file, or standard input",
		Long: `Append claims to claims.yaml: from flags, a YAML or JSON file, or standard input ("-"). The text is one
claim, or has claims, checks and needs as claims.yaml has (docs/claims.md). It is validated first, what is in
the file stays as it is written, and the file is replaced at once or not at all. Leave out what the source
does not say.`,
		Example: `  assay claims add --id mesh-2x --subject Mesh --quote "twice as fast" --source https://example.org/mesh \
      --kind execution --comparator ">=" --value 2 --unit x
  assay claims add claim.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (c.ID == "") {
				return fmt.Errorf("claims add: name a file, - for standard input, or give --id and what else there is to say: %w", errFlags)
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			c.Value = values
			text, err := claimText(cmd, args, c)
			if err != nil {
				return err
			}
			added, notes, err := w.AddClaims(cmd.Context(), text)
			if err != nil {
				return err
			}
			for _, n := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), visible(n))
			}
			for _, a := range added {
				if err := newPrinter(cmd).object("claim", a, func(out io.Writer) { fmt.Fprintln(out, a.ID) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.ID, "id", "", "letters, digits, '.', '_' and '-'")
	f.StringVar(&c.Subject, "subject", "", "what it is about: WasmEdge 0.9")
	f.StringVar(&c.Quote, "quote", "", "what was said, word for word")
	f.StringVar(&c.Source, "source", "", "where it can be read")
	f.StringVar(&c.SourceKind, "source-kind", "", "primary or secondary")
	f.StringVar(&c.Kind, "kind", "", "start, execution, compile, throughput, latency, memory, size, cpu, rank or opinion")
	f.StringVar(&c.Scope, "scope", "", "what is said to start, run or be counted")
	f.StringVar(&c.Start, "start", "", "what starts: process, compile, instance, snapshot, isolate, container or pod")
	f.StringVar(&c.StartOver, "start-over", "", "what starts of what it is compared with")
	f.StringVar(&c.Metric, "metric", "", "what was measured")
	f.StringVar(&c.Comparator, "comparator", "", "<, <=, =, >=, >, ~ (about) or in")
	f.Float64SliceVar(&values, "value", nil, "the number; two for a range: 4,5")
	f.StringVar(&c.Unit, "unit", "", "of the number")
	f.StringVar(&c.Conditions, "conditions", "", "under which it is said to be so")
	f.StringVar(&c.From, "from", "", "first day on which it was said: 2021-03-01")
	f.StringVar(&c.Until, "until", "", "last day")
	f.StringArrayVar(&c.CounterEvidence, "counter-evidence", nil, "what speaks against it; again for more")
	return cmd
}

// claimText is the text of a claim to add: a file, standard input, or flags.
func claimText(cmd *cobra.Command, args []string, c assay.Claim) ([]byte, error) {
	if len(args) == 0 {
		return yaml.Marshal(c)
	}
	in, name := cmd.InOrStdin(), "standard input"
	if args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, name = f, args[0]
	}
	text, err := io.ReadAll(io.LimitReader(in, maxClaims+1))
	if err == nil && len(text) > maxClaims {
		return nil, failure.Usagef("%s is larger than %d MiB: add the claims in parts", name, maxClaims>>20)
	}
	return text, err
}

// maxClaims bounds a text of claims.
const maxClaims = 16 << 20
