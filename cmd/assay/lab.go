package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/jupyterlab"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newLab() *cobra.Command {
	var o jupyterlab.Options
	c := &cobra.Command{
		Use:   "lab [DIR|NOTEBOOK]",
		Short: "Start JupyterLab with the kernel for Go cells",
		Long: `Start JupyterLab in a folder (default: the working directory) or with a notebook
open. stdout gets one line, the address of the page with its token. Ctrl-C stops
the server, its kernels and nothing else: a run being measured goes on by itself.
A second Ctrl-C kills them.

The folder is made a workspace if it is in none. JupyterLab is the version 4 on
PATH, or one that is installed into the cache on first use from a locked list;
that needs Python 3.10 or later and, the first time, the network. All that
Jupyter keeps is below .assay/jupyter, nothing is in your home. See docs/lab.md.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Open = args[0]
			}
			return runLab(cmd, o)
		},
	}
	c.Flags().StringVar(&o.IP, "ip", "", "address to listen on (default 127.0.0.1: this machine only)")
	c.Flags().BoolVar(&o.Exposed, "expose", false, "allow an --ip that other machines reach")
	c.Flags().IntVar(&o.Port, "port", 0, "port to listen on (default: a free one from 8888 up)")
	c.Flags().BoolVar(&o.Browser, "browser", false, "open the page in a browser")
	c.Flags().BoolVar(&o.Locked, "locked", false, "use the locked JupyterLab even if there is one on PATH")
	c.Flags().BoolVar(&o.AllKernels, "all-kernels", false, "offer the other kernels of this machine too, such as Python")
	return c
}

func runLab(cmd *cobra.Command, o jupyterlab.Options) error {
	say := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP) // the terminal was closed
	defer stop()
	var err error
	if o.Workspace, err = workspaceElsewhere(cmd); err != nil {
		return err
	}
	if o.Kernel, err = kernelOptions(); err != nil {
		return err
	}
	s, err := jupyterlab.Start(ctx, o, say)
	if err != nil {
		return err
	}
	uploading, stopUploading := context.WithCancel(ctx)
	uploads := make(chan struct{})
	go func() {
		defer close(uploads)
		keepUploading(uploading, s.Workspace.Root)
	}()
	err = serveLab(ctx, cmd, o, s)
	stopUploading()
	<-uploads
	sayRuns(cmd.Context(), s.Workspace, say)
	return err
}

// keepUploading starts what archives in the store in use, whenever something
// waits for it. The kernels cannot, if its keys are in the environment: Jupyter
// does not get them.
func keepUploading(ctx context.Context, root string) {
	tick := time.NewTicker(uploadInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if w, err := lab.Open(ctx, root); err == nil {
				_ = w.Stores.Upload(ctx) // what goes wrong is noted, for assay store ls
			}
		}
	}
}

const uploadInterval = 10 * time.Second

// serveLab prints where the page is and waits until the server has ended.
func serveLab(ctx context.Context, cmd *cobra.Command, o jupyterlab.Options, s *jupyterlab.Server) (err error) {
	say := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	if o.Exposed {
		say("warning: other machines can reach this page, and nothing is encrypted: whoever sees the token can run programs as you")
	}
	say(fmt.Sprintf("JupyterLab %s (%s), log %s; Ctrl-C stops it", s.Version, s.Program, s.Log))
	printed := newPrinter(cmd).object("lab", s, func(out io.Writer) { fmt.Fprintln(out, s.URL) })
	if printed == nil {
		select {
		case <-ctx.Done():
			say("stopping JupyterLab and its kernels; Ctrl-C again kills them")
		case <-s.Done():
			say("JupyterLab has ended")
		}
	}
	impatient, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.Stop(impatient); err != nil {
		return err
	}
	return printed
}

// sayRuns says which runs go on after the lab.
func sayRuns(ctx context.Context, w *lab.Workspace, say func(string)) {
	runs, err := w.Runs(context.WithoutCancel(ctx), lab.RunFilter{State: assay.Running})
	if err != nil {
		say(fmt.Sprintf("runs: %v", err))
	}
	for _, r := range runs {
		say(fmt.Sprintf("run %s (%s) is still being measured: assay attach %s, or assay cancel %s", r.ID, r.Name, r.ID, r.ID))
	}
}
