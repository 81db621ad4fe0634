package importers

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// csv gives every record to each, with its line and the text that it was read
// from. The fields are only valid until each returns. A record that is not CSV
// is rejected.
func (f *file) csv(each func(line int, fields []string, raw string)) {
	r := csv.NewReader(strings.NewReader(f.text))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	line, at := 1, int64(0)
	for {
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
			f.reject(start, strings.ToValidUTF8(raw, "\uFFFD"), parse.Err.Error())
		case !utf8.ValidString(raw):
			f.reject(start, strings.ToValidUTF8(raw, "\uFFFD"), "not UTF-8; convert it with iconv")
		default:
			each(start, fields, raw)
		}
	}
}
