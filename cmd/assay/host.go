package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newHost() *cobra.Command {
	c := &cobra.Command{Use: "host", Short: "Measure what a host itself adds to results"}
	c.AddCommand(newHostNoise())
	return c
}

func newHostNoise() *cobra.Command {
	var opts lab.NoiseOptions
	c := &cobra.Command{
		Use:   "noise",
		Short: "Measure how much two equal treatments differ on this host",
		Long: `Measure how much two equal treatments differ on this host: an A/A run, one workload on one runtime under two
labels, in blocks of both in random order. It is a run like any other: its samples are archived.

The floor is the difference of medians that 95% of random exchanges of the labels stay below. It is archived
as the certificate of this host, by its fingerprint. Verdicts on runs of this host are inconclusive where
that much would change them, and "assay lint" warns of effects below it. Measure again after a change of the
machine, kernel or governor.`,
		Example: `  assay host noise
  assay host noise --workload images/workloads/matmul --runtime native --invocations 100`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			n, err := w.MeasureNoise(cmd.Context(), opts, bar.show)
			bar.close()
			if err != nil {
				return err
			}
			err = newPrinter(cmd).object("noise", n, func(out io.Writer) {
				fmt.Fprintf(out, "%s on %s, run %s: two equal treatments differ by up to\n", n.Workload, n.Runtime, n.Run)
				tw := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
				fmt.Fprintln(tw, "METRIC\tFLOOR\tN\tRATIO AS IT WAS")
				for _, f := range n.Floors {
					fmt.Fprintf(tw, "%s\t%.2f%%\t%d\t%.4f [%.4f, %.4f]\n", f.Metric, 100*f.Floor, f.N, f.Ratio, f.Low, f.High)
				}
				_ = tw.Flush()
			})
			sayUploads(cmd, w)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&opts.Workload, "workload", "", "as in an experiment (default: a module that does nothing)")
	f.StringVar(&opts.Runtime, "runtime", "wazero", "what executes it")
	f.IntVar(&opts.Invocations, "invocations", lab.DefaultNoise, "under each of the two labels")
	return c
}
