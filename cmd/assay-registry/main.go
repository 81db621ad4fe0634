// Command assay-registry is the team registry that "assay serve --registry"
// becomes. It is a program of its own because it links olareg, which computes a
// bcrypt hash whenever it starts.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/assay-notebooks/assay/internal/registry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return
	}
	fmt.Fprintf(os.Stderr, "assay-registry: %v\n", err)
	if errors.Is(err, registry.ErrOptions) || errors.Is(err, errFlags) {
		os.Exit(2) // as assay
	}
	os.Exit(1)
}

// errFlags marks a command line that cannot be parsed.
var errFlags = errors.New("see --help")

// run serves until ctx is done. It prints where, and for each request a line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o registry.Options
	flags := o.Flags()
	asJSON := flags.Bool("json", false, "print where it is as JSON")
	flags.SetOutput(stderr)
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", err, errFlags)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: %w", flags.Arg(0), errFlags)
	}
	if o.Dir != "" {
		dir, err := filepath.Abs(o.Dir)
		if err != nil {
			return err
		}
		o.Dir = dir
	}
	s, err := registry.Open(o, stderr)
	if err != nil {
		return err
	}
	if err := announce(stdout, o, s.URL, *asJSON); err != nil {
		return errors.Join(err, s.Close())
	}
	return s.Serve(ctx)
}

// announce prints where a registry is, and an example.
func announce(out io.Writer, o registry.Options, url string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(struct {
			Type string `json:"type"`
			registry.Options
			URL string `json:"url"`
		}{"serve", o, url})
	}
	scheme, host, _ := strings.Cut(url, "://")
	example := "push WORKLOAD"
	if o.ReadOnly {
		example = "pull"
	}
	flag := ""
	if scheme == "http" {
		flag = " --plain-http"
	}
	_, err := fmt.Fprintf(out, "registry %s in %s\nassay %s %s/REPO:TAG%s\n", url, o.Dir, example, host, flag)
	return err
}
