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
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	miniogo "github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

const (
	maxParts    = 10_000 // of an upload, the rule of S3
	maxUploads  = 1000   // of one value that are looked at
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

// putParts sends c in parts. When the server or this process goes away, it leaves
// an unfinished upload, which the next one of the same value goes on with.
// Leftovers yields it.
func (b *Backend) putParts(ctx context.Context, key string, c content) error {
	u := &upload{b: b, name: b.name(key), sum: c.sum}
	err := u.resume(ctx)
	if err == nil {
		err = u.put(ctx, c)
	}
	if code(err) == "NoSuchUpload" { // another process went on with it, and gave it up
		u.id, u.have = "", nil
		err = u.put(ctx, c)
	}
	if err == nil || u.id == "" || ctx.Err() != nil || errors.Is(err, ErrUnreachable) {
		return err
	}
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	_ = b.abort(cleanup, u.name, u.id) // else it is left over
	return err
}

func (b *Backend) abort(ctx context.Context, name, id string) error {
	err := b.retry(ctx, func() error { return b.core.AbortMultipartUpload(ctx, b.cfg.Bucket, name, id) })
	if code(err) == "NoSuchUpload" {
		return nil
	}
	return err
}

// uploadMark is the metadata that tells what one upload in parts made from what
// another made: the SHA-256 of the value, "-", and what no other upload has.
const uploadMark = "Upload"

// An upload is a value on its way in parts. Two processes that send the same
// value may share one: the parts of both are the same.
type upload struct {
	b        *Backend
	name, id string
	sum      string                     // SHA-256 of the value, hex
	before   string                     // the mark of what the key held
	have     map[int]miniogo.ObjectPart // parts that the server has
	parts    []miniogo.CompletePart
}

// resume looks for an unfinished upload of the value whose parts the server can
// tell by their checksums.
func (u *upload) resume(ctx context.Context) (err error) {
	if u.before, err = u.marked(ctx); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var found miniogo.ListMultipartUploadsResult
	err = u.b.retry(ctx, func() (err error) {
		found, err = u.b.core.ListMultipartUploads(ctx, u.b.cfg.Bucket, u.name, "", "", "", maxUploads)
		return err
	})
	if errors.Is(err, ErrDenied) || code(err) == "NotImplemented" {
		return nil // it begins anew
	}
	if err != nil {
		return err
	}
	for _, other := range found.Uploads {
		if other.Key != u.name {
			continue
		}
		parts, err := u.b.arrived(ctx, u.name, other.UploadID)
		if code(err) == "NoSuchUpload" {
			continue
		}
		if err != nil {
			return err
		}
		have := map[int]miniogo.ObjectPart{}
		for _, p := range parts {
			if p.ChecksumCRC32C != "" {
				have[p.PartNumber] = p
			}
		}
		if len(have) > len(u.have) {
			u.id, u.have = other.UploadID, have
		}
	}
	return nil
}

// put sends what the server lacks and makes the parts the value of the key.
func (u *upload) put(ctx context.Context, c content) error {
	if u.id == "" {
		err := u.b.retry(ctx, func() (err error) {
			u.id, err = u.b.core.NewMultipartUpload(ctx, u.b.cfg.Bucket, u.name, miniogo.PutObjectOptions{
				UserMetadata: map[string]string{uploadMark: u.sum + "-" + rand.Text(), "x-amz-checksum-algorithm": "CRC32C"},
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	err := u.send(ctx, c)
	if err == nil {
		err = u.complete(ctx)
	}
	if code(err) == "NoSuchUpload" && u.done(ctx) {
		return nil
	}
	return err
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
	sum := base64.StdEncoding.EncodeToString(crc(p))
	if had := u.have[i+1]; had.ChecksumCRC32C == sum && had.Size == int64(len(p)) {
		u.parts[i] = miniogo.CompletePart{PartNumber: i + 1, ETag: had.ETag, ChecksumCRC32C: sum}
		return nil
	}
	return u.b.retry(ctx, func() error {
		made, err := u.b.core.PutObjectPart(ctx, u.b.cfg.Bucket, u.name, u.id, i+1, bytes.NewReader(p), int64(len(p)),
			miniogo.PutObjectPartOptions{DisableContentSha256: true, CustomHeader: http.Header{"X-Amz-Checksum-Crc32c": {sum}}})
		u.parts[i] = miniogo.CompletePart{PartNumber: i + 1, ETag: made.ETag, ChecksumCRC32C: sum}
		return err
	})
}

// crc returns the CRC-32C of p, as S3 has it.
func crc(p []byte) []byte { return binary.BigEndian.AppendUint32(nil, crc32.Checksum(p, castagnoli)) }

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

// complete makes the parts the value of the key. The server says what it has put
// together by the checksum of their checksums.
func (u *upload) complete(ctx context.Context) error {
	var made miniogo.UploadInfo
	err := u.b.retry(ctx, func() (err error) {
		made, err = u.b.core.CompleteMultipartUpload(ctx, u.b.cfg.Bucket, u.name, u.id, u.parts, miniogo.PutObjectOptions{})
		return err
	})
	if err != nil || made.ChecksumCRC32C == "" {
		return err
	}
	var sums []byte
	for _, p := range u.parts {
		sum, err := base64.StdEncoding.DecodeString(p.ChecksumCRC32C)
		if err != nil {
			return err
		}
		sums = append(sums, sum...)
	}
	got, _, _ := strings.Cut(made.ChecksumCRC32C, "-") // then the number of parts
	if want := base64.StdEncoding.EncodeToString(crc(sums)); got != want {
		return fmt.Errorf("the server put parts together whose checksum is %s, not %s: %w; upload it again", got, want, artifacts.ErrCorrupt)
	}
	return nil
}

// done reports whether the value was put there meanwhile, whoever did it: the
// answer to a first request was lost, or another process shared the upload.
func (u *upload) done(ctx context.Context) bool {
	mark, err := u.marked(ctx)
	return err == nil && mark != u.before && strings.HasPrefix(mark, u.sum+"-")
}

// marked returns the mark of what the key holds, "" if it was not put in parts.
func (u *upload) marked(ctx context.Context) (string, error) {
	var info miniogo.ObjectInfo
	err := u.b.retry(ctx, func() (err error) {
		info, err = u.b.core.StatObject(ctx, u.b.cfg.Bucket, u.name, miniogo.StatObjectOptions{})
		return err
	})
	return info.UserMetadata[uploadMark], err
}
