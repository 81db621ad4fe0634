package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/assay-notebooks/assay"
)

// A Frame is one whole record. Exactly one field is set; Rows are the samples
// of one invocation, all of one Seq.
type Frame struct {
	Segment *Segment
	Rows    []assay.Sample
	End     *End
}

// MaxFrame is the longest payload of a frame, in bytes. It bounds what a
// reader allocates for a hostile file; an invocation of as many calls as there
// may be, each with a region in it and the longest names, is half of it.
const MaxFrame = 16 << 20

// A kind says what a frame's payload is. It is the fourth byte of the frame.
type kind byte

const (
	segmentKind    kind = 'S'
	invocationKind kind = 'I'
	endKind        kind = 'E'
)

// The file begins with the header: magic, version, plan digest, CRC32C of all
// that. Integers are little-endian.
const (
	magic      = "assayjnl"
	version    = 1
	headerSize = len(magic) + 4 + len(assay.Digest{}) + 4
)

// A frame begins with "frm" and its kind, its number counted from 0, the
// length of its payload, and the CRC32C of those twelve bytes and the payload.
const (
	marker    = "frm"
	frameSize = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header returns the bytes a journal of the plan begins with.
func header(plan assay.Digest) []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = append(b, plan[:]...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseHeader returns the plan of a whole header.
func parseHeader(b []byte) (assay.Digest, error) {
	var plan assay.Digest
	if !bytes.HasPrefix(b, []byte(magic)) {
		return plan, fmt.Errorf("begins with %q, want %q: %w", b[:len(magic)], magic, ErrFormat)
	}
	if v := binary.LittleEndian.Uint32(b[len(magic):]); v != version {
		return plan, fmt.Errorf("version %d, this assay reads %d: %w", v, version, ErrFormat)
	}
	copy(plan[:], b[len(magic)+4:])
	if !bytes.Equal(b, header(plan)) {
		return plan, fmt.Errorf("header at offset 0: wrong checksum: %w", ErrCorrupt)
	}
	return plan, nil
}

// encode returns the bytes of frame number n.
func encode(n uint32, k kind, payload any) ([]byte, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	if len(body) > MaxFrame {
		return nil, fmt.Errorf("a frame of %d bytes is longer than %d", len(body), MaxFrame)
	}
	b := append(make([]byte, 0, frameSize+len(body)), marker...)
	b = append(b, byte(k))
	b = binary.LittleEndian.AppendUint32(b, n)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = binary.LittleEndian.AppendUint32(b, checksum(b, body))
	return append(b, body...), nil
}

// checksum covers a frame's first twelve bytes and its payload.
func checksum(head, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(head[:12], castagnoli), castagnoli, body)
}

// A head is the fixed part of a frame.
type head struct {
	kind   kind
	number uint32
	length int
	sum    uint32
}

// parseHead reports whether b begins with something that may be a frame.
func parseHead(b []byte) (head, bool) {
	if len(b) < frameSize || !bytes.HasPrefix(b, []byte(marker)) {
		return head{}, false
	}
	h := head{
		kind:   kind(b[3]),
		number: binary.LittleEndian.Uint32(b[4:]),
		sum:    binary.LittleEndian.Uint32(b[12:]),
	}
	length := binary.LittleEndian.Uint32(b[8:])
	if length > MaxFrame {
		return head{}, false
	}
	h.length = int(length)
	return h, h.kind == segmentKind || h.kind == invocationKind || h.kind == endKind
}

// decode returns what a payload with a right checksum says.
func decode(k kind, body []byte) (Frame, error) {
	switch k {
	case segmentKind:
		f := Frame{Segment: new(Segment)}
		return f, json.Unmarshal(body, f.Segment)
	case endKind:
		f := Frame{End: new(End)}
		return f, json.Unmarshal(body, f.End)
	default:
		var f Frame
		return f, json.Unmarshal(body, &f.Rows)
	}
}
