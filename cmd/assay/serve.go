package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/registry/options"
)

func newServe() *cobra.Command {
	var asRegistry bool
	flags := new(options.Options).Flags()
	c := &cobra.Command{
		Use:   "serve --registry",
		Short: "Serve a team registry",
		Long: `Serve an OCI registry for a team: assay push and pull, oras, crane, skopeo, docker. Ctrl-C
lets what is under way finish and stops it. stdout gets its address and an example;
stderr a line for each request.

It listens on this machine only, unless --listen says otherwise; then it wants
credentials and TLS. Clients log in with a user and password, or with a token as
password and any user:

  htpasswd -nB alice >> users                      a line for a user (package apache2-utils)
  openssl rand -hex 32 > tokens; chmod 600 tokens  a token a line
  assay serve --registry --dir /srv/registry --listen :5000 --htpasswd users \
    --tls-cert cert.pem --tls-key key.pem

Both files, and the certificate, are read at the start. Nothing is ever deleted,
unless --allow-delete lets clients do so. The server is the program assay-registry,
beside assay or on PATH. See docs/registry.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !asRegistry {
				return failure.Usagef("nothing to serve: say --registry for the team registry")
			}
			return becomeRegistry(cmd, flags)
		},
	}
	c.Flags().BoolVar(&asRegistry, "registry", false, "serve an OCI registry")
	flags.Lookup("dir").Usage += " (default: .assay/registry of the workspace)"
	c.Flags().AddFlagSet(flags)
	return c
}

// registryProgram is the server. It is apart from assay, which would start
// slower with it.
const registryProgram = "assay-registry"

// becomeRegistry replaces this process by the registry's program, which thus
// has its streams, folder, signals, parent and exit status. It returns only
// with an error.
func becomeRegistry(cmd *cobra.Command, flags *pflag.FlagSet) error {
	if flags.Lookup("dir").Value.String() == "" {
		root, err := workspaceRoot(cmd)
		if err != nil {
			return failure.Usagef("serve --registry: no workspace, so name the registry's folder with --dir (%v)", err)
		}
		if err := flags.Set("dir", lab.RegistryDir(root)); err != nil {
			return err
		}
	}
	program, err := findRegistry()
	if err != nil {
		return err
	}
	args := []string{program, fmt.Sprintf("--json=%t", newPrinter(cmd).json)}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	if err := cmd.Context().Err(); err != nil {
		return err // interrupted: the registry would not know
	}
	if err := syscall.Exec(program, args, os.Environ()); err != nil {
		return fmt.Errorf("serve --registry: start %s: %w", program, err)
	}
	return nil
}

// findRegistry returns the registry's program beside this one, or else on PATH.
func findRegistry() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("serve --registry: %w", err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return "", fmt.Errorf("serve --registry: %w", err)
	}
	beside := filepath.Join(filepath.Dir(self), registryProgram)
	for _, name := range []string{beside, registryProgram} {
		program, err := exec.LookPath(name)
		if err == nil {
			return program, nil
		}
	}
	return "", fmt.Errorf(`serve --registry: no %s, and no %s on PATH: build it with "make build", and keep it beside assay`, beside, registryProgram)
}
