package table

import (
	"encoding/binary"
	"fmt"
	"math"
)

// magic begins every table: a name people can read, and a zero byte that no
// text has.
const magic = "assay.table.v1\n\x00"

// canonicalNaN is the one NaN that is written.
const canonicalNaN = 0x7ff8000000000000

const hasNulls = 1 // flag of a column: a validity bitmap follows

// Encode returns the canonical encoding of a table. Columns with equal
// contents give equal bytes: unused and repeated dictionary entries, the
// payload of a NaN, values under null marks, and marks that mark nothing are
// not content.
func Encode(columns ...Column) ([]byte, error) {
	rows := 0
	if len(columns) > 0 {
		rows = columns[0].Len()
	}
	size := len(magic) + 12
	names := make(map[string]bool)
	for i := range columns {
		c := &columns[i]
		if err := c.check(rows); err != nil {
			return nil, fmt.Errorf("encode table: %w", err)
		}
		if names[c.Name] {
			return nil, fmt.Errorf("encode table: two columns named %q", c.Name)
		}
		names[c.Name] = true
		size += 32 + len(c.Name) + len(c.Unit) + len(c.Meaning) + 8*rows + rows/8
	}
	b := make([]byte, 0, size)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(columns)))
	b = binary.LittleEndian.AppendUint64(b, uint64(rows))
	for i := range columns {
		b = columns[i].append(b)
	}
	return b, nil
}

// append appends the encoding of a column that passed check.
func (c *Column) append(b []byte) []byte {
	null := c.Null
	if !anyTrue(null) {
		null = nil
	}
	b = append(b, byte(c.Kind))
	if null != nil {
		b = append(b, hasNulls)
	} else {
		b = append(b, 0)
	}
	b = appendString(b, c.Name)
	b = appendString(b, c.Unit)
	b = appendString(b, c.Meaning)
	if null != nil {
		b = appendBitmap(b, null)
	}
	switch c.Kind {
	case Int64:
		for row, v := range c.Ints {
			if null != nil && null[row] {
				v = 0
			}
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	case Float64:
		for row, v := range c.Floats {
			bits := math.Float64bits(v)
			if v != v {
				bits = canonicalNaN
			}
			if null != nil && null[row] {
				bits = 0
			}
			b = binary.LittleEndian.AppendUint64(b, bits)
		}
	case String:
		b = c.appendCodes(b, null)
	}
	return b
}

// appendCodes appends the dictionary in order of first appearance, then the
// codes, each as wide as the dictionary needs.
func (c *Column) appendCodes(b []byte, null []bool) []byte {
	first := make(map[string]uint32, len(c.Dict)) // two entries of Dict may be equal
	renumber := make([]uint32, len(c.Dict))       // 0: not seen yet, else the new code plus one
	var dict []string
	codes := make([]uint32, len(c.Codes))
	for row, code := range c.Codes {
		if null != nil && null[row] {
			continue
		}
		if renumber[code] == 0 {
			s := c.Dict[code]
			fresh, ok := first[s]
			if !ok {
				fresh = uint32(len(dict))
				first[s] = fresh
				dict = append(dict, s)
			}
			renumber[code] = fresh + 1
		}
		codes[row] = renumber[code] - 1
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(dict)))
	for _, s := range dict {
		b = appendString(b, s)
	}
	switch codeWidth(len(dict)) {
	case 1:
		for _, code := range codes {
			b = append(b, byte(code))
		}
	case 2:
		for _, code := range codes {
			b = binary.LittleEndian.AppendUint16(b, uint16(code))
		}
	case 4:
		for _, code := range codes {
			b = binary.LittleEndian.AppendUint32(b, code)
		}
	}
	return b
}

// codeWidth returns the bytes of one code into a dictionary of n strings.
func codeWidth(n int) int {
	switch {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	}
	return 4
}

func appendString(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// appendBitmap appends one bit a row, lowest first, 1 for null.
func appendBitmap(b []byte, null []bool) []byte {
	at := len(b)
	b = append(b, make([]byte, (len(null)+7)/8)...)
	for row, is := range null {
		if is {
			b[at+row/8] |= 1 << (row % 8)
		}
	}
	return b
}

func anyTrue(marks []bool) bool {
	for _, is := range marks {
		if is {
			return true
		}
	}
	return false
}
