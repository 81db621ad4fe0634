package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/stores"
)

func newStore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Add stores beside the archive; archive in them, check and clean them",
		Long: `Add stores beside the archive; archive in them, check and clean them.

The archive is the store on disk, in .assay. assay.yaml may define others, each a bucket of an S3 server such
as MinIO, by name. The one in use gets everything that is archived, in the background; what the archive lacks
or holds damaged is read from it. See docs/stores.md.`,
	}
	cmd.AddCommand(newStoreAdd(), newStoreLs(), newStoreUse(), newStoreRm(), newStoreSync(), newStoreCheck(), newStoreGC(), newStoreLink())
	return cmd
}

func newStoreAdd() *cobra.Command {
	var c settings.Store
	var opts stores.AddOptions
	cmd := &cobra.Command{
		Use:   "add NAME s3://BUCKET/PREFIX --endpoint URL",
		Short: "Define a store in assay.yaml, after it was opened",
		Long: `Define a store in assay.yaml, after it was opened. The first one is the one in use from then on.

Keys are taken from the file that --credentials names (of the AWS tools' format, or the JSON that a MinIO
console exports), or from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the usual places of AWS. They are
never written down.`,
		Example: "  assay store add lab s3://results/thesis --endpoint https://minio.example:9000 --credentials ~/.minio/lab.json --create",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			c.URL = args[1]
			if err := w.Stores.Add(cmd.Context(), args[0], c, opts); err != nil {
				return err
			}
			if err := w.Stores.Upload(cmd.Context()); err != nil {
				return err
			}
			return printStores(cmd, w, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Endpoint, "endpoint", "", "the server: https://HOST:PORT, or http://, where nobody else listens")
	f.StringVar(&c.Region, "region", "", "region (default: what the server says)")
	f.StringVar(&c.CA, "ca", "", "PEM file of certificates to trust, of a server with its own")
	f.StringVar(&c.Credentials, "credentials", "", "file of the keys, readable by you alone")
	f.BoolVar(&opts.Create, "create", false, "make the bucket, if there is none, and the store in it")
	f.BoolVar(&opts.ObjectLock, "object-lock", false, "with --create: the bucket must be able to retain what is published")
	return cmd
}

func newStoreLs() *cobra.Command {
	var count bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the stores: where, in use or not, reachable or why not, what waits",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			all, err := w.Stores.List(cmd.Context(), count)
			if err != nil {
				return err
			}
			for _, s := range all {
				if s.LastTry != "" {
					fmt.Fprintf(cmd.ErrOrStderr(), "store %s: the last upload ended with: %s\n", s.Name, visible(s.LastTry))
				}
			}
			return list(newPrinter(cmd), "store", all, "STORE\tIN USE\tWAITING\tSTATE\tWHERE", storeRow)
		},
	}
	cmd.Flags().BoolVar(&count, "count", false, "also count blobs and bytes, which lists everything in each store")
	return cmd
}

func storeRow(s stores.State) []any {
	inUse, state := "", "reachable"
	if s.InUse {
		inUse = "yes"
	}
	if s.Counted {
		state += fmt.Sprintf(", %d blobs, %s", s.Blobs, size(s.Bytes))
	}
	if s.Error != "" {
		state = s.Brief()
	}
	return []any{s.Name, inUse, s.Waiting, state, s.Config}
}

// printStores prints the state of one store.
func printStores(cmd *cobra.Command, w *lab.Workspace, name string) error {
	all, err := w.Stores.List(cmd.Context(), false)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == name {
			return newPrinter(cmd).object("store", s, func(out io.Writer) {
				fmt.Fprintf(out, "store %s: %v\n", s.Name, s.Config)
				if s.InUse {
					fmt.Fprintf(out, "it is in use: what is archived goes there, too; %d waiting\n", s.Waiting)
				} else {
					fmt.Fprintf(out, "it is not in use, and nothing is archived there: \"assay store use %s\" changes that\n", s.Name)
				}
			})
		}
	}
	return nil
}

