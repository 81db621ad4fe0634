package minio

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"sync"
	"time"

	miniogo "github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

const (
	maxParts    = 10_000 // of an upload, the rule of S3
	cleanupTime = 15 * time.Second
)

// Upload stores size bytes of r under key, in place of what it held. Bytes that
// are not those of sum are ErrCorrupt, and nothing is stored. r may be read in
// parallel and again.
//
// What goes in one request the server itself checks against sum, and nobody
// hashes it here. Of a larger value it checks the CRC-32C of each part, while all
// of it is hashed here in the same pass; without sum the parts are not put
// together.
func (b *Backend) Upload(ctx context.Context, key string, r io.ReaderAt, size int64, sum assay.Digest) error {
	if err := artifacts.CheckKey(key); err != nil {
		return err
	}
	if _, err := b.put(ctx, key, content{r, size, sum.Hex()}, artifacts.Condition{}); err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	return nil
}

// putParts sends c in parts. One that is killed leaves an unfinished upload,
// which Leftovers yields.
func (b *Backend) putParts(ctx context.Context, key string, c content) (err error) {
	u := &upload{b: b, name: b.name(key), mark: rand.Text()}
	err = b.retry(ctx, func() (err error) {
		u.id, err = b.core.NewMultipartUpload(ctx, b.cfg.Bucket, u.name, miniogo.PutObjectOptions{
			UserMetadata: map[string]string{uploadMark: u.mark, "x-amz-checksum-algorithm": "CRC32C"},
		})
		return err
	})
	if err != nil {
		return err
	}
	if err = u.send(ctx, c); err == nil {
		err = u.complete(ctx)
	}
	if err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		_ = b.abort(cleanup, u.name, u.id) // else it is left over, as after a kill
		return err
	}
	return nil
}

func (b *Backend) abort(ctx context.Context, name, id string) error {
	err := b.retry(ctx, func() error { return b.core.AbortMultipartUpload(ctx, b.cfg.Bucket, name, id) })
	if code(err) == "NoSuchUpload" {
		return nil
	}
	return err
}

// uploadMark is the metadata that tells the value of one upload from another's.
const uploadMark = "Upload"

// An upload is a value on its way in parts.
type upload struct {
	b        *Backend
	name, id string
	mark     string
	parts    []miniogo.CompletePart
}

// send reads c once, in order, while parts of it are under way.
func (u *upload) send(ctx context.Context, c content) error {
	part := max(u.b.limits.part, (c.size+maxParts-1)/maxParts) // bytes
	u.parts = make([]miniogo.CompletePart, (c.size+part-1)/part)
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(u.b.limits.parallel)
	whole := sha256.New()
	var buffers sync.Pool
	for i := range u.parts {
		if !u.b.takePart(group) {
			break
		}
		buf, _ := buffers.Get().(*[]byte)
		if buf == nil {
			buf = new(make([]byte, min(part, c.size)))
		}
		p := (*buf)[:min(part, c.size-int64(i)*part)]
		n, err := c.ReadAt(p, int64(i)*part)
		whole.Write(p[:n])
		g.Go(func() error {
			defer func() { <-u.b.parts }()
			defer buffers.Put(buf)
			if n < len(p) {
				return fmt.Errorf("read the bytes to upload: %w", err)
			}
			return u.sendPart(group, i, p)
		})
	}
	if err := errors.Join(g.Wait(), context.Cause(ctx)); err != nil {
		return err
	}
	if hex.EncodeToString(whole.Sum(nil)) != c.sum {
		return fmt.Errorf("the bytes to upload are not those of sha256:%s: %w", c.sum, artifacts.ErrCorrupt)
	}
	return nil
}

func (u *upload) sendPart(ctx context.Context, i int, p []byte) error {
	// A SHA-256 of each part, besides that of the whole, would double the work.
	var crc [4]byte
	binary.BigEndian.PutUint32(crc[:], crc32.Checksum(p, castagnoli))
	sum := base64.StdEncoding.EncodeToString(crc[:])
	return u.b.retry(ctx, func() error {
		made, err := u.b.core.PutObjectPart(ctx, u.b.cfg.Bucket, u.name, u.id, i+1, bytes.NewReader(p), int64(len(p)),
			miniogo.PutObjectPartOptions{DisableContentSha256: true, CustomHeader: http.Header{"X-Amz-Checksum-Crc32c": {sum}}})
		u.parts[i] = miniogo.CompletePart{PartNumber: i + 1, ETag: made.ETag, ChecksumCRC32C: sum}
		return err
	})
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// takePart waits until there is memory for another part.
func (b *Backend) takePart(ctx context.Context) bool {
	select {
	case b.parts <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// complete makes the parts the value of the key. When the answer to a first
// request was lost, the second finds no upload: then the value says whose it is.
func (u *upload) complete(ctx context.Context) error {
	err := u.b.retry(ctx, func() error {
		_, err := u.b.core.CompleteMultipartUpload(ctx, u.b.cfg.Bucket, u.name, u.id, u.parts, miniogo.PutObjectOptions{})
		return err
	})
	if code(err) != "NoSuchUpload" {
		return err
	}
	var info miniogo.ObjectInfo
	statErr := u.b.retry(ctx, func() (err error) {
		info, err = u.b.core.StatObject(ctx, u.b.cfg.Bucket, u.name, miniogo.StatObjectOptions{})
		return err
	})
	if statErr == nil && info.UserMetadata[uploadMark] == u.mark {
		return nil
	}
	return err
}
