package extract

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

func (x *extraction) refuse(rule Rule, pos token.Pos, remedy, format string, args ...any) {
	r := Refusal{Rule: rule, Reason: fmt.Sprintf(format, args...), Remedy: remedy}
	if pos.IsValid() {
		at := x.fset.PositionFor(pos, false)
		r.File, r.Line = at.Filename, at.Line
	}
	x.refusals = append(x.refusals, r)
}

// refuseWholeProgram refuses what acts on a figure without being called by it.
func (x *extraction) refuseWholeProgram() {
	for _, file := range x.files {
		for _, spec := range file.Imports {
			path := importPath(spec)
			top, _, _ := strings.Cut(path, "/")
			outside := strings.Contains(top, ".")
			switch {
			case path == "C":
				x.refuse(Cgo, spec.Pos(), "write it in Go, or move it to another program", "the program uses cgo")
			case spec.Name != nil && spec.Name.Name == "_" && outside:
				x.refuse(BlankImport, spec.Pos(), "move it to another program",
					"%q is imported for its side effects", path)
			case spec.Name != nil && spec.Name.Name == "." && outside:
				x.refuse(DotImport, spec.Pos(), "import it by its name", "%q is imported without a name", path)
			}
		}
	}
}

// refuseInit refuses init functions that set variables of the packages that a
// figure may import: the sealed figure would be drawn without. The variables of
// the program itself are subject to the rule about those that change.
func (x *extraction) refuseInit() {
	for _, n := range x.initReached() {
		for child := range ast.Preorder(n.decl) {
			for _, e := range written(child) {
				if path, name, ok := x.importedVariable(e); ok && allowed(path) {
					x.refuse(InitFunction, e.Pos(), "set it in the figure function",
						"an init function sets %s of package %q, and is not part of the figure", name, path)
				}
			}
		}
	}
}

// initReached returns the functions of the program that its init functions
// reach, themselves among them.
func (x *extraction) initReached() []node {
	var queue, reached []node
	for _, file := range x.files {
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" {
				queue = append(queue, node{file: file, decl: d, syntax: []ast.Node{d}})
			}
		}
	}
	funcs := map[types.Object]node{}
	for o, n := range x.nodes {
		if _, ok := n.decl.(*ast.FuncDecl); ok {
			funcs[o] = n
		}
	}
	for _, methods := range x.methods {
		for _, n := range methods {
			funcs[n.object] = n
		}
	}
	for len(queue) > 0 {
		n := queue[0]
		queue, reached = queue[1:], append(reached, n)
		for id := range n.idents() {
			if f, ok := funcs[x.info.Uses[id]]; ok {
				delete(funcs, x.info.Uses[id])
				queue = append(queue, f)
			}
		}
	}
	return reached
}

// written returns what a statement or expression assigns to, or takes the
// address of.
func written(n ast.Node) []ast.Expr {
	switch s := n.(type) {
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			return s.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{s.X}
	case *ast.RangeStmt:
		if s.Tok == token.ASSIGN {
			return []ast.Expr{s.Key, s.Value}
		}
	case *ast.UnaryExpr:
		if s.Op == token.AND {
			return []ast.Expr{s.X}
		}
	}
	return nil
}

// importedVariable returns the package and the name of the variable of an
// imported package that e is a part of.
func (x *extraction) importedVariable(e ast.Expr) (path, name string, ok bool) {
	for {
		switch inner := e.(type) {
		case *ast.ParenExpr:
			e = inner.X
		case *ast.IndexExpr:
			e = inner.X
		case *ast.StarExpr:
			e = inner.X
		case *ast.SelectorExpr:
			if id, isIdent := inner.X.(*ast.Ident); isIdent {
				if pkg, isPackage := x.info.Uses[id].(*types.PkgName); isPackage {
					_, isVar := x.info.Uses[inner.Sel].(*types.Var)
					return pkg.Imported().Path(), inner.Sel.Name, isVar
				}
			}
			e = inner.X
		default:
			return "", "", false
		}
	}
}

