package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/assay-notebooks/assay"
)

// A Reader reads frame after frame, and can be asked again when a writer has
// appended more. It is not safe for concurrent use.
type Reader struct {
	r       io.ReaderAt
	plan    assay.Digest
	offset  int64 // behind the last whole frame; 0 before the header was read
	history history
	err     error
}

// NewReader returns a Reader of r, which may still be growing. It retains r
// and reads nothing yet.
func NewReader(r io.ReaderAt) *Reader { return &Reader{r: r} }

// Plan returns the plan the journal belongs to; zero before the first call of
// Next that found a header.
func (r *Reader) Plan() assay.Digest { return r.plan }

// Offset returns the end of the last whole frame, in bytes from the start.
func (r *Reader) Offset() int64 { return r.offset }

// Next returns the next whole frame. At the current end, or in front of a
// frame that is not whole yet, it returns io.EOF, and a later call goes on
// from there. Other errors are final: they match ErrFormat where this is no
// journal, and ErrCorrupt where a damaged frame has whole ones behind it.
func (r *Reader) Next() (Frame, error) {
	if r.err != nil {
		return Frame{}, r.err
	}
	f, err := r.next()
	if err != nil && err != io.EOF {
		r.err = err
	}
	return f, err
}

func (r *Reader) next() (Frame, error) {
	if r.offset == 0 {
		if err := r.readHeader(); err != nil {
			return Frame{}, err
		}
	}
	h, body, err := r.readFrame()
	if err != nil {
		return Frame{}, err
	}
	if body == nil {
		whole, err := r.wholeBehind()
		if err != nil {
			return Frame{}, err
		}
		if !whole {
			return Frame{}, io.EOF
		}
		// A live writer may have finished this frame, and the one we found behind it, between our two reads.
		if h, body, err = r.readFrame(); err != nil {
			return Frame{}, err
		}
		if body == nil {
			return Frame{}, r.corrupt(errors.New("damaged, with whole frames behind it"))
		}
	}
	f, err := decode(h.kind, body)
	if err != nil {
		return Frame{}, r.corrupt(err)
	}
	if err := r.history.admit(f); err != nil {
		return Frame{}, r.corrupt(err)
	}
	r.offset += int64(frameSize + h.length)
	return f, nil
}

func (r *Reader) corrupt(cause error) error {
	return fmt.Errorf("frame %d at offset %d: %w: %w", r.history.frames, r.offset, cause, ErrCorrupt)
}

func (r *Reader) readHeader() error {
	b, err := r.read(0, headerSize)
	if err != nil {
		return err
	}
	if len(b) < headerSize {
		if n := min(len(b), len(magic)); string(b[:n]) != magic[:n] {
			return fmt.Errorf("begins with %q, want %q: %w", b[:n], magic, ErrFormat)
		}
		return io.EOF
	}
	if r.plan, err = parseHeader(b); err != nil {
		return err
	}
	r.offset = int64(headerSize)
	return nil
}

// readFrame returns the frame at the offset; its body is nil if it is not whole.
func (r *Reader) readFrame() (head, []byte, error) {
	b, err := r.read(r.offset, frameSize)
	if err != nil {
		return head{}, nil, err
	}
	h, ok := parseHead(b)
	if !ok || h.number != r.history.frames {
		return h, nil, nil
	}
	body, err := r.read(r.offset+frameSize, h.length)
	if err != nil || len(body) < h.length || checksum(b, body) != h.sum {
		return h, nil, err
	}
	return h, body, nil
}

// The search behind a damaged frame may compute checksums over so many bytes.
// Only a file made to be slow has that many false beginnings.
const searchBudget = 64 << 20

// wholeBehind reports whether the damage at the offset has a whole frame
// behind it. A write that did not finish is one frame and the last thing in
// the file; anything longer is damage, too.
func (r *Reader) wholeBehind() (bool, error) {
	const longest = frameSize + MaxFrame
	b, err := io.ReadAll(io.NewSectionReader(r.r, r.offset, longest+1))
	if err != nil {
		return false, err
	}
	if len(b) > longest {
		return true, nil
	}
	budget := searchBudget
	for i := 1; i < len(b); {
		j := bytes.Index(b[i:], []byte(marker))
		if j < 0 {
			break
		}
		i += j
		if h, ok := parseHead(b[i:]); ok && h.number > r.history.frames && h.length <= len(b)-i-frameSize {
			if budget -= h.length; budget < 0 || checksum(b[i:], b[i+frameSize:i+frameSize+h.length]) == h.sum {
				return true, nil
			}
		}
		i++
	}
	return false, nil
}

// read returns up to n bytes at the offset; fewer only at the end.
func (r *Reader) read(offset int64, n int) ([]byte, error) {
	b := make([]byte, n)
	m, err := r.r.ReadAt(b, offset)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b[:m], nil
}
