package kernel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// request sends a request on the shell socket and decodes the reply's content.
func request[T any](p *process, kind string, content any) (reply T) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), deadline)
	defer cancel()
	m, err := p.client.Request(ctx, kind, content, nil)
	if err != nil {
		p.t.Fatalf("%s: %v", kind, err)
	}
	if err := json.Unmarshal(m.Content, &reply); err != nil {
		p.t.Fatalf("%s: %v", kind, err)
	}
	return reply
}

// TestEditor completes and explains what kernelext has.
func TestEditor(t *testing.T) {
	p := start(t, t.TempDir(), func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "HEADLESS=") })
	if got, reply := p.execute("import assay \"github.com/assay-notebooks/assay/kernelext\"\n%%\nfmt.Println(assay.Cold{Invocations: 3}.Invocations)"); got != "3\n" {
		t.Fatalf("%+v, output %q; want 3", reply, got)
	}
	const code = "%%\nassay."
	eventually(t, func() string {
		reply := request[struct{ Matches []string }](p, "complete_request", map[string]any{"code": code, "cursor_pos": len(code)})
		for _, want := range []string{"Workload", "Experiment", "Draw", "Runtimes"} {
			if !slices.ContainsFunc(reply.Matches, func(m string) bool { return strings.HasPrefix(m, want) }) {
				return fmt.Sprintf("complete %q: %q, want %s", code, reply.Matches, want)
			}
		}
		return ""
	})
	const hover = "%%\nassay.Workload(\"x\")"
	eventually(t, func() string {
		reply := request[struct{ Data map[string]string }](p, "inspect_request",
			map[string]any{"code": hover, "cursor_pos": strings.Index(hover, "load"), "detail_level": 0})
		for _, text := range reply.Data {
			if strings.Contains(text, "func assay.Workload(dir string)") && strings.Contains(text, "Workload builds ") {
				return ""
			}
		}
		return fmt.Sprintf("inspect: %q, want Workload's doc comment", reply.Data)
	})
}
