package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Bounds on what a trace can make a reader allocate. A file's own size bounds
// the sum, so that a small file cannot cost much.
const (
	maxGroupRows  = 1 << 18
	maxPage       = 64 << 20 // bytes, decompressed
	maxPageHeader = 4 << 10
	freeBytes     = 64 << 20 // decompressed, whatever the file's size
	maxRatio      = 1000     // decompressed bytes for a byte of the file, beyond those
)

// checkPages reads every page once. It compares the checksums and makes sure
// that no count, length or index which the decoder trusts is out of bounds: it
// allocates what a run-length claims, and follows dictionary indices unseen.
func checkPages(r io.ReaderAt, size int64, file *parquet.File, columns []Column) error {
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage))
	if err != nil {
		return err
	}
	defer unpacker.Close()
	c := &checker{r: r, unpacker: unpacker, compressed: size, decompressed: freeBytes + maxRatio*size}
	meta := file.Metadata()
	leaves := file.Root().Columns()
	var rows int64
	for g, group := range meta.RowGroups {
		if group.NumRows < 0 || group.NumRows > maxGroupRows || len(group.Columns) != len(leaves) {
			return fmt.Errorf("row group %d: %d rows of %d columns: %w", g, group.NumRows, len(group.Columns), ErrCorrupt)
		}
		rows += group.NumRows
		for i := range group.Columns {
			if err := c.chunk(leaves[i], &group.Columns[i], group.NumRows); err != nil {
				return fmt.Errorf("row group %d, column %s: %w: %w", g, columns[i].Name, err, ErrCorrupt)
			}
		}
	}
	if rows != meta.NumRows {
		return fmt.Errorf("%d rows in the row groups, %d in the footer: %w", rows, meta.NumRows, ErrCorrupt)
	}
	return nil
}

// A checker looks at one column chunk after another.
type checker struct {
	r            io.ReaderAt
	unpacker     *zstd.Decoder
	compressed   int64 // bytes of chunks that may still come: they do not overlap
	decompressed int64 // bytes and values that may still come
	body, data   []byte
}

// A page is a page's header and its body as it is in the file.
type page struct {
	format.PageHeader
	body []byte
}

func (c *checker) chunk(leaf *parquet.Column, chunk *format.ColumnChunk, rows int64) error {
	meta := &chunk.MetaData
	if meta.Codec != format.Zstd && meta.Codec != format.Uncompressed {
		return fmt.Errorf("codec %v", meta.Codec)
	}
	start := meta.DataPageOffset
	if meta.DictionaryPageOffset != 0 {
		start = meta.DictionaryPageOffset
	}
	length := meta.TotalCompressedSize
	if start < int64(len(parquetMagic)) || length < 0 || start > math.MaxInt64-length {
		return fmt.Errorf("%d bytes at offset %d", length, start)
	}
	if c.compressed -= length; c.compressed < 0 {
		return errors.New("chunks are longer than the file")
	}
	if meta.NumValues != rows {
		return fmt.Errorf("%d values in %d rows", meta.NumValues, rows)
	}
	dictionary := -1 // number of texts, if there is a dictionary
	var values int64
	for at, end := start, start+length; at < end; {
		p, n, err := c.page(at, end)
		if err != nil {
			return fmt.Errorf("page at offset %d: %w", at, err)
		}
		switch {
		case p.Type == format.DictionaryPage && at == start && at == meta.DictionaryPageOffset:
			dictionary, err = c.dictionaryPage(leaf, p, meta.Codec)
		case p.Type == format.DataPageV2:
			err = c.dataPage(leaf, p, meta.Codec, dictionary)
			values += int64(p.DataPageHeaderV2.V.NumValues)
		default:
			err = fmt.Errorf("type %v is not expected here", p.Type)
		}
		if err != nil {
			return fmt.Errorf("page at offset %d: %w", at, err)
		}
		at += n
	}
	if values != rows {
		return fmt.Errorf("%d values in pages, want %d", values, rows)
	}
	return nil
}

