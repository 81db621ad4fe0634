package importers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/assay-notebooks/assay"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// Bounds on what an import can make us hold.
const (
	maxFiles    = 10_000
	maxUnpacked = 256 << 20 // bytes of all files together
	maxLine     = 64 << 10  // bytes: a longer line is no row of anything

	maxRejections   = 100_000 // after so many, the files are of another format
	maxRejectedText = 4 << 10 // bytes kept of each row's text: the file itself is kept whole
)

// A file is one file of an input, unpacked if it was packed with gzip.
type file struct {
	path   string
	text   string // without a byte order mark; of a binary file, the lines before the first zero byte
	binary bool   // it has a zero byte: not text, unless it is read as something
	kind   string // what it was read as; "" if it was not
	rows   int64  // that it gave
	kept   assay.ImportSource

	content any // what the format made of it

	cut      string // why there is nothing behind text where there should be
	rejected []rejection
	refused  *atomic.Int64 // rows rejected in all files
	held     *atomic.Int64 // values that all files hold, where they are no trace yet
}

// A rejection is a row that could not be read.
type rejection struct {
	path string
	line int
	text string // of the row
	why  string
}

func (r rejection) Error() string { return fmt.Sprintf("%s:%d: %s", r.path, r.line, r.why) }

// reject notes that a row cannot be read. A format goes on with the next row:
// whether that is an error is for the whole input to say.
func (f *file) reject(line int, text, why string) {
	if f.refused.Add(1) > maxRejections {
		return // the whole input is refused
	}
	text = strings.ToValidUTF8(text[:min(len(text), maxRejectedText)], "\uFFFD")
	f.rejected = append(f.rejected, rejection{f.path, line, strings.Clone(text), why})
}

// lines yields the lines with their numbers, from 1, without their ends: "\n"
// or "\r\n". It rejects those that are not UTF-8 or too long, and says at the
// end if the file is cut short.
func (f *file) lines() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n, valid := 0, utf8.ValidString(f.text)
		for rest := f.text; rest != ""; {
			var line string
			line, rest, _ = strings.Cut(rest, "\n")
			line = strings.TrimSuffix(line, "\r")
			n++
			switch {
			case len(line) > maxLine:
				f.reject(n, line, fmt.Sprintf("a line of %d bytes, at most %d are a row", len(line), maxLine))
			case !valid && !utf8.ValidString(line):
				f.reject(n, line, notUTF8)
			case !yield(n, line):
				return
			}
		}
		f.wound(n + 1)
	}
}

// wound rejects what should stand behind the text, if the file is cut short,
// or is text up to a zero byte. A format that does not range over lines calls it.
func (f *file) wound(line int) {
	if f.cut == "" && f.binary && f.kind != "" {
		f.cut = "a zero byte: the file is damaged here, or is UTF-16; convert that with iconv"
	}
	if f.cut != "" {
		f.reject(line, "", f.cut)
	}
}

// read reads all files, in the order of their paths, and keeps them. It calls
// parse, which may be nil, for each, several at once.
func (in *Input) read(ctx context.Context, out *Output, parse func(*file) error) ([]*file, error) {
	paths, err := in.paths()
	if err != nil {
		return nil, err
	}
	files := make([]*file, len(paths))
	var held atomic.Int64
	var left budget
	left.bytes.Store(maxUnpacked)
	out.refused = new(atomic.Int64)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f, err := in.open(path, &left)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			f.refused, f.held = out.refused, &held
			files[i] = f
			if parse == nil {
				return nil
			}
			return parse(f)
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	out.files = append(out.files, files...)
	return files, nil
}

