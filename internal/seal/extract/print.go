package extract

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// print writes the kept declarations as one file. Every declaration stands
// alone, also those written as part of a group; constants have the value of
// iota written in.
func (x *extraction) print() ([]byte, error) {
	names, imports := x.importDecl()
	if len(x.refusals) > 0 {
		return nil, newRefusedError(x.name, x.refusals)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "package main\n\n%s\n", imports)
	fmt.Fprintf(&b, "func main() {\n\t%s.Main(%s)\n}\n", names[Figure], x.entry(names[Figure]))
	for _, n := range x.kept {
		text, err := x.printNode(n)
		if err != nil {
			return nil, fmt.Errorf("extract %s: print %s: %w", x.name, n.name(), err)
		}
		fmt.Fprintf(&b, "\n%s\n", text)
	}
	source, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("extract %s: %w", x.name, err)
	}
	return source, nil
}

// importDecl returns the import declaration of the kept declarations, and a
// name for each path. It refuses a name that means two packages.
func (x *extraction) importDecl() (names map[string]string, decl string) {
	names = map[string]string{}
	byName := map[string]*types.PkgName{}
	var lines []string
	for _, n := range x.kept {
		for id := range n.idents() {
			used, ok := x.info.Uses[id].(*types.PkgName)
			if !ok {
				continue
			}
			path := used.Imported().Path()
			if before := byName[used.Name()]; before != nil && before.Imported().Path() != path {
				x.refuse(Ambiguous, used.Pos(), "rename one", "%s means %q here and %q at %s",
					used.Name(), path, before.Imported().Path(), x.position(before.Pos()))
				continue
			}
			byName[used.Name()] = used
			line := strconv.Quote(path)
			if used.Name() != used.Imported().Name() {
				line = used.Name() + " " + line
			}
			lines = append(lines, line)
			if names[path] == "" || used.Name() < names[path] {
				names[path] = used.Name()
			}
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(pathFirst(a), pathFirst(b)) })
	return names, "import (\n" + strings.Join(slices.Compact(lines), "\n") + "\n)\n"
}

// pathFirst turns `name "path"` round, for sorting.
func pathFirst(line string) string {
	name, path, ok := strings.Cut(line, " ")
	if !ok {
		return line
	}
	return path + " " + name
}

// entry returns the arguments of figure.Main: how many tables, and the
// function, wrapped if it takes a fixed number.
func (x *extraction) entry(figure string) string {
	s := x.pkg.Scope().Lookup(x.name).(*types.Func).Signature()
	if s.Variadic() {
		return "-1, " + x.name
	}
	tables := s.Params().Len() - 1
	var args strings.Builder
	for i := range tables {
		fmt.Fprintf(&args, ", tables[%d]", i)
	}
	return fmt.Sprintf("%[2]d, func(f *%[1]s.Figure, tables ...%[1]s.Table) error {\nreturn %[3]s(f%[4]s)\n}",
		figure, tables, x.name, args.String())
}

func (x *extraction) printNode(n node) (string, error) {
	var b strings.Builder
	for _, c := range stripLines(n.doc()) {
		b.WriteString(c.Text + "\n")
	}
	if n.spec == nil {
		decl := *n.decl.(*ast.FuncDecl)
		decl.Doc = nil
		err := x.printCommented(&b, n, &decl)
		return b.String(), err
	}
	spec, trailing := n.spec, (*ast.CommentGroup)(nil)
	switch s := n.spec.(type) {
	case *ast.TypeSpec:
		alone := *s
		alone.Doc, alone.Comment = nil, nil
		spec, trailing = &alone, s.Comment
	case *ast.ValueSpec:
		alone := &ast.ValueSpec{Names: s.Names[n.index : n.index+1], Type: n.typ}
		if n.expr != nil {
			alone.Values = []ast.Expr{n.expr}
		}
		spec, trailing = alone, s.Comment
	}
	tok := n.decl.(*ast.GenDecl).Tok
	if tok == token.CONST {
		if err := x.printConst(&b, n); err != nil {
			return "", err
		}
	} else if err := x.printCommented(&b, n, &ast.GenDecl{TokPos: spec.Pos(), Tok: tok, Specs: []ast.Spec{spec}}); err != nil {
		return "", err
	}
	for _, c := range stripLines(trailing) {
		b.WriteString(" " + c.Text)
	}
	return b.String(), nil
}

var style = printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}

// printCommented prints part, which is n or made of n, with the comments
// inside of n.
func (x *extraction) printCommented(b *strings.Builder, n node, part ast.Node) error {
	begin, end := n.extent()
	var inside []*ast.CommentGroup
	for _, g := range n.file.Comments {
		if g.Pos() >= begin && g.End() <= end {
			if list := stripLines(g); len(list) > 0 {
				inside = append(inside, &ast.CommentGroup{List: list})
			}
		}
	}
	return style.Fprint(b, x.fset, &printer.CommentedNode{Node: part, Comments: inside})
}

// printConst prints a constant without its group: with the expression it
// repeats, and iota as a number.
func (x *extraction) printConst(b *strings.Builder, n node) error {
	b.WriteString("const " + n.object.Name())
	if n.typ != nil {
		b.WriteString(" ")
		if err := style.Fprint(b, x.fset, n.typ); err != nil {
			return err
		}
	}
	var expr bytes.Buffer
	if err := style.Fprint(&expr, x.fset, n.expr); err != nil {
		return err
	}
	iotas := 0 // by where they are in expr, as the copy below has the same order
	var universal []bool
	for child := range ast.Preorder(n.expr) {
		if id, ok := child.(*ast.Ident); ok && id.Name == "iota" {
			universal = append(universal, x.info.Uses[id] == types.Universe.Lookup("iota"))
		}
	}
	fset := token.NewFileSet()
	again, err := parser.ParseExprFrom(fset, "", expr.Bytes(), 0)
	if err != nil {
		return err
	}
	for child := range ast.Preorder(again) {
		if id, ok := child.(*ast.Ident); ok && id.Name == "iota" {
			if universal[iotas] {
				id.Name = strconv.Itoa(n.iota)
			}
			iotas++
		}
	}
	b.WriteString(" = ")
	return style.Fprint(b, fset, again)
}

// stripLines returns the comments of g, which may be nil, without those that
// lie about lines.
func stripLines(g *ast.CommentGroup) []*ast.Comment {
	if g == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.List), func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//line ") || strings.HasPrefix(c.Text, "/*line ")
	})
}
