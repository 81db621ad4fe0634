package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md")

// TestReference holds docs/cli.md to the help texts, which are the manual.
func TestReference(t *testing.T) {
	var got bytes.Buffer
	got.WriteString("# The command line\n\nMade from the help texts by `make docs`. stdout is the result, stderr is progress; `--json` prints one\n" +
		"object a line, each with a `type`. Every command takes the [global flags](#global-flags) and ends with one of the\n" +
		"[exit statuses](#exit-statuses). `assay completion SHELL` prints a completion script.\n")
	root := newRoot()
	describe(&got, root)
	fmt.Fprintf(&got, "\n## Global flags\n\n```\n%s```\n", root.PersistentFlags().FlagUsages())
	fmt.Fprintf(&got, "\n## Exit statuses\n\n%s\n", strings.TrimSpace(exitHelp))
	text := bytes.ReplaceAll(got.Bytes(), []byte("\n\n\n"), []byte("\n\n"))
	path := filepath.Join("..", "..", "docs", "cli.md")
	if *update {
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s is not what the help texts say: run make docs", path)
	}
}

// describe writes a section for c and each of its commands.
func describe(out *bytes.Buffer, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
		return
	}
	fmt.Fprintf(out, "\n## %s\n", c.CommandPath())
	if group := c.HasSubCommands() && c.Args == nil; c.HasParent() && !group {
		fmt.Fprintf(out, "\n    %s\n", c.UseLine())
	}
	fmt.Fprintf(out, "\n%s\n", indented.ReplaceAllStringFunc(strings.TrimSpace(strings.Replace(c.Long, exitHelp, "", 1)), code))
	if flags := c.LocalNonPersistentFlags().FlagUsages(); flags != "" {
		fmt.Fprintf(out, "\n```\n%s```\n", flags)
	}
	if c.Example != "" {
		fmt.Fprintf(out, "\nExamples:\n%s", code(c.Example))
	}
	for _, sub := range c.Commands() {
		describe(out, sub)
	}
}

// indented matches the lines of a help text that begin with two spaces.
var indented = regexp.MustCompile(`(?m)(^  .*\n?)+`)

// code makes such lines a paragraph of code.
func code(lines string) string {
	return "\n  " + strings.ReplaceAll(strings.TrimRight(lines, "\n"), "\n", "\n  ") + "\n"
}
