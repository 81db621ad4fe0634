package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newPush() *cobra.Command {
	var opts lab.PushOptions
	cmd := &cobra.Command{
		Use:   "push REF REGISTRY/REPOSITORY[:TAG]",
		Short: "Copy a workload, run, import, figure or verdict with its whole graph to an OCI registry",
		Long: `Copy a workload, run, import, figure or verdict with its whole graph to an OCI registry: all that it is made
of and is about, and all that the archive has about it. A workload goes with its runs, their traces, figures
and verdicts. Others get it with "assay pull"; "oras discover" and other tools see the same graph.

REF is a name in assay.lock (of a verdict, CLAIM@EVIDENCE), a run's ID, an experiment's name (its run) or the
digest of a manifest. The tag is, if none is given, workload-NAME, run-ID, import-NAME, figure-NAME or
claim-NAME. stdout gets the reference with the digest.

What in the archive cannot be read, and so may be about REF and was left out, is named on stderr.

What the registry has is not sent again, so an interrupted push goes on when it is done again. Credentials
are those of "docker login", "oras login" or "podman login".`,
		Example: `  assay push crc32 ghcr.io/example/crc32:v1
  assay push coldstart localhost:5000/team/coldstart --plain-http`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			opts.Progress = bar.transfer
			pushed, err := w.Push(cmd.Context(), args[0], args[1], opts)
			bar.close()
			if err != nil {
				return err
			}
			sayUnread(cmd, pushed.Name, pushed.Unread)
			return newPrinter(cmd).object("pushed", pushed, func(out io.Writer) { fmt.Fprintln(out, pushed.Reference) })
		},
	}
	plainHTTP(cmd, &opts.PlainHTTP)
	return cmd
}

// sayUnread says what could not be read, and may be about what was sent.
func sayUnread(cmd *cobra.Command, name string, problems []string) {
	for _, problem := range problems {
		fmt.Fprintf(cmd.ErrOrStderr(), "if this is about %s, it was left out: %s\n", name, visible(problem))
	}
}