// page reads the page at the offset and compares its checksum. It returns the
// page's whole length.
func (c *checker) page(at, end int64) (page, int64, error) {
	var p page
	head := make([]byte, min(maxPageHeader, end-at))
	if err := readAt(c.r, head, at); err != nil {
		return p, 0, err
	}
	n, err := structureSize(head, 0)
	if err != nil {
		return p, 0, fmt.Errorf("header: %w", err)
	}
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), head[:n], &p.PageHeader); err != nil {
		return p, 0, fmt.Errorf("header: %w", err)
	}
	size, unpacked := int64(p.CompressedPageSize), int64(p.UncompressedPageSize)
	if size < 0 || size > end-at-int64(n) || unpacked < 0 || unpacked > maxPage {
		return p, 0, fmt.Errorf("%d bytes that unpack to %d", size, unpacked)
	}
	if c.decompressed -= unpacked; c.decompressed < 0 {
		return p, 0, errors.New("the file unpacks to too much")
	}
	c.body = grow(c.body, int(size))
	if err := readAt(c.r, c.body, at+int64(n)); err != nil {
		return p, 0, err
	}
	p.body = c.body
	if got, want := crc32.ChecksumIEEE(p.body), uint32(p.CRC); got != want {
		return p, 0, fmt.Errorf("checksum is %08x, want %08x", got, want)
	}
	return p, int64(n) + size, nil
}

// unpack returns the decompressed body, whose length must be size.
func (c *checker) unpack(body []byte, packed bool, size int) ([]byte, error) {
	if packed {
		var err error
		if c.data, err = c.unpacker.DecodeAll(body, grow(c.data, size)[:0]); err != nil {
			return nil, err
		}
		body = c.data
	}
	if len(body) != size {
		return nil, fmt.Errorf("unpacks to %d bytes, want %d", len(body), size)
	}
	return body, nil
}

func (c *checker) dictionaryPage(leaf *parquet.Column, p page, codec format.CompressionCodec) (int, error) {
	h := p.DictionaryPageHeader.V
	if !p.DictionaryPageHeader.Valid || h.Encoding != format.Plain {
		return 0, errors.New("not a plain dictionary")
	}
	data, err := c.unpack(p.body, codec == format.Zstd, int(p.UncompressedPageSize))
	if err != nil {
		return 0, err
	}
	return int(h.NumValues), checkPlain(leaf.Type().Kind(), data, int64(h.NumValues))
}

func (c *checker) dataPage(leaf *parquet.Column, p page, codec format.CompressionCodec, dictionary int) error {
	h := p.DataPageHeaderV2.V
	levels := int64(h.DefinitionLevelsByteLength)
	values, nulls := int64(h.NumValues), int64(h.NumNulls)
	switch {
	case !p.DataPageHeaderV2.Valid || h.RepetitionLevelsByteLength != 0:
		return errors.New("repeated values")
	case values < 0 || values > maxGroupRows || int64(h.NumRows) != values || nulls < 0 || nulls > values:
		return fmt.Errorf("%d values, %d nulls, %d rows", values, nulls, h.NumRows)
	case levels < 0 || levels > int64(len(p.body)) || levels > int64(p.UncompressedPageSize):
		return fmt.Errorf("%d bytes of levels in %d", levels, len(p.body))
	}
	if c.decompressed -= values; c.decompressed < 0 {
		return errors.New("the file unpacks to too much")
	}
	if err := checkLevels(leaf.Optional(), p.body[:levels], values, nulls); err != nil {
		return fmt.Errorf("definition levels: %w", err)
	}
	packed := codec == format.Zstd && (!h.IsCompressed.Valid || h.IsCompressed.V)
	data, err := c.unpack(p.body[levels:], packed, int(int64(p.UncompressedPageSize)-levels))
	if err != nil {
		return err
	}
	switch h.Encoding {
	case format.Plain:
		return checkPlain(leaf.Type().Kind(), data, values-nulls)
	case format.RLEDictionary:
		return checkIndices(data, values-nulls, dictionary)
	}
	return fmt.Errorf("encoding %v", h.Encoding)
}

