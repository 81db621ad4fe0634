package main

import (
	"cmp"
	"errors"
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
		Long: `Measure how much two equal treatments differ on this host: A/A runs, one workload on one runtime under two
labels, in blocks of both in random order; first of processes, then, of a workload that makes calls, of these.
They are runs like any others: their samples are archived.

The floor is the difference of medians that 95% of random exchanges of the labels stay below. It is archived
as the certificate of this host for that phase, by the host's fingerprint. Verdicts on runs of this host are
inconclusive where that much would change them, and "assay lint" warns of effects below it. The floor is that
of this workload, runtime and load: measure with those that you compare, while the host does what it does when
you compare them, and again after a change of the machine, kernel or governor.`,
		Example: `  assay host noise
  assay host noise --workload images/workloads/matmul --runtime native --invocations 100`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			all, err := w.MeasureNoise(cmd.Context(), opts, bar.show)
			bar.close()
			if err != nil {
				return err
			}
			p := newPrinter(cmd)
			for _, n := range all {
				err = errors.Join(err, p.object("noise", n, func(out io.Writer) {
					fmt.Fprintf(out, "%s on %s, phase %s, run %s, load %s: two equal treatments differ by up to\n", n.Workload, n.Runtime, n.Phase, n.Run, cmp.Or(n.Load1, "not known"))
					tw := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
					fmt.Fprintln(tw, "METRIC\tFLOOR\tN\tRATIO AS IT WAS")
					for _, f := range n.Floors {
						fmt.Fprintf(tw, "%s\t%.2f%%\t%d\t%.4f [%.4f, %.4f]\n", f.Metric, 100*f.Floor, f.N, f.Ratio, f.Low, f.High)
					}
					_ = tw.Flush()
				}))
			}
			sayUploads(cmd, w)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&opts.Workload, "workload", "", "as in an experiment (default: a loop of a fraction of a millisecond)")
	f.StringVar(&opts.Runtime, "runtime", "wazero", "what executes it")
	f.IntVar(&opts.Invocations, "invocations", lab.DefaultNoise, "under each of the two labels")
	return c
}
