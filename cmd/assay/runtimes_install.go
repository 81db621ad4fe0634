package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/settings"
)

func newRuntimesInstall() *cobra.Command {
	var opts hosts.InstallOptions
	cmd := &cobra.Command{
		Use:   "install NAME[@VERSION]...",
		Short: "Install runtimes below the cache, by digest",
		Long: `Install runtimes below the cache, by digest. NAME is that of a runtime or of a package of runtimes.lock.

Nothing is installed into the system, and no toolchain, package cache or configuration of yours is changed:
wheels are fetched with pip, crates with cargo, which builds them, and Debian's packages with apt, which
extracts them beside the system. What is fetched must have the digest that runtimes.lock notes. An
installation that is interrupted goes on where it was, when it is asked for again.

A VERSION other than the one that assay brings is looked up where the package is from; the runtimes.lock of
the workspace gets it and its digest, and is to be committed.`,
		Example: `  assay runtimes install wasmtime wasmi
  assay runtimes install wasmtime@48.0.2
  assay runtimes install --all-live`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !opts.AllLive {
				return failure.Usagef("want NAME[@VERSION]..., or --all-live")
			}
			programs, err := installed(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			defer bar.close()
			opts.Progress = bar.install
			opts.Locked = func(line string) {
				bar.close()
				fmt.Fprintln(cmd.ErrOrStderr(), line)
			}
			var printed error
			opts.Done = func(in hosts.Installed) {
				bar.close()
				err := newPrinter(cmd).object("installed", in, func(out io.Writer) {
					fmt.Fprintf(out, "%s %s %v %s\n", in.Name, in.Version, in.Digest, in.Path)
				})
				if printed == nil {
					printed = err
				}
			}
			if err := programs.Install(cmd.Context(), args, opts); err != nil {
				return err
			}
			return printed
		},
	}
	cmd.Flags().BoolVar(&opts.AllLive, "all-live", false, "also what every machine has that tests assay: wasmer takes more than ten minutes")
	return cmd
}

func newRuntimesUninstall() *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall NAME...",
		Short: "Remove what was installed of runtimes, or what is left of an attempt",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			programs, err := installed(cmd)
			if err != nil {
				return err
			}
			for _, name := range args {
				if err := programs.Uninstall(name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// installed returns the programs of this host, for a workspace or for none.
func installed(cmd *cobra.Command) (hosts.Programs, error) {
	root, err := anyWorkspace(cmd)
	if err != nil {
		return hosts.Programs{}, err
	}
	config, _, err := settings.Load(root)
	return hosts.Programs{Root: root, Cache: config.Cache}, err
}

// anyWorkspace is workspaceRoot where a workspace is not needed: "" is none.
func anyWorkspace(cmd *cobra.Command) (string, error) {
	root, err := namedWorkspace(cmd)
	if err != nil || root != "" {
		return root, err
	}
	root, err = lab.Find(".")
	if errors.Is(err, failure.ErrUsage) {
		return "", nil
	}
	return root, err
}

// install shows how far an installation is: each step is a line, and within one
// each tenth.
func (b *bar) install(p hosts.InstallProgress) {
	what := p.Package + ": " + p.Doing
	if b.moves {
		if p.Total > 0 && b.line == nil || b.now().Sub(b.shown) >= moveEach {
			b.shown = b.now()
			b.move(int(p.Done), int(max(p.Total, 1)), what)
		}
		return
	}
	word, _, _ := strings.Cut(p.Doing, " ")
	tenth := -1
	if p.Total > 0 {
		tenth = int(10 * p.Done / p.Total)
	}
	if key := fmt.Sprint(p.Package, word, tenth); key != b.step {
		b.step = key
		fmt.Fprintln(b.out, what+amount(p))
	}
}

// amount says how much is done of a step.
func amount(p hosts.InstallProgress) string {
	switch {
	case p.Total == 0 && p.Bytes:
		return ", " + size(p.Done)
	case p.Total == 0:
		return ""
	case p.Bytes:
		return fmt.Sprintf(", %s of %s", size(p.Done), size(p.Total))
	default:
		return fmt.Sprintf(", %d of %d", p.Done, p.Total)
	}
}
