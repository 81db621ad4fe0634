package importers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A jsonText reads the JSON of a file and knows the line that it has come to.
type jsonText struct {
	f  *file
	d  *json.Decoder
	at int // lines are counted up to there
	n  int // that many lines end before at
}

func (f *file) json() *jsonText {
	return &jsonText{f: f, d: json.NewDecoder(strings.NewReader(f.text))}
}

// line is the line in which the next value begins.
func (j *jsonText) line() int {
	at := int(j.d.InputOffset())
	for at < len(j.f.text) && strings.IndexByte(" \t\r\n,:", j.f.text[at]) >= 0 {
		at++
	}
	if at > j.at {
		j.n += strings.Count(j.f.text[j.at:at], "\n")
		j.at = at
	}
	return j.n + 1
}

// object reads an object: each has to read the value of its key.
func (j *jsonText) object(each func(key string) error) error {
	if err := j.delimiter('{'); err != nil {
		return err
	}
	for j.d.More() {
		key, err := j.d.Token()
		if err != nil {
			return inside(err)
		}
		if err := each(key.(string)); err != nil {
			return inside(err)
		}
	}
	return inside(j.delimiter('}'))
}

// array reads an array: each has to read one element.
func (j *jsonText) array(each func() error) error {
	if err := j.delimiter('['); err != nil {
		return err
	}
	for j.d.More() {
		if err := each(); err != nil {
			return inside(err)
		}
	}
	return inside(j.delimiter(']'))
}

// inside is an error of reading in an object or a list, of which the decoder
// says the same as behind the last value.
func inside(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (j *jsonText) delimiter(want json.Delim) error {
	token, err := j.d.Token()
	if err == nil && token != want {
		err = fmt.Errorf("%s, want %s", jsonKind(token), jsonKind(want))
	}
	return err
}

// skip reads a value that is not needed.
func (j *jsonText) skip() error {
	var raw json.RawMessage
	return j.d.Decode(&raw)
}

// end rejects what is left if err ended the reading, or if the file is cut
// short or goes on behind the value: the rows before it stay.
func (j *jsonText) end(err error) {
	line := j.line()
	if err == nil {
		if _, err = j.d.Token(); err == nil {
			err = errors.New("more than one value")
		}
	}
	switch {
	case j.f.cut != "", j.f.binary:
		j.f.wound(line)
	case errors.Is(err, io.ErrUnexpectedEOF):
		j.f.reject(line, "", "the JSON ends too early: the file is cut short")
	case err != io.EOF:
		j.f.reject(line, "", mistyped(err))
	}
}

// element reads a value into v and returns its text. If it does not fit v, why
// says so, and the next can be read.
func (j *jsonText) element(v any) (raw, why string, err error) {
	var text json.RawMessage
	if err := j.d.Decode(&text); err != nil {
		return "", "", err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return string(text), mistyped(err), nil
	}
	if !utf8.Valid(text) {
		why = notUTF8
	}
	return string(text), why, nil
}

// mistyped says what is wrong with a value in the words of the format.
func mistyped(err error) string {
	t, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case ok && t.Field != "":
		return fmt.Sprintf("%s: a %s, want %v", t.Field, t.Value, t.Type)
	case ok:
		return fmt.Sprintf("a %s, want %v", t.Value, t.Type)
	}
	if t, ok := errors.AsType[*time.ParseError](err); ok {
		return fmt.Sprintf("%.100q is not a time, such as 2026-01-31T12:00:00Z", t.Value)
	}
	return err.Error()
}

// jsonKind is what a token begins, in words.
func jsonKind(token json.Token) string {
	switch token {
	case json.Delim('['):
		return "a list"
	case json.Delim('{'):
		return "an object"
	case nil:
		return "null"
	}
	return fmt.Sprintf("%.100v", token)
}

// maybe sets c if there is a value.
func maybe[T any](c column[T], x *T) {
	if x != nil {
		c.set(*x)
	}
}

// notUTF8 says why bytes are no text.
const notUTF8 = "not UTF-8; convert it with iconv"

// A located is a value and the line that it begins in.
type located[T any] struct {
	value T
	line  int
}

// field reads the value of a key into v. If it does not fit, why says so,
// unless it says something already, and the next can be read.
func (j *jsonText) field(key string, v any, why *string) error {
	_, bad, err := j.element(v)
	if bad != "" && *why == "" {
		*why = key + ": " + bad
	}
	return err
}

// next returns the first byte of the next value, 0 at the end of the text.
func (j *jsonText) next() byte {
	j.line()
	if at := max(j.at, int(j.d.InputOffset())); at < len(j.f.text) {
		return j.f.text[at]
	}
	return 0
}
