package extract

import (
	"go/ast"
	"go/parser"
	"go/token"
)

// Origin returns where in the program a line of sealed comes from, which Extract
// has made for the function name: "file:line". Where that is not known, it
// returns where the function is declared; "" if it is not.
func (p *Program) Origin(name string, sealed []byte, line int) string {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", sealed, parser.SkipObjectResolution)
	if err == nil {
		for _, decl := range file.Decls {
			copied, ok := decl.(*ast.FuncDecl)
			if !ok || line < fset.Position(copied.Pos()).Line || line > fset.Position(copied.End()).Line {
				continue
			}
			if receiver, name := nameOf(copied); receiver != "" || name != "main" { // which Extract wrote
				if decl := p.funcDecl(receiver, name); decl != nil {
					return p.position(counterpart(fset, copied, line, decl).Pos())
				}
			}
		}
	}
	if decl := p.funcDecl("", p.FuncName(name)); decl != nil {
		return p.position(decl.Pos())
	}
	return ""
}

// counterpart returns the node of original that is, in copied, the first one on
// the line, or the last one before it. Both are one syntax tree, but for
// comments, in two layouts.
func counterpart(fset *token.FileSet, copied *ast.FuncDecl, line int, original *ast.FuncDecl) ast.Node {
	ours, theirs := nodes(copied), nodes(original)
	if len(ours) != len(theirs) {
		return original
	}
	found := ast.Node(original)
	for i, n := range ours {
		switch at := fset.Position(n.Pos()).Line; {
		case at == line:
			return theirs[i]
		case at < line:
			found = theirs[i]
		}
	}
	return found
}

// nodes lists the nodes of a function without comments.
func nodes(f *ast.FuncDecl) []ast.Node {
	var all []ast.Node
	for n := range ast.Preorder(f) {
		switch n.(type) {
		case *ast.Comment, *ast.CommentGroup:
		default:
			all = append(all, n)
		}
	}
	return all
}

// funcDecl returns the declaration of a function, or of a method of receiver;
// nil if there is none.
func (p *Program) funcDecl(receiver, name string) *ast.FuncDecl {
	for _, f := range p.files {
		for _, decl := range f.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				if r, n := nameOf(f); r == receiver && n == name {
					return f
				}
			}
		}
	}
	return nil
}

// nameOf returns the name of a function, and that of its receiver's type if it
// is a method.
func nameOf(f *ast.FuncDecl) (receiver, name string) {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return "", f.Name.Name
	}
	for n := range ast.Preorder(f.Recv.List[0].Type) {
		if id, ok := n.(*ast.Ident); ok { // the first one: type parameters come after it
			return id.Name, f.Name.Name
		}
	}
	return "?", f.Name.Name
}
