package trace

import (
	"encoding/binary"
	"errors"
)

// A structure walks over one Thrift struct in the compact protocol before the
// decoder sees it: the decoder allocates as many elements, or bytes, as a list
// or a string claims to have.
type structure struct {
	rest     []byte
	elements int // of lists, that may still come
}

var errThrift = errors.New("malformed Thrift")

const thriftDepth = 16

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftStruct = 12
)

// structureSize returns the length of the struct that b begins with. Its lists
// may have so many elements together.
func structureSize(b []byte, elements int) (int, error) {
	s := structure{rest: b, elements: elements}
	if err := s.fields(thriftDepth); err != nil {
		return 0, err
	}
	return len(b) - len(s.rest), nil
}

func (s *structure) skip(n uint64) error {
	if n > uint64(len(s.rest)) {
		return errThrift
	}
	s.rest = s.rest[n:]
	return nil
}

func (s *structure) byte() (byte, error) {
	if len(s.rest) == 0 {
		return 0, errThrift
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b, nil
}

func (s *structure) varint() (uint64, error) {
	x, n := binary.Uvarint(s.rest)
	if n <= 0 {
		return 0, errThrift
	}
	s.rest = s.rest[n:]
	return x, nil
}

func (s *structure) fields(depth int) error {
	for {
		b, err := s.byte()
		if err != nil || b == 0 {
			return err
		}
		if b>>4 == 0 { // the field's number follows in full
			if _, err := s.varint(); err != nil {
				return err
			}
		}
		if t := b & 0xf; t == thriftTrue || t == thriftFalse {
			continue // the value is the type
		} else if err := s.value(t, depth); err != nil {
			return err
		}
	}
}

func (s *structure) value(t byte, depth int) error {
	if depth == 0 {
		return errThrift
	}
	switch t {
	case thriftTrue, thriftFalse, thriftByte:
		return s.skip(1)
	case thriftI16, thriftI32, thriftI64:
		_, err := s.varint()
		return err
	case thriftDouble:
		return s.skip(8)
	case thriftBinary:
		n, err := s.varint()
		if err != nil {
			return err
		}
		return s.skip(n)
	case thriftList, thriftSet:
		return s.list(depth - 1)
	case thriftStruct:
		return s.fields(depth - 1)
	}
	return errThrift // Parquet has no maps
}

func (s *structure) list(depth int) error {
	b, err := s.byte()
	if err != nil {
		return err
	}
	n := uint64(b >> 4)
	if n == 0xf {
		if n, err = s.varint(); err != nil {
			return err
		}
	}
	if n > uint64(s.elements) {
		return errThrift
	}
	s.elements -= int(n)
	for range n {
		if err := s.value(b&0xf, depth); err != nil {
			return err
		}
	}
	return nil
}
