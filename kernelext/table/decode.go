package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// ErrFormat is matched by every error of Decode.
var ErrFormat = errors.New("not a canonical assay table")

// Decode reads a table that Encode wrote. Any other bytes, those of a
// non-canonical encoding too, are an error that matches ErrFormat, so
// Encode(Decode(b)) is b. It is safe on hostile input: it allocates at most a
// small multiple of len(b). Nothing of b is kept.
func Decode(b []byte) (*Table, error) {
	d := decoder{rest: b}
	t, err := d.table()
	if err != nil {
		return nil, fmt.Errorf("decode table at byte %d of %d: %w: %w", len(b)-len(d.rest), len(b), ErrFormat, err)
	}
	return t, nil
}

var errShort = errors.New("cut short")

// A decoder consumes an encoding from the front. Whatever it allocates is
// covered by bytes it has seen: take fails before a count is trusted.
type decoder struct {
	rest []byte
}

func (d *decoder) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.rest) {
		return nil, errShort
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b, nil
}

func (d *decoder) uint32() (uint32, error) {
	b, err := d.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (d *decoder) string() (string, error) {
	n, err := d.uint32()
	if err != nil {
		return "", err
	}
	if uint64(n) > uint64(len(d.rest)) { // int may have 32 bits
		return "", errShort
	}
	b, err := d.take(int(n))
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("string %q is not UTF-8", b)
	}
	return string(b), nil
}

func (d *decoder) table() (*Table, error) {
	head, err := d.take(len(magic) + 12)
	if err != nil {
		return nil, err
	}
	if string(head[:len(magic)]) != magic {
		return nil, fmt.Errorf("begins with %q, want %q", head[:len(magic)], magic)
	}
	columns := binary.LittleEndian.Uint32(head[len(magic):])
	rows := binary.LittleEndian.Uint64(head[len(magic)+4:])
	// A column has a head, and each row at least one byte of it.
	if uint64(columns)*14 > uint64(len(d.rest)) || rows > uint64(len(d.rest)) {
		return nil, fmt.Errorf("%d columns of %d rows: %w", columns, rows, errShort)
	}
	if columns == 0 && rows > 0 {
		return nil, fmt.Errorf("%d rows of no columns", rows)
	}
	t := &Table{Rows: int(rows)}
	names := make(map[string]bool)
	for range columns {
		c, err := d.column(t.Rows)
		if err != nil {
			return nil, err
		}
		if names[c.Name] {
			return nil, fmt.Errorf("two columns named %q", c.Name)
		}
		names[c.Name] = true
		t.Columns = append(t.Columns, c)
	}
	if len(d.rest) > 0 {
		return nil, fmt.Errorf("%d bytes after the last column", len(d.rest))
	}
	return t, nil
}

func (d *decoder) column(rows int) (c Column, err error) {
	head, err := d.take(2)
	if err != nil {
		return c, err
	}
	c.Kind = Kind(head[0])
	if head[1] > hasNulls {
		return c, fmt.Errorf("column flags %#x", head[1])
	}
	for _, s := range []*string{&c.Name, &c.Unit, &c.Meaning} {
		if *s, err = d.string(); err != nil {
			return c, err
		}
	}
	if c.Name == "" {
		return c, errors.New("column without a name")
	}
	if head[1] == hasNulls {
		if c.Null, err = d.bitmap(rows); err != nil {
			return c, fmt.Errorf("column %q: %w", c.Name, err)
		}
	}
	switch c.Kind {
	case Int64:
		err = d.ints(&c, rows)
	case Float64:
		err = d.floats(&c, rows)
	case String:
		err = d.codes(&c, rows)
	default:
		err = fmt.Errorf("no such %v", c.Kind)
	}
	if err != nil {
		return c, fmt.Errorf("column %q: %w", c.Name, err)
	}
	return c, nil
}

func (d *decoder) bitmap(rows int) ([]bool, error) {
	b, err := d.take(rows/8 + (rows%8+7)/8)
	if err != nil {
		return nil, err
	}
	null := make([]bool, rows)
	for row := range null {
		null[row] = b[row/8]>>(row%8)&1 == 1
	}
	if !anyTrue(null) {
		return nil, errors.New("null bitmap that marks nothing")
	}
	if rows%8 != 0 && b[len(b)-1]>>(rows%8) != 0 {
		return nil, errors.New("null bitmap marks rows past the last")
	}
	return null, nil
}

var errUnderNull = errors.New("value under a null mark")

// words returns the bytes of rows 64-bit values.
func (d *decoder) words(rows int) ([]byte, error) {
	if rows > len(d.rest)/8 {
		return nil, errShort
	}
	return d.take(8 * rows)
}

func (d *decoder) ints(c *Column, rows int) error {
	b, err := d.words(rows)
	if err != nil {
		return err
	}
	c.Ints = make([]int64, rows)
	for row := range c.Ints {
		c.Ints[row] = int64(binary.LittleEndian.Uint64(b[8*row:]))
	}
	for row, is := range c.Null {
		if is && c.Ints[row] != 0 {
			return errUnderNull
		}
	}
	return nil
}

func (d *decoder) floats(c *Column, rows int) error {
	b, err := d.words(rows)
	if err != nil {
		return err
	}
	c.Floats = make([]float64, rows)
	for row := range c.Floats {
		bits := binary.LittleEndian.Uint64(b[8*row:])
		v := math.Float64frombits(bits)
		if v != v && bits != canonicalNaN {
			return fmt.Errorf("row %d: NaN written as %#x, want %#x", row, bits, uint64(canonicalNaN))
		}
		c.Floats[row] = v
	}
	for row, is := range c.Null {
		if is && math.Float64bits(c.Floats[row]) != 0 {
			return errUnderNull
		}
	}
	return nil
}

func (d *decoder) codes(c *Column, rows int) error {
	n, err := d.uint32()
	if err != nil {
		return err
	}
	if uint64(n)*4 > uint64(len(d.rest)) {
		return errShort
	}
	seen := make(map[string]bool)
	for range n {
		s, err := d.string()
		if err != nil {
			return err
		}
		if seen[s] {
			return fmt.Errorf("dictionary has %q twice", s)
		}
		seen[s] = true
		c.Dict = append(c.Dict, s)
	}
	width := codeWidth(len(c.Dict))
	if rows > len(d.rest)/width {
		return errShort
	}
	b, err := d.take(width * rows)
	if err != nil {
		return err
	}
	c.Codes = make([]uint32, rows)
	switch width {
	case 1:
		for row, code := range b {
			c.Codes[row] = uint32(code)
		}
	case 2:
		for row := range c.Codes {
			c.Codes[row] = uint32(binary.LittleEndian.Uint16(b[2*row:]))
		}
	case 4:
		for row := range c.Codes {
			c.Codes[row] = binary.LittleEndian.Uint32(b[4*row:])
		}
	}
	return c.checkCodes()
}

// checkCodes reports codes that are not in order of first appearance, entries
// that no row has, and codes under null marks.
func (c *Column) checkCodes() error {
	next := uint32(0)
	for row, code := range c.Codes {
		if code < next && c.Null == nil { // nearly every row of nearly every table
			continue
		}
		switch {
		case c.IsNull(row):
			if code != 0 {
				return errUnderNull
			}
		case code > next || int(code) >= len(c.Dict):
			return fmt.Errorf("row %d: code %d, of a dictionary in order of first appearance at most %d", row, code, next)
		case code == next:
			next++
		}
	}
	if int(next) != len(c.Dict) {
		return fmt.Errorf("dictionary has %d entries, rows use %d", len(c.Dict), next)
	}
	return nil
}
