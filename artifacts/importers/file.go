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
	text   string // without a byte order mark; "" if binary
	binary bool   // it has a zero byte: not text
	kind   string // what it was read as; "" if it was not
	rows   int64  // that it gave
	kept   assay.ImportSource

	content any // what the format made of it

	cut      string // why there is nothing behind text where there should be
	rejected []rejection
	refused  *atomic.Int64 // rows rejected in all files
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

// wound rejects what should stand behind the text, if the file is cut short.
// A format that does not range over lines calls it.
func (f *file) wound(line int) {
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
	var total atomic.Int64
	out.refused = new(atomic.Int64)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f, err := in.open(path)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if total.Add(int64(len(f.text))) > maxUnpacked {
				return fmt.Errorf("the files are more than %d MiB; import a part of them at a time", maxUnpacked>>20)
			}
			f.refused = out.refused
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

// open reads and keeps one file.
func (in *Input) open(path string) (*file, error) {
	r, err := in.Files.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := atMost(r)
	if err != nil {
		return nil, err
	}
	f := &file{path: path}
	digest, err := in.Keep(path, b)
	if err != nil {
		return nil, err
	}
	f.kept = assay.ImportSource{Path: path, Digest: digest, Size: int64(len(b))}
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		if b, f.cut, err = unpack(b); err != nil {
			return nil, err
		}
	}
	b = bytes.TrimPrefix(b, []byte("\uFEFF"))
	if f.binary = bytes.IndexByte(b, 0) >= 0; f.binary {
		return f, nil
	}
	f.text = string(b)
	return f, nil
}

// atMost reads r to its end, unless that is too far.
func atMost(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if len(b) > maxUnpacked {
		return nil, fmt.Errorf("more than %d MiB; split it, and import the parts", maxUnpacked>>20)
	}
	return b, err
}

// unpack returns what b unpacks to. Of bytes that are cut short or damaged, it
// returns the whole lines that there are and says in cut what is wrong.
func unpack(b []byte) (text []byte, cut string, err error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Sprintf("gzip: %v", err), nil
	}
	text, err = atMost(r)
	if text == nil && err != nil {
		return nil, "", fmt.Errorf("gzip: %w", err)
	}
	if err != nil {
		return text[:bytes.LastIndexByte(text, '\n')+1], fmt.Sprintf("gzip: %v; the file is damaged or cut short here: copy it again", err), nil
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
