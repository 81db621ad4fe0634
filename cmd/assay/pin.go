package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/pins"
)

func newPin() *cobra.Command {
	var opts lab.PinOptions
	var runtimes []string
	cmd := &cobra.Command{
		Use:   "pin [REF...] [--runtime NAME]...",
		Short: "Pin workloads and runtimes: build, read or fetch them, archive their bytes, note their digests",
		Long: `Pin workloads: build, read or fetch them, archive their bytes, and note name and digest in assay.lock.

REF is one of
  a folder with workload.yaml, which is built from source
  a .wasm file; --name names it, --source, --toolchain and --licence say what is known about it
  an OCI image layout: FOLDER, FOLDER:TAG or FOLDER@sha256:…
  REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:…; http:// before it is --plain-http
  sha256:…, a manifest that the archive holds
  a name in assay.lock

In a layout or a registry it is a Wasm module in any of the known dialects (docs/oci.md) or a container
image. For a tag, assay.lock gets the reference and the digest that it has now: experiments and cells use
that digest until the reference is pinned again. What a name meant before, stderr says. Credentials for
registries are those of "docker login".

With --runtime, the program that a runtime is on this machine is archived, with its shim and the libraries
that it was installed with. Where another machine has other bits of it, or none, or this one later,
experiments use those. Libraries of the system, of which each run records the digests, are not archived:
they are those of the machine that executes it. Each variant is pinned by its own name.`,
		Example: `  assay pin images/workloads/noop
  assay pin crc32.wasm --licence MIT --source https://example.org/crc32
  assay pin ghcr.io/example/crc32:v1
  assay pin localhost:5000/crc32:v1 --plain-http
  assay pin --runtime wasmtime`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args)+len(runtimes) == 0 {
				return failure.Usagef("pin: want REF..., or --runtime")
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			if opts.Name != "" && len(args) > 1 {
				return failure.Usagef("pin: --name names one workload, here are %d", len(args))
			}
			for _, name := range runtimes {
				if err := pinRuntime(cmd, w, name); err != nil {
					return err
				}
			}
			for _, ref := range args {
				before, err := w.Lock()
				if err != nil {
					return err
				}
				bar := newBar(cmd.ErrOrStderr())
				opts.Progress = bar.transfer
				wl, err := w.Pin(cmd.Context(), ref, opts)
				bar.close()
				if err != nil {
					return err
				}
				after, err := w.Lock()
				if err != nil {
					return err
				}
				if was := replaced(wl.Name, before, after); was != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), was)
				}
				err = newPrinter(cmd).object("workload", wl, func(out io.Writer) {
					fmt.Fprintf(out, "%s %v\n", wl.Name, wl.Manifest)
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&opts.Name, "name", "", "name of a .wasm file's workload (default: that of the file)")
	cmd.Flags().StringVar(&opts.Source, "source", "", "URL of a .wasm file's source")
	cmd.Flags().StringVar(&opts.Toolchain, "toolchain", "", "what a .wasm file was built with")
	cmd.Flags().StringVar(&opts.Licence, "licence", "", "SPDX expression of a .wasm file's licence")
	cmd.Flags().StringSliceVar(&runtimes, "runtime", nil, "pin a runtime's program, too; can be given again")
	plainHTTP(cmd, &opts.PlainHTTP)
	return cmd
}

func pinRuntime(cmd *cobra.Command, w *lab.Workspace, name string) error {
	pinned, err := w.PinRuntime(cmd.Context(), name)
	if err != nil {
		return err
	}
	for _, p := range pinned {
		err := newPrinter(cmd).object("pinned-runtime", p, func(out io.Writer) {
			fmt.Fprintf(out, "%s %s %v\n", p.Name, p.Version, p.Manifest)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// replaced says what a name meant before it was pinned, and where that came from
// if it was a registry; "" if it means the same, or was not known.
func replaced(name string, before, after pins.Lock) string {
	d, known := before.Workloads[name]
	from, had := before.Origins[name]
	if !known || d == after.Workloads[name] && (!had || from == after.Origins[name]) {
		return ""
	}
	if had {
		return fmt.Sprintf("%s was %v (from %s)", name, d, from.Reference)
	}
	return fmt.Sprintf("%s was %v", name, d)
}

// plainHTTP adds the flag that allows a registry without TLS.
func plainHTTP(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "plain-http", false, "allow a registry without TLS: anyone on the way can read and change what is sent")
}
