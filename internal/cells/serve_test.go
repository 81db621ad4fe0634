package cells_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/assay-notebooks/assay/internal/cells"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// TestServe asks for something in a workspace that does not open before the
// request is ended: whatever ends it, it is answered.
func TestServe(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(requests *json.Encoder, in *io.PipeWriter, kernel context.CancelFunc)
		want string
	}{
		{"cancel", func(requests *json.Encoder, _ *io.PipeWriter, _ context.CancelFunc) {
			requests.Encode(wire.Request{ID: 7, Cancel: &wire.Cancel{}}) // of another request: nothing ends
			requests.Encode(wire.Request{ID: 1, Cancel: &wire.Cancel{}})
		}, "interrupted"},
		{"the program goes away", func(_ *json.Encoder, in *io.PipeWriter, _ context.CancelFunc) { in.Close() }, "the program has gone"},
		{"the kernel ends", func(_ *json.Encoder, _ *io.PipeWriter, kernel context.CancelFunc) { kernel() }, lab.ErrLeft.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, kernel := context.WithCancel(t.Context())
				defer kernel()
				cause := make(chan string, 1)
				open := func(ctx context.Context) (*lab.Workspace, error) {
					<-ctx.Done()
					cause <- context.Cause(ctx).Error()
					return nil, errors.New("no workspace")
				}
				in, requests := io.Pipe()
				answers, out := io.Pipe()
				served := make(chan error, 1)
				go func() {
					served <- cells.Serve(ctx, open, in, out)
					out.Close()
				}()
				enc := json.NewEncoder(requests)
				if err := enc.Encode(wire.Request{ID: 1, Hosts: &wire.Hosts{}}); err != nil {
					t.Fatal(err)
				}
				go func() {
					synctest.Wait() // the request is being answered
					c.end(enc, requests, kernel)
				}()
				var resp wire.Response
				if err := json.NewDecoder(answers).Decode(&resp); err != nil || resp.ID != 1 || resp.Error != "no workspace" {
					t.Errorf("answer %+v, %v", resp, err)
				}
				if got := <-cause; got != c.want {
					t.Errorf("the request ended because of %q, want %q", got, c.want)
				}
				requests.Close()
				if err := <-served; err != nil {
					t.Errorf("Serve: %v", err)
				}
			})
		})
	}
}

// TestServeMalformed reads what is no request.
func TestServeMalformed(t *testing.T) {
	open := func(context.Context) (*lab.Workspace, error) { return nil, errors.New("no workspace") }
	var out strings.Builder
	err := cells.Serve(t.Context(), open, strings.NewReader(`{"id":1,"hosts":{}} {"id":`), &out)
	if err == nil || !strings.Contains(err.Error(), "session: read request") {
		t.Errorf("Serve: %v, want an error about the request", err)
	}
	if !strings.Contains(out.String(), `"id":1,"error":"no workspace"`) {
		t.Errorf("answers %q, want one to the request before", &out)
	}
}
