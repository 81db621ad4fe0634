package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/assay-notebooks/assay/internal/stall"
	"github.com/assay-notebooks/assay/runners"
)

// archive fetches a release archive and extracts it.
func (j job) archive(ctx context.Context, a runners.Archive) (record, error) {
	url, ok := a.URL[Platform]
	if !ok {
		return record{}, fmt.Errorf("runtimes.lock has no archive for %s", Platform)
	}
	want := a.Digest[Platform]
	file := filepath.Join(j.work, path.Base(url))
	if same(file, want) != nil { // else an earlier attempt left it
		if err := j.download(ctx, url, file); err != nil {
			return record{}, err
		}
		if err := same(file, want); err != nil {
			return record{}, err
		}
	}
	return record{Origin: url}, unpack(file, j.out, all)
}

// stallLimit is for how long nothing may come of a download.
const stallLimit = time.Minute

// download writes what url gives to file.
func (j job) download(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = stall.Dialer(net.Dialer{Timeout: 30 * time.Second}, cmp.Or(j.o.Stall, stallLimit))
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("%w; check the network and HTTPS_PROXY", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s; fetch it where that is allowed, and set archive.url in runtimes.lock to where it is then", url, resp.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	body := &counted{r: io.LimitReader(resp.Body, maxBytes), job: j, total: max(resp.ContentLength, 0)}
	if _, err = io.Copy(f, body); errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%s: nothing came for %v: %w; check the network, and try again", url, cmp.Or(j.o.Stall, stallLimit), err)
	}
	return errors.Join(err, f.Close())
}

// A counted reader tells each MiB that is read of a download.
type counted struct {
	r                 io.Reader
	job               job
	done, said, total int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.done += int64(n)
	if c.done-c.said >= 1<<20 || err == io.EOF {
		c.said = c.done
		c.job.progress(Progress{Doing: "downloading", Done: c.done, Total: c.total, Bytes: true})
	}
	return n, err
}