// find returns the figure function, or refuses and returns nil.
func (x *extraction) find() types.Object {
	name := x.name
	const declare = "declare it as func NAME(f *figure.Figure, s figure.Table) error at the top level"
	outer, inner, nested := strings.Cut(name, ".")
	switch {
	case strings.HasSuffix(name, "-fm"):
		x.refuse(MethodValue, x.positionOf(outer), declare, "%s is a method value: it captures its receiver", strings.TrimSuffix(name, "-fm"))
		return nil
	case nested && (outer == "glob" || strings.HasPrefix(inner, "func") || strings.Contains(inner, ".func")):
		x.refuse(FuncLiteral, x.positionOf(outer), declare, "%s is a func literal in %s: what it captures is not part of it", name, outer)
		return nil
	case nested:
		x.refuse(MethodValue, x.positionOf(strings.Trim(outer, "(*)")), declare, "%s is a method", name)
		return nil
	}
	switch o := x.pkg.Scope().Lookup(name).(type) {
	case *types.Func:
		if !x.isFigure(o.Signature()) {
			x.refuse(Signature, o.Pos(), "make it func(*figure.Figure, ...figure.Table) error, or with that many tables as parameters",
				"%s is a %s", name, types.TypeString(o.Type(), types.RelativeTo(x.pkg)))
			return nil
		}
		return o
	case *types.Var:
		x.refuse(FuncLiteral, o.Pos(), declare, "%s is a variable, which may hold any func", name)
	case nil:
		x.refuseMissing(name)
	default:
		x.refuse(Signature, o.Pos(), declare, "%s is not a function", name)
	}
	return nil
}

func (x *extraction) positionOf(name string) token.Pos {
	if o := x.pkg.Scope().Lookup(name); o != nil {
		return o.Pos()
	}
	return token.NoPos
}

// unconstrained is the remedy for code in a file that is left out.
const unconstrained = "move it to a file without build constraints: no //go:build line, no _linux or the like in its name"

// declaredElsewhere returns where a file that is not built for wasip1 declares
// name at the top level or as a method; not valid if none does.
func (x *extraction) declaredElsewhere(name string) token.Pos {
	for _, file := range x.skipped {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == name {
					return d.Name.Pos()
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					for _, id := range declared(spec) {
						if id.Name == name {
							return id.Pos()
						}
					}
				}
			}
		}
	}
	return token.NoPos
}

// declared returns the names that a type, constant or variable declaration
// declares.
func declared(spec ast.Spec) []*ast.Ident {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{s.Name}
	case *ast.ValueSpec:
		return s.Names
	}
	return nil
}

// refuseMissing says what the function may be called instead, or where it is.
func (x *extraction) refuseMissing(name string) {
	if pos := x.declaredElsewhere(name); pos.IsValid() {
		x.refuse(Platform, pos, unconstrained, "%s is in a file that is not built for wasip1", name)
		return
	}
	var figures []string
	for o := range x.nodes {
		if f, ok := o.(*types.Func); ok && x.isFigure(f.Signature()) {
			figures = append(figures, f.Name())
		}
	}
	slices.Sort(figures)
	remedy := "there is no function of that kind"
	if len(figures) > 0 {
		remedy = "there are " + strings.Join(figures, ", ")
	}
	x.refuse(NotFound, token.NoPos, remedy, "no top-level function %s in %s", name, x.dir)
}

// isFigure reports whether s is func(*figure.Figure, ...figure.Table) error, or
// has a fixed number of tables.
func (x *extraction) isFigure(s *types.Signature) bool {
	pkg, err := x.imports.Import(Figure)
	if err != nil || s.TypeParams().Len() > 0 || s.Recv() != nil || s.Params().Len() == 0 || s.Results().Len() != 1 {
		return false
	}
	figure, table := pkg.Scope().Lookup("Figure"), pkg.Scope().Lookup("Table")
	if figure == nil || table == nil || !types.Identical(s.Params().At(0).Type(), types.NewPointer(figure.Type())) ||
		!types.Identical(s.Results().At(0).Type(), types.Universe.Lookup("error").Type()) {
		return false
	}
	if s.Variadic() {
		return s.Params().Len() == 2 && types.Identical(s.Params().At(1).Type(), types.NewSlice(table.Type()))
	}
	for i := 1; i < s.Params().Len(); i++ {
		if !types.Identical(s.Params().At(i).Type(), table.Type()) {
			return false
		}
	}
	return true
}

