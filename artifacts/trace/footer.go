package trace

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	parquetMagic = "PAR1"
	footerEnd    = 8 // the footer's length and the magic

	// A trace of 20 columns needs 3 KiB a row group, of 65,536 samples.
	maxFooter         = 4 << 20
	maxFooterElements = 1 << 18
)

// checkFooter bounds what decoding the file's metadata can allocate.
func checkFooter(r io.ReaderAt, size int64) error {
	if size < int64(len(parquetMagic))+footerEnd {
		return fmt.Errorf("open trace: %d bytes are too few for Parquet: %w", size, ErrFormat)
	}
	var first [len(parquetMagic)]byte
	var last [footerEnd]byte
	if _, err := r.ReadAt(first[:], 0); err != nil {
		return fmt.Errorf("open trace: %w", err)
	}
	if err := readAt(r, last[:], size-footerEnd); err != nil {
		return fmt.Errorf("open trace: %w", err)
	}
	if string(first[:]) != parquetMagic {
		return fmt.Errorf("open trace: begins with %q, want %q: %w", first[:], parquetMagic, ErrFormat)
	}
	if string(last[4:]) != parquetMagic {
		return fmt.Errorf("open trace: ends with %q, want %q; it is cut short: %w",
			last[4:], parquetMagic, ErrCorrupt)
	}
	length := int64(binary.LittleEndian.Uint32(last[:]))
	if length > maxFooter || length > size-footerEnd-int64(len(parquetMagic)) {
		return fmt.Errorf("open trace: a footer of %d bytes in a file of %d: %w", length, size, ErrCorrupt)
	}
	footer := make([]byte, length)
	if err := readAt(r, footer, size-footerEnd-length); err != nil {
		return fmt.Errorf("open trace: %w", err)
	}
	if n, err := structureSize(footer, maxFooterElements); err != nil || int64(n) != length {
		return fmt.Errorf("open trace: footer: %w: %w", errThrift, ErrCorrupt)
	}
	return nil
}

// readAt fills b from the offset. An io.EOF behind the last byte is no error.
func readAt(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