// checkLevels holds the levels against the number of values and of nulls.
func checkLevels(optional bool, b []byte, values, nulls int64) error {
	if !optional {
		if len(b) != 0 || nulls != 0 {
			return errors.New("in a column that has no nulls")
		}
		return nil
	}
	present := int64(0)
	err := runs(b, 1, values, func(level uint32, n int64) error {
		if level > 1 {
			return fmt.Errorf("level %d of a flat column", level)
		}
		present += int64(level) * n
		return nil
	})
	if err == nil && present != values-nulls {
		err = fmt.Errorf("%d values are there, want %d", present, values-nulls)
	}
	return err
}

// checkIndices holds dictionary indices against the dictionary's length.
func checkIndices(b []byte, values int64, dictionary int) error {
	if len(b) == 0 && values == 0 {
		return nil
	}
	if len(b) == 0 || b[0] > 32 || dictionary < 0 {
		return errors.New("indices without a dictionary")
	}
	return runs(b[1:], int(b[0]), values, func(index uint32, _ int64) error {
		if int64(index) >= int64(dictionary) {
			return fmt.Errorf("index %d into a dictionary of %d", index, dictionary)
		}
		return nil
	})
}

// checkPlain holds the length of b against the number of values in it.
func checkPlain(kind parquet.Kind, b []byte, values int64) error {
	var want int64
	switch kind {
	case parquet.Boolean:
		want = (values + 7) / 8
	case parquet.Int32, parquet.Float:
		want = 4 * values
	case parquet.Int64, parquet.Double:
		want = 8 * values
	default:
		return checkTexts(b, values)
	}
	if int64(len(b)) != want {
		return fmt.Errorf("%d bytes for %d values, want %d", len(b), values, want)
	}
	return nil
}

func checkTexts(b []byte, values int64) error {
	for n := values; n > 0; n-- {
		if len(b) < 4 {
			return fmt.Errorf("%d of %d texts are missing", n, values)
		}
		length := int64(binary.LittleEndian.Uint32(b))
		if length > maxText || length > int64(len(b)-4) {
			return fmt.Errorf("a text of %d bytes in %d", length, len(b)-4)
		}
		b = b[4+length:]
	}
	if len(b) > 0 {
		return fmt.Errorf("%d bytes behind %d texts", len(b), values)
	}
	return nil
}

// runs calls f for each run of the n values in b, which is Parquet's mix of
// run-length and bit-packed values of so many bits. It is an error if there
// are fewer values, or more than pad the last bit-packed eight.
func runs(b []byte, bits int, n int64, f func(value uint32, n int64) error) error {
	width := (bits + 7) / 8
	for len(b) > 0 {
		head, size := binary.Uvarint(b)
		if size <= 0 || head > math.MaxUint32 {
			return errors.New("malformed run")
		}
		b = b[size:]
		count := int64(head >> 1)
		switch {
		case count == 0: // an encoder's way to say that there is nothing
		case head&1 == 0: // run-length: one value, so many times
			if count > n || len(b) < width {
				return fmt.Errorf("a run of %d values, %d are left", count, n)
			}
			var value [4]byte
			copy(value[:], b[:width])
			if err := f(binary.LittleEndian.Uint32(value[:]), count); err != nil {
				return err
			}
			b, n = b[width:], n-count
		default: // bit-packed: so many eights of values
			if count > (n+7)/8 || count*int64(bits) > int64(len(b)) {
				return fmt.Errorf("%d packed eights, %d values are left", count, n)
			}
			for i := range min(8*count, n) {
				if err := f(unpackBits(b, int(i)*bits, bits), 1); err != nil {
					return err
				}
			}
			b, n = b[count*int64(bits):], max(0, n-8*count)
		}
	}
	if n > 0 {
		return fmt.Errorf("%d values are missing", n)
	}
	return nil
}

// unpackBits returns the value of so many bits, at most 32, at a bit of b.
func unpackBits(b []byte, at, bits int) uint32 {
	var word [8]byte
	copy(word[:], b[at/8:])
	return uint32(binary.LittleEndian.Uint64(word[:]) >> (at % 8) & (1<<bits - 1))
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
