package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md")

// TestReference holds docs/cli.md to the help texts, which are the manual.
func TestReference(t *testing.T) {
	var got bytes.Buffer
	got.WriteString("# The command line\n\nMade from the help texts by `make docs`. stdout is the result, stderr is progress; `--json` prints one\n" +
		"object a line, each with a `type`. `assay completion SHELL` prints a completion script.\n")
	describe(&got, newRoot())
	path := filepath.Join("..", "..", "docs", "cli.md")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not what the help texts say: run make docs", path)
	}
}

func describe(out *bytes.Buffer, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
		return
	}
	fmt.Fprintf(out, "\n## %s\n\n%s\n", c.CommandPath(), strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(c.Long), strings.TrimSpace(exitHelp))))
	if c.Runnable() && (!c.HasSubCommands() || c.Name() == "runtimes") {
		fmt.Fprintf(out, "\n    %s\n", c.UseLine())
	}
	if flags := c.LocalNonPersistentFlags().FlagUsages(); flags != "" {
		fmt.Fprintf(out, "\n```\n%s```\n", flags)
	}
	for _, sub := range c.Commands() {
		describe(out, sub)
	}
	if !c.HasParent() {
		fmt.Fprintf(out, "\n## Exit statuses\n\n%s\n", strings.TrimSpace(exitHelp))
	}
}
