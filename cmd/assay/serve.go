package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/registry"
)

func newServe() *cobra.Command {
	var o registry.Options
	var asRegistry bool
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
unless --allow-delete lets clients do so. See docs/registry.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !asRegistry {
				return lab.Usagef("nothing to serve: say --registry for the team registry")
			}
			return serveRegistry(cmd, o)
		},
	}
	c.Flags().BoolVar(&asRegistry, "registry", false, "serve an OCI registry")
	c.Flags().StringVar(&o.Dir, "dir", "", "folder of the registry (default: .assay/registry of the workspace)")
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:5000", "address to listen on; port 0 is a free one")
	c.Flags().StringVar(&o.TLSCert, "tls-cert", "", "certificate, with its chain, as PEM")
	c.Flags().StringVar(&o.TLSKey, "tls-key", "", "the certificate's key, as PEM")
	c.Flags().StringVar(&o.Htpasswd, "htpasswd", "", "file of users and bcrypt hashes")
	c.Flags().StringVar(&o.TokenFile, "token-file", "", "file of tokens, one a line")
	c.Flags().BoolVar(&o.AnonymousPull, "anonymous-pull", false, "let everybody pull; pushing needs credentials")
	c.Flags().BoolVar(&o.ReadOnly, "read-only", false, "refuse pushes and deletions")
	c.Flags().BoolVar(&o.AllowDelete, "allow-delete", false, "let clients delete, and collect an hour later what no manifest names")
	c.Flags().BoolVar(&o.NoAuth, "no-auth", false, "let other machines in without credentials")
	c.Flags().BoolVar(&o.PlainHTTP, "plain-http", false, "let other machines in without TLS")
	return c
}

// served is what is printed about a server.
type served struct {
	registry.Options
	URL string `json:"url"`
}

func serveRegistry(cmd *cobra.Command, o registry.Options) error {
	if o.Dir == "" {
		root, err := workspaceRoot(cmd)
		if err != nil {
			return lab.Usagef("serve --registry: no workspace, so name the registry's folder with --dir (%v)", err)
		}
		o.Dir = lab.RegistryDir(root)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	s, err := registry.Open(o, cmd.ErrOrStderr())
	if errors.Is(err, registry.ErrOptions) {
		err = lab.Classed(lab.ErrUsage, err)
	}
	if err != nil {
		return err
	}
	printed := newPrinter(cmd).object("serve", served{o, s.URL}, func(out io.Writer) {
		scheme, host, _ := strings.Cut(s.URL, "://")
		fmt.Fprintf(out, "registry %s in %s\n", s.URL, o.Dir)
		if flag := map[string]string{"http": " --plain-http"}[scheme]; !o.ReadOnly {
			fmt.Fprintf(out, "assay push WORKLOAD %s/REPO:TAG%s\n", host, flag)
		} else {
			fmt.Fprintf(out, "assay pull %s/REPO:TAG%s\n", host, flag)
		}
	})
	if printed != nil {
		return errors.Join(printed, s.Close())
	}
	return s.Serve(cmd.Context())
}
