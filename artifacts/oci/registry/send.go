package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/underway"
)

// send uploads a blob. What goes in one request is read before it, and verified.
// A longer one that is a file here is sent by the system, and hashed by nobody on
// this side: the registry compares it with its digest, or takes it not.
func (p *pusher) send(ctx context.Context, d oci.Descriptor, way *underway.Blob) error {
	if d.Size <= oneRequest {
		b, err := p.read(ctx, d.Digest, d.Size)
		if err != nil {
			return err
		}
		return p.c.upload(ctx, d, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
	}
	if f := p.file(ctx, d); f != nil {
		f.Close()
		return p.sendFile(ctx, d, way)
	}
	return p.sendRead(ctx, d, way)
}

// file opens the file of a blob, if that can be sent: it is as long as it should
// be, and there is one.
func (p *pusher) file(ctx context.Context, d oci.Descriptor) *os.File {
	filer, ok := p.r.(interface {
		File(context.Context, assay.Digest) (*os.File, error)
	})
	if !ok {
		return nil
	}
	f, err := filer.File(ctx, d.Digest)
	if err != nil {
		return nil // reading it will say why, or mend it
	}
	if info, err := f.Stat(); err != nil || info.Size() != d.Size {
		f.Close()
		return nil
	}
	return f
}

// tell is how often a file that is sent is looked at for how far it is.
const tell = 250 * time.Millisecond

func (p *pusher) sendFile(ctx context.Context, d oci.Descriptor, way *underway.Blob) error {
	var sending atomic.Pointer[os.File]
	done, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		tick := time.NewTicker(tell)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if f := sending.Load(); f != nil {
					if at, err := f.Seek(0, io.SeekCurrent); err == nil { // else it is closed
						way.Reached(at)
					}
				}
			}
		}
	}()
	err := p.c.upload(ctx, d, func() (io.ReadCloser, error) {
		f := p.file(ctx, d)
		if f == nil {
			return nil, errors.New("its file changed or went while it was sent; push again")
		}
		sending.Store(f)
		return f, nil
	})
	close(done)
	<-told
	if answer, ok := errors.AsType[*transport.Error](err); ok && answer.StatusCode == http.StatusBadRequest {
		way.Undo() // these are other bytes than they should be, as reading them will show
		return p.sendRead(ctx, d, way)
	}
	return err
}

// sendRead uploads a blob that is verified on the way.
func (p *pusher) sendRead(ctx context.Context, d oci.Descriptor, way *underway.Blob) error {
	return p.c.upload(ctx, d, func() (io.ReadCloser, error) {
		rc, err := p.content.Open(ctx, p.r, d.Digest)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{way.Reader(rc), rc}, nil
	})
}