// paths lists the files, sorted. A link that leads out of what is imported is
// an error of Files; one to a folder is an error here.
func (in *Input) paths() ([]string, error) {
	var paths []string
	err := fs.WalkDir(in.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !utf8.ValidString(path) {
			return fmt.Errorf("%q: the name is not UTF-8; give it another", path)
		}
		if entry.IsDir() {
			return nil
		}
		info, err := fs.Stat(in.Files, path) // where a link leads
		if err != nil && entry.Type()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s: a link that leads to nothing, or out of what is imported; put the file itself there: %w", path, err)
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s: not a file, or a link to a folder; put the files themselves there", path)
		}
		if paths = append(paths, path); len(paths) > maxFiles {
			return fmt.Errorf("more than %d files; import a part of them at a time", maxFiles)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = errors.New("there are no files")
	}
	return paths, err
}

// A budget is how many bytes of text the files may still have, all together.
type budget struct{ bytes atomic.Int64 }

// spend takes n bytes, unless there are not so many.
func (b *budget) spend(n int) error {
	if b.bytes.Add(-int64(n)) < 0 {
		return fmt.Errorf("more than %d MiB in all, unpacked; import a part of the files at a time", maxUnpacked>>20)
	}
	return nil
}

// text reads r to its end, as far as the budget goes.
func (b *budget) text(r io.Reader) (string, error) {
	var text strings.Builder
	var some [64 << 10]byte
	for {
		n, err := r.Read(some[:])
		if err := b.spend(n); err != nil {
			return "", err
		}
		text.Write(some[:n])
		if err == io.EOF {
			return text.String(), nil
		}
		if err != nil {
			return text.String(), &cutError{err}
		}
	}
}

// A cutError is one of reading: what stands before it is good.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// open reads and keeps one file.
func (in *Input) open(path string, left *budget) (*file, error) {
	b, err := in.bytes(path)
	if err != nil {
		return nil, err
	}
	f := &file{path: path}
	digest, err := in.Keep(path, b)
	if err != nil {
		return nil, err
	}
	f.kept = assay.ImportSource{Path: path, Digest: digest, Size: int64(len(b))}
	if isPacked(string(b[:min(len(b), 2)])) {
		f.text, f.cut, err = unpack(b, left)
	} else if err = left.spend(len(b)); err == nil {
		f.text = string(b)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case isPacked(f.text):
		f.text, f.cut = "", "packed with gzip twice; unpack it once"
	case strings.HasPrefix(f.text, "\xff\xfe"), strings.HasPrefix(f.text, "\xfe\xff"):
		f.text, f.cut = "", "UTF-16; convert it with iconv -f UTF-16 -t UTF-8"
	}
	f.text = strings.TrimPrefix(f.text, "\uFEFF")
	if zero := strings.IndexByte(f.text, 0); zero >= 0 {
		f.text, f.binary = f.text[:strings.LastIndexByte(f.text[:zero], '\n')+1], true
	}
	return f, nil
}

func isPacked(s string) bool { return strings.HasPrefix(s, "\x1f\x8b") }

// bytes reads a file, unless it is too large.
func (in *Input) bytes(path string) ([]byte, error) {
	r, err := in.Files.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if len(b) > maxUnpacked {
		return nil, fmt.Errorf("more than %d MiB; split it, and import the parts", maxUnpacked>>20)
	}
	return b, err
}

// unpack returns what b unpacks to. Of bytes that are cut short or damaged, it
// returns the whole lines that there are and says in cut what is wrong.
func unpack(b []byte, left *budget) (text, cut string, err error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", fmt.Sprintf("gzip: %v", err), nil
	}
	text, err = left.text(r)
	if _, damaged := errors.AsType[*cutError](err); damaged {
		return text[:strings.LastIndexByte(text, '\n')+1], fmt.Sprintf("gzip: %v; the file is damaged or cut short here: copy it again", err), nil
	}
	if err != nil {
		return "", "", fmt.Errorf("gzip: %w", err)
	}
	return text, "", nil
}

// cutField returns the first field of s, which blanks separate, and what is
// behind it.
func cutField(s string) (field, rest string) {
	start := 0
	for start < len(s) && (s[start] == ' ' || s[start] == '\t') {
		start++
	}
	end := start
	for end < len(s) && s[end] != ' ' && s[end] != '\t' {
		end++
	}
	return s[start:end], s[end:]
}