// refuseReached refuses what the kept declarations may not hold.
func (x *extraction) refuseReached() {
	x.findMutations()
	for _, n := range x.kept {
		x.refuseDirectives(n)
		switch o := n.object.(type) {
		case *types.Func:
			if n.decl.(*ast.FuncDecl).Body == nil {
				x.refuse(NoBody, o.Pos(), "write it in Go", "%s is implemented outside of the program", o.Name())
			}
			if o.Name() == "main" && o.Signature().Recv() == nil {
				x.refuse(Ambiguous, o.Pos(), "give the function another name", "the figure calls main, which is not the sealed main")
			}
		case *types.Var:
			if where, ok := x.mutated[o]; ok {
				x.refuse(MutableVariable, o.Pos(), "make it a constant, or a variable or parameter of the function",
					"package-level variable %s is changed at %s", o.Name(), where)
			}
			x.refuseInitialiser(n)
		}
		if !x.refuseImports(n) {
			x.refuseErrors(n)
		}
	}
}

// refuseImports refuses the packages that n uses and may not, and reports
// whether it did.
func (x *extraction) refuseImports(n node) bool {
	refused := map[string]bool{}
	for id := range n.idents() {
		used, ok := x.info.Uses[id].(*types.PkgName)
		if !ok {
			continue
		}
		path := used.Imported().Path()
		if path == "C" || refused[path] {
			refused[path] = true
			continue
		}
		if !allowed(path) {
			refused[path] = true
			x.refuse(Import, id.Pos(), instead(path), "%s uses %q, which a figure may not", n.name(), path)
		} else if err := x.imports.absent[path]; err != nil {
			refused[path] = true
			x.refuse(Platform, id.Pos(), "use another package", "%s uses %q, which does not build for wasip1: %v", n.name(), path, err)
		}
	}
	return len(refused) > 0
}

// refuseErrors refuses type errors in n.
func (x *extraction) refuseErrors(n node) {
	for _, err := range x.errors {
		at := func(s ast.Node) bool { return s.Pos() <= err.Pos && err.Pos < s.End() }
		if n.object.Pos() != err.Pos && !slices.ContainsFunc(n.syntax, at) {
			continue
		}
		if name := n.unresolved(x.info, err.Pos); name != "" {
			if pos := x.declaredElsewhere(name); pos.IsValid() {
				x.refuse(Platform, err.Pos, unconstrained, "%s needs %s, which is in a file that is not built for wasip1 (%s)",
					n.name(), name, x.position(pos))
				continue
			}
		}
		x.refuse(Compile, err.Pos, "make the program compile first", "%s", err.Msg)
	}
}

// unresolved returns the identifier at pos in n if it means nothing, or "".
func (n node) unresolved(info types.Info, pos token.Pos) string {
	for id := range n.idents() {
		if id.Pos() == pos && info.ObjectOf(id) == nil {
			return id.Name
		}
	}
	return ""
}

// refuseInitialiser refuses a variable whose first value takes more than
// constants, composite literals, conversions and operators.
func (x *extraction) refuseInitialiser(n node) {
	if n.expr == nil {
		return
	}
	const remedy = "write its value as a constant or composite literal, or compute it in the function"
	for child := range ast.Preorder(n.expr) {
		switch e := child.(type) {
		case *ast.FuncLit:
			x.refuse(FuncLiteral, e.Pos(), "declare a function", "package-level variable %s holds a func literal", n.object.Name())
		case *ast.CallExpr:
			if tv := x.info.Types[e.Fun]; !tv.IsType() && x.info.Types[e].Value == nil {
				x.refuse(Initialiser, e.Pos(), remedy, "package-level variable %s is initialised by a call", n.object.Name())
			}
		case *ast.UnaryExpr:
			if e.Op == token.ARROW {
				x.refuse(Initialiser, e.Pos(), remedy, "package-level variable %s is received from a channel", n.object.Name())
			}
		}
	}
}

// refuseDirectives refuses comments that tell the compiler what the sealed
// source alone does not.
func (x *extraction) refuseDirectives(n node) {
	for _, group := range n.comments() {
		for _, c := range group.List {
			directive, ok := strings.CutPrefix(c.Text, "//go:")
			switch {
			case !ok || strings.HasPrefix(directive, "noinline") || strings.HasPrefix(directive, "generate"):
			case strings.HasPrefix(directive, "embed"):
				x.refuse(Embed, c.Pos(), "a figure sees no files: what it needs must be in its tables", "%s embeds a file", n.name())
			default:
				x.refuse(Directive, c.Pos(), "remove it", "%s has the directive //go:%s", n.name(), directive)
			}
		}
	}
}