func newStoreUse() *cobra.Command {
	var none bool
	cmd := &cobra.Command{
		Use:   "use NAME|--none",
		Short: "Say which store this checkout archives to",
		Long: `Say which store this checkout archives to, and reads from what its archive lacks. This is noted in .assay, not in
assay.yaml, which may come from somebody else. ASSAY_STORE=NAME says the same for one command.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := optional(args)
			if none == (name != "") {
				return fmt.Errorf("store use: give a name, or --none: %w", errFlags)
			}
			w, err := workspace(cmd)
			if errors.Is(err, settings.ErrMoved) {
				var root string
				if root, err = workspaceRoot(cmd); err == nil {
					w, err = lab.OpenToChoose(cmd.Context(), root)
				}
			}
			if err != nil {
				return err
			}
			if err := w.Stores.Use(cmd.Context(), name); err != nil {
				return err
			}
			if none {
				return newPrinter(cmd).object("store", struct{}{}, func(out io.Writer) { fmt.Fprintln(out, "no store is in use") })
			}
			if err := w.Stores.Upload(cmd.Context()); err != nil {
				return err
			}
			return printStores(cmd, w, name)
		},
	}
	cmd.Flags().BoolVar(&none, "none", false, "archive on this disk alone")
	return cmd
}

func newStoreRm() *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME",
		Short: "Take a store's definition from assay.yaml; what is in it stays",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			was := w.Stores.InUse() == args[0]
			if err := w.Stores.Remove(cmd.Context(), args[0]); err != nil {
				return err
			}
			if was {
				fmt.Fprintln(cmd.ErrOrStderr(), `it was the one in use; now none is: "assay store use NAME" chooses another`)
			}
			removed := struct {
				Name string `json:"name"`
			}{args[0]}
			return newPrinter(cmd).object("removed", removed, func(out io.Writer) {
				fmt.Fprintf(out, "store %s is not defined any more; what is in it stays\n", removed.Name)
			})
		},
	}
}

func newStoreSync() *cobra.Command {
	var opts stores.SyncOptions
	cmd := &cobra.Command{
		Use:   "sync [NAME]",
		Short: "Archive everything in a store now, and wait until it is there",
		Long: `Archive everything in a store now (default: the one in use, or the only one), and wait until it is there. What
the store has is not sent again, and a sync that was cut off goes on where it was. While an experiment of this
workspace is measured, nothing is sent, unless with --now. Exit status 3 if the store still lacks something.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openWorkspace(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			opts.Progress = bar.transfer
			report, err := w.Stores.Sync(cmd.Context(), optional(args), opts)
			bar.close()
			if report.Store == "" {
				return err
			}
			return errors.Join(err, newPrinter(cmd).object("sync", report, func(out io.Writer) {
				fmt.Fprintf(out, "store %s: %d archived; blobs sent: %d, %s", report.Store, report.Archived, report.Blobs, size(report.Bytes))
				if report.Waiting > 0 {
					fmt.Fprintf(out, "; still waiting: %d", report.Waiting)
				}
				fmt.Fprintln(out)
			}))
		},
	}
	cmd.Flags().BoolVar(&opts.Now, "now", false, "do not wait until nothing is being measured: what is sent then can slow what is measured")
	return cmd
}

// optional returns the one argument that there may be.
func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func newStoreCheck() *cobra.Command {
	var readData, repair bool
	cmd := &cobra.Command{
		Use:   "check [NAME]",
		Short: "Report every problem of the archive, or of a store",
		Long: `Report every problem of the archive, or of the store that is named: references to nothing, blobs that name
missing ones, malformed and stray files and, unless --read-data=false, blobs whose bytes are not what their
digest says. --repair puts back what is damaged or missing, the archive's from the stores that assay.yaml
defines, a store's from the archive. Exit status 5 if something damaged or missing is left; stray and unfinished
files do no harm.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			if repair {
				report, err := w.Repair(cmd.Context(), optional(args))
				if report.Left == nil {
					return err // it could not look at everything
				}
				return errors.Join(err, newPrinter(cmd).object("repair", report, func(out io.Writer) { lab.WriteRepair(out, report) }))
			}
			report, err := w.Check(cmd.Context(), optional(args), readData)
			if report.Problems == nil {
				return err // it could not look at everything
			}
			return errors.Join(err, newPrinter(cmd).object("check", report, func(out io.Writer) { lab.WriteCheck(out, report) }))
		},
	}
	cmd.Flags().BoolVar(&readData, "read-data", true, "read and hash every blob")
	cmd.Flags().BoolVar(&repair, "repair", false, "read everything, and put back what is damaged or missing from another copy")
	return cmd
}

func newStoreGC() *cobra.Command {
	var opts lab.GCOptions
	cmd := &cobra.Command{
		Use:   "gc [NAME]",
		Short: "Delete what no reference and no pin in assay.lock reaches",
		Long: `Delete what no reference and no pin in assay.lock reaches, from the archive or from the store that is named. A
store keeps every value that a workspace has archived there.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			report, err := w.GC(cmd.Context(), optional(args), opts)
			if err != nil {
				return err
			}
			return newPrinter(cmd).object("gc", report, func(out io.Writer) { lab.WriteGC(out, report) })
		},
	}
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "say what would be deleted, delete nothing")
	opts.MinAge = 24 * time.Hour
	cmd.Flags().Var((*days)(&opts.MinAge), "min-age", "keep what is younger: another process may be about to name it")
	return cmd
}

func newStoreLink() *cobra.Command {
	var store, file string
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "link REF",
		Short: "Print links that give the files of a run, workload or figure to whoever has them",
		Long: `Print a line for each file of a run, workload or figure in a store: its name and a link that gives it to whoever
has the link, without an account, until it expires: 7 days at most. A link cannot be taken back; it contains an
access key's name, never the secret.`,
		ValidArgsFunction: complete(completeRuns),
		Args:              cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			links, err := w.Links(cmd.Context(), store, args[0], file, expires)
			if err != nil {
				return err
			}
			return list(newPrinter(cmd), "link", links, "FILE\tLINK", func(l lab.StoreLink) []any { return []any{l.File, l.URL} })
		},
	}
	cmd.Flags().StringVar(&store, "store", "", "the store (default: the one in use, or the only one)")
	cmd.Flags().StringVar(&file, "file", "", "one file, such as trace.parquet (default: all)")
	expires = 24 * time.Hour
	cmd.Flags().Var((*days)(&expires), "expires", "how long the links are valid")
	return cmd
}

func newExportOCI() *cobra.Command {
	return &cobra.Command{
		Use:   "export-oci DIR",
		Short: "Write workloads, runs, imports and figures as an OCI image layout folder",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			roots, err := w.ExportOCI(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return list(newPrinter(cmd), "root", roots, "TAG\tMANIFEST", func(r lab.ExportedRoot) []any {
				return []any{r.Name, r.Digest}
			})
		},
	}
}
