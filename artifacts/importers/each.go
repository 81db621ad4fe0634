package importers

import (
	"context"
	"fmt"
	"slices"
)

// each reads the files and gives them to parse one after the other, in the
// order of their paths. A file that parse leaves without a kind is none of the
// format's; if all are, that is an error, which says what is wanted. Traces
// that have no row then are left out, and files that nothing in them tells apart
// are made a factor.
func (in *Input) each(ctx context.Context, out *Output, want string, parse func(*file)) error {
	files, err := in.read(ctx, out, nil)
	if err != nil {
		return err
	}
	found := false // a file of the format, or one that is damaged
	rows := 0
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		parse(f)
		if f.kind == "" {
			f.wound(1)
			found = found || f.cut != ""
			continue
		}
		found = true
		before := rows
		rows = 0
		for _, t := range out.Traces {
			rows += t.rows
		}
		f.rows = int64(rows - before)
	}
	if !found {
		return fmt.Errorf("none of the %d files is %s; \"assay import formats\" lists the other formats", len(files), want)
	}
	out.Traces = slices.DeleteFunc(out.Traces, func(t *Trace) bool { return t.rows == 0 })
	out.tellFilesApart()
	return nil
}