// findMutations fills mutated: the package-level variables that are assigned,
// or whose address is taken, anywhere in the program. An identifier that type
// checking could not resolve counts for every variable of that name.
func (x *extraction) findMutations() {
	x.mutated = map[types.Object]string{}
	for _, file := range x.files {
		for child := range ast.Preorder(file) {
			for _, e := range written(child) {
				x.mutates(e)
			}
			switch s := child.(type) {
			case *ast.SliceExpr: // of an array: a slice that writes to it
				if t := x.info.TypeOf(s.X); t != nil && isArray(t) {
					x.mutates(s.X)
				}
			case *ast.CallExpr:
				x.mutatesByCall(s)
			}
		}
	}
}

func isArray(t types.Type) bool {
	_, ok := t.Underlying().(*types.Array)
	return ok
}

// mutatesByCall notes v.M() where M has a pointer receiver and v is no
// pointer, and the built-in functions that write.
func (x *extraction) mutatesByCall(call *ast.CallExpr) {
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		if _, ok := x.info.Uses[f].(*types.Builtin); ok && slices.Contains([]string{"clear", "copy", "delete"}, f.Name) && len(call.Args) > 0 {
			x.mutates(call.Args[0])
		}
	case *ast.SelectorExpr:
		selection := x.info.Selections[f]
		if selection == nil || selection.Kind() != types.MethodVal {
			return
		}
		if recv := selection.Obj().(*types.Func).Signature().Recv(); recv != nil && isPointer(recv.Type()) && !isPointer(selection.Recv()) {
			x.mutates(f.X)
		}
	}
}

func isPointer(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.Pointer)
	return ok
}

// mutates notes that something may be written through e.
func (x *extraction) mutates(e ast.Expr) {
	for {
		switch inner := e.(type) {
		case *ast.ParenExpr:
			e = inner.X
		case *ast.SelectorExpr:
			e = inner.X
		case *ast.IndexExpr:
			e = inner.X
		case *ast.SliceExpr:
			e = inner.X
		case *ast.StarExpr:
			e = inner.X
		case *ast.Ident:
			used := x.info.Uses[inner]
			if used == nil {
				used = x.pkg.Scope().Lookup(inner.Name)
			}
			if v, ok := used.(*types.Var); ok && x.packageLevel(v) && x.mutated[v] == "" {
				x.mutated[v] = x.position(inner.Pos())
			}
			return
		default:
			return
		}
	}
}

// name returns what n declares, for people.
func (n node) name() string {
	if d, ok := n.decl.(*ast.FuncDecl); ok && d.Recv != nil {
		return receiverBase(d) + "." + d.Name.Name
	}
	return n.object.Name()
}

// comments returns the comments that belong to n: its documentation, those
// inside of it, and one on the line where it ends, if it is part of a group.
func (n node) comments() []*ast.CommentGroup {
	begin, end := n.extent()
	var groups []*ast.CommentGroup
	if doc := n.doc(); doc != nil {
		groups = append(groups, doc)
	}
	for _, g := range n.file.Comments {
		if g.Pos() >= begin && g.End() <= end {
			groups = append(groups, g)
		}
	}
	return groups
}

// doc returns the documentation of n. That of a group belongs to it only if it
// is the group.
func (n node) doc() *ast.CommentGroup {
	var own *ast.CommentGroup
	switch s := n.spec.(type) {
	case *ast.TypeSpec:
		own = s.Doc
	case *ast.ValueSpec:
		own = s.Doc
	case nil:
		return n.decl.(*ast.FuncDecl).Doc
	}
	if d := n.decl.(*ast.GenDecl); own == nil && len(d.Specs) == 1 {
		return d.Doc
	}
	return own
}

// extent returns where n begins and ends, without its documentation.
func (n node) extent() (begin, end token.Pos) {
	if n.spec == nil {
		return n.decl.Pos(), n.decl.End()
	}
	return n.spec.Pos(), n.spec.End()
}
