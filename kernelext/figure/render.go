package figure

import (
	"fmt"

	"github.com/assay-notebooks/assay/kernelext/table"
)

// Widths of a figure, in millimetres: one column and two columns of a paper.
const (
	ColumnWidth = 84
	PageWidth   = 178
)

// A Request says what to draw. Its JSON is request.json of the protocol.
type Request struct {
	Formats []string `json:"formats"`  // of "svg", "png", "pdf", "txt"; at least one
	Width   float64  `json:"width_mm"` // 40 to 400; 0: PageWidth
}

// Render draws a figure from encoded tables and returns the bytes by format.
// want is how many tables draw takes, -1 for any number. A panic of draw is an
// error.
func Render(r Request, want int, tables [][]byte, draw func(*Figure, ...Table) error) (out map[string][]byte, err error) {
	if r.Width == 0 {
		r.Width = PageWidth
	}
	if !(r.Width >= 40 && r.Width <= 400) {
		return nil, fmt.Errorf("figure of %v mm: want 40 to 400", r.Width)
	}
	if want >= 0 && len(tables) != want {
		return nil, fmt.Errorf("the figure function takes %d tables, %d were given", want, len(tables))
	}
	views := make([]Table, len(tables))
	for i, b := range tables {
		t, err := table.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("table %d: %w", i, err)
		}
		views[i] = NewTable(t)
	}
	f := &Figure{width: r.Width / 25.4 * 72}
	if err := guard(f, draw, views); err != nil {
		return nil, err
	}
	return f.render(r.Formats)
}

// guard calls the user's function and turns a panic into an error that says where.
func guard(f *Figure, draw func(*Figure, ...Table) error, views []Table) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(p)
		}
	}()
	return draw(f, views...)
}

// render returns the finished figure in each format.
func (f *Figure) render(formats []string) (map[string][]byte, error) {
	if len(formats) == 0 {
		return nil, fmt.Errorf(`no format asked for; there are "svg", "png", "pdf", "txt"`)
	}
	s, err := f.scene()
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte)
	for _, format := range formats {
		switch format {
		case "svg":
			out[format], err = s.svg()
		case "png":
			out[format], err = s.png()
		case "pdf":
			out[format], err = s.pdf()
		case "txt":
			out[format] = f.text()
		default:
			err = fmt.Errorf(`there are "svg", "png", "pdf", "txt"`)
		}
		if err != nil {
			return nil, fmt.Errorf("format %q: %w", format, err)
		}
	}
	return out, nil
}
