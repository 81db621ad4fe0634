package importers

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// csv gives every record to each, with its line and the text that it was read
// from. The fields are only valid until each returns. A record that is not CSV
// is rejected.
func (f *file) csv(each func(line int, fields []string, raw string)) {
	text := &recordReader{r: strings.NewReader(f.text)}
	r := csv.NewReader(text)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	line, at := 1, int64(0)
	for {
		text.left = maxRecord
		fields, err := r.Read()
		if err == io.EOF {
			f.wound(line)
			return
		}
		raw := f.text[at:r.InputOffset()]
		start := line + strings.Count(raw[:len(raw)-len(strings.TrimLeft(raw, "\r\n"))], "\n") // csv passes over empty lines
		line += strings.Count(raw, "\n")
		at = r.InputOffset()
		raw = strings.Trim(raw, "\r\n")
		switch parse, ok := errors.AsType[*csv.ParseError](err); {
		case ok:
			f.reject(start, raw, parse.Err.Error())
		case err != nil:
			f.reject(start, raw, err.Error())
			return
		case !utf8.ValidString(raw):
			f.reject(start, raw, notUTF8)
		default:
			each(start, fields, raw)
		}
	}
}

// maxRecord bounds a record, quoted line ends and all: each comma in it costs
// more than its byte.
const maxRecord = 4 << 20

// A recordReader refuses to read on when left is used up.
type recordReader struct {
	r    io.Reader
	left int
}

func (r *recordReader) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("a record of more than %d MiB", maxRecord>>20)
	}
	n, err := r.r.Read(b)
	r.left -= n
	return n, err
}

// checkHeader says what is wrong with the names of columns.
func checkHeader(names []string) error {
	if len(names) > maxNamed {
		return fmt.Errorf("%d columns, at most %d are a table", len(names), maxNamed)
	}
	for i, name := range names {
		if name == "" || slices.Contains(names[:i], name) {
			return fmt.Errorf("column %d is named %.100q, which is nothing or stands there twice", i+1, name)
		}
	}
	return nil
}
