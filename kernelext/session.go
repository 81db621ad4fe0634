package kernelext

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/assay-notebooks/assay/kernelext/wire"
)

// session is this program's line to assay. It is opened by the first request
// and closed, with the child, by the end of the program.
var session struct {
	sync.Mutex
	enc    *json.Encoder
	dec    *json.Decoder
	lastID int64
}

// ask sends req and returns its final response, showing progress meanwhile.
// It does not return if there was an error.
func ask(req wire.Request) wire.Response {
	session.Lock()
	defer session.Unlock()
	if session.enc == nil {
		if err := open(); err != nil {
			fail(err)
		}
	}
	session.lastID++
	req.ID = session.lastID
	if err := session.enc.Encode(req); err != nil {
		fail(fmt.Errorf("assay went away: %w", err))
	}
	for {
		var resp wire.Response
		err := session.dec.Decode(&resp)
		switch {
		case errors.Is(err, io.EOF):
			fail(errors.New("assay ended before it answered; what it said is above"))
		case err != nil:
			fail(fmt.Errorf("answer of assay: %w", err))
		case resp.Progress != nil:
			show(*resp.Progress)
			continue
		case resp.Error != "":
			fail(errors.New(resp.Error))
		}
		return resp
	}
}

func open() error {
	bin := os.Getenv("ASSAY_BIN")
	if bin == "" {
		bin = "assay"
	}
	cmd := exec.Command(bin, "session")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf(`start assay: %w; put it on PATH or name it in ASSAY_BIN ("make build" makes bin/assay)`, err)
	}
	session.enc, session.dec = json.NewEncoder(in), json.NewDecoder(out)
	return nil
}

// show prints progress on stderr: a line each tenth.
func show(p wire.Progress) {
	if p.Total > 0 && (p.Done == p.Total || p.Done%max(p.Total/10, 1) == 0) {
		fmt.Fprintf(os.Stderr, "%s: %d of %d, %s\n", p.Run, p.Done, p.Total, p.Current)
	}
}
