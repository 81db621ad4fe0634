package protocol_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// The client talks to a kernel that is not of our making, over libzmq.
func TestIPython(t *testing.T) {
	cache := os.Getenv("ASSAY_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "assay")
	}
	python := filepath.Join(cache, "tools", "jupyter", "bin", "python")
	if out, err := exec.Command(python, "-c", "import ipykernel").CombinedOutput(); err != nil {
		t.Logf("%s", out)
		tooltest.Missing(t, "jupyter", err)
	}
	dir := t.TempDir()
	connection, err := protocol.NewConnection(dir, "python3")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kernel.json")
	if err := connection.Write(file); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-m", "ipykernel_launcher", "-f", file)
	cmd.Env = append(os.Environ(), "HOME="+dir, "IPYTHONDIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	c, err := protocol.Dial(ctx, connection)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Info().Language.Name; got != "python" {
		t.Errorf("language %q, want python", got)
	}
	var printed string
	code := protocol.Code{Code: "print(6 * int(input()))\n1 / 0", Output: func(m protocol.Message) {
		var content struct{ Text string }
		if m.Header.Type == "stream" && json.Unmarshal(m.Content, &content) == nil {
			printed += content.Text
		}
	}, Input: func(protocol.Message) string { return "7" }}
	reply, err := c.Execute(ctx, code)
	if err != nil || reply.Name != "ZeroDivisionError" || reply.ExecutionCount != 1 || printed != "42\n" {
		t.Errorf("Execute = %+v, %v, printed %q; want a ZeroDivisionError and 42", reply, err, printed)
	}
	if err := c.Ping(ctx); err != nil {
		t.Error(err)
	}
	if err := c.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	<-c.Closed()
}
