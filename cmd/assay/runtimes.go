package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/runners"
)

func newRuntimes() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runtimes",
		Short: "List runtimes: what this host has of them, and what is missing",
		Long: `runtimes lists each runtime, present (version, digest of its program, how it was obtained) or absent (why, and what
gets it); how it executes code: interpreter, jit (compiled while it runs), aot (compiled before it runs) or precompiled
(compiled earlier); its cache of compiled code and the threads that compile, where they are known; and whether a shim
tells its phases.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			all, err := w.RuntimesHere(cmd.Context())
			if err != nil {
				return err
			}
			return list(newPrinter(cmd), "runtime", all, "RUNTIME\tVERSION\tBINARY\tMODE\tCACHE\tTHREADS\tSHIM\tORIGIN", func(r hosts.RuntimeHere) []any {
				version, digest, origin := "-", "-", r.Origin
				switch {
				case r.Absent != "":
					version, digest, origin = "absent", "", r.Absent
				case !r.Digest.IsZero():
					version, digest = r.Version, r.Digest.Short()
				}
				cache, threads, shim := "-", "-", "-"
				if r.Cache != "" {
					cache = string(r.Cache)
				}
				if r.Threads > 0 {
					threads = strconv.Itoa(r.Threads)
				}
				if r.Shim {
					shim = "yes"
				}
				if r.Note != "" {
					origin += "; " + r.Note
				}
				return []any{r.Name, version, digest, r.Mode, cache, threads, shim, origin}
			})
		},
	}
	var phases bool
	plan := &cobra.Command{
		Use:   "plan RUNTIME WORKLOAD",
		Short: "Show the command that a runtime would execute for a workload",
		Long: `plan shows the command that a runtime would execute for a workload, after those that prepare it: how a POSIX shell
would start them in an empty directory. assay-agent is the agent, which is part of assay. What cleans up behind an
invocation that was killed comes last, as a comment. Of a runtime that is absent it says so, and shows the command with
/path/to/ in place of where its program would be.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			trial, err := w.RuntimePlan(cmd.Context(), args[0], args[1], phases)
			if err != nil {
				return err
			}
			return newPrinter(cmd).object("trial", trial, func(out io.Writer) {
				if trial.Unsupported != "" {
					fmt.Fprintf(out, "# unsupported: %s\n", trial.Unsupported)
				}
				if trial.Command.Argv == nil {
					return
				}
				for _, c := range append(trial.Prepare, trial.Command) {
					fmt.Fprintln(out, commandLine(c))
				}
				for _, c := range trial.Clean {
					fmt.Fprintln(out, "# clean-up: "+commandLine(c))
				}
			})
		},
	}
	plan.Flags().BoolVar(&phases, "phases", false, "the command of its shim, which tells phases")
	cmd.AddCommand(plan)
	cmd.AddCommand(&cobra.Command{Use: "ls", Short: "The same list", Args: cmd.Args, RunE: cmd.RunE}, newRuntimesInstall(), newRuntimesUninstall(), checksShims(newRuntimesCheck()))
	return cmd
}

// commandLine writes c so that a POSIX shell does what the agent does.
func commandLine(c assay.Command) string {
	argv := slices.Concat([]string{"env", "-i"}, c.Env, c.Argv)
	if c.Argv[0] == runners.AgentExe { // found in PATH, and it asks the environment for nothing
		argv = slices.Concat([]string{"assay-agent"}, c.Argv[1:])
	}
	line := shellWords(argv)
	if c.Stdin != "" {
		line += " <" + shellWords([]string{c.Stdin})
	}
	if c.Dir != "" {
		line = "(cd " + shellWords([]string{c.Dir}) + " && " + line + ")"
	}
	return line
}

func shellWords(argv []string) string {
	var words []string
	for _, w := range argv {
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}
