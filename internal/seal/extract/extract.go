// Package extract takes one figure function out of a Go program: the
// declarations reachable from it, as one canonical file, so that an edit
// elsewhere in the program does not change a byte of it.
//
// It refuses what would make the figure depend on anything but its tables, and
// reports all refusals at once. It runs no code and compiles nothing: the
// caller gives it the types of imported packages. docs/seal.md has the rules.
package extract

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The import paths a figure function's signature comes from.
const (
	Module = "github.com/assay-notebooks/assay"
	Figure = Module + "/kernelext/figure"
)

// A Program is the parsed files of one Go package.
type Program struct {
	dir     string
	fset    *token.FileSet
	files   []*ast.File
	skipped []*ast.File // whose build constraints exclude wasip1
}

// Parse reads the Go files of the package in dir that a build for wasip1 would
// take, and those with cgo. Tests are left out.
func Parse(dir string) (*Program, error) {
	p := &Program{dir: dir, fset: token.NewFileSet()}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	context := build.Default
	context.GOOS, context.GOARCH, context.Compiler = "wasip1", "wasm", "gc"
	context.CgoEnabled = true // such files are refused by name, not overlooked
	context.BuildTags = nil
	var problems []error
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		matches, err := context.MatchFile(dir, name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		file, err := parser.ParseFile(p.fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		switch {
		case err != nil:
			problems = append(problems, err)
		case matches:
			p.files = append(p.files, file)
		default:
			p.skipped = append(p.skipped, file)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if len(p.files) == 0 && len(p.skipped) == 0 {
		return nil, fmt.Errorf("no Go files in %s: %w", dir, fs.ErrNotExist)
	}
	for _, f := range p.files {
		if f.Name.Name != p.packageName() {
			return nil, fmt.Errorf("%s: package %s and package %s are in one directory; a program is one package",
				p.position(f.Name.Pos()), p.packageName(), f.Name.Name)
		}
	}
	return p, nil
}

// packageName returns the name of the package, also if no file of it is built
// for wasip1.
func (p *Program) packageName() string {
	if len(p.files) == 0 {
		return p.skipped[0].Name.Name
	}
	return p.files[0].Name.Name
}

// Imports returns the paths that the program imports and a figure may import,
// sorted: the packages Extract wants the types of.
func (p *Program) Imports() []string {
	var paths []string
	for _, f := range p.files {
		for _, spec := range f.Imports {
			if path := importPath(spec); allowed(path) {
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// FuncName returns name as the program spells it: without the package that
// package runtime puts before it.
func (p *Program) FuncName(name string) string {
	name = name[strings.LastIndex(name, "/")+1:]
	return strings.TrimPrefix(name, p.packageName()+".")
}

// Extract returns the canonical source of the figure function name: gofmt'ed,
// package main, with a main function that serves the figure. Types of the
// packages named by Imports come from imp; a path that imp has no types for
// must give an error that says why, and counts as a package that does not
// build for wasip1.
//
// If the function cannot be sealed, the error is a *RefusedError.
func (p *Program) Extract(name string, imp types.Importer) ([]byte, error) {
	x := &extraction{
		Program: p,
		name:    p.FuncName(name),
		imports: &tolerant{from: imp, absent: map[string]error{}},
		nodes:   map[types.Object]node{},
		methods: map[string][]node{},
		keep:    map[types.Object]bool{},
		info: types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
	}
	x.check()
	x.index()
	x.refuseWholeProgram()
	if root := x.find(); root != nil {
		x.reach(root)
		x.refuseReached()
		x.refuseInit()
	}
	if len(x.refusals) > 0 {
		return nil, newRefusedError(name, x.refusals)
	}
	return x.print()
}

// An extraction is the work on one function.
type extraction struct {
	*Program
	name    string
	imports *tolerant
	pkg     *types.Package
	info    types.Info
	errors  []types.Error           // of the whole program: only those in kept declarations count
	nodes   map[types.Object]node   // package-level declarations, without methods
	methods map[string][]node       // by receiver type
	keep    map[types.Object]bool   // package-level objects reachable from the function
	kept    []node                  // their declarations, and those of methods
	mutated map[types.Object]string // package-level variables that change, and where

	refusals []Refusal
}

// A node is one declared name: the declaration and, in a group, the spec.
type node struct {
	object types.Object
	file   *ast.File
	decl   ast.Decl
	spec   ast.Spec   // nil for functions
	index  int        // of the name in spec
	expr   ast.Expr   // the initial value of a constant or variable; nil if none
	typ    ast.Expr   // the type as written; nil if none
	iota   int        // of a constant
	syntax []ast.Node // what must be walked to find what the declaration refers to
}

// check type-checks the program as far as it goes.
func (x *extraction) check() {
	config := types.Config{
		Importer:    x.imports,
		Sizes:       types.SizesFor("gc", "wasm"),
		FakeImportC: true,
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); ok {
				x.errors = append(x.errors, e)
			}
		},
	}
	x.pkg, _ = config.Check("sealed", x.fset, x.files, &x.info) // errors are in x.errors
}

// index finds the declaration of every package-level name.
func (x *extraction) index() {
	for _, file := range x.files {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				x.indexFunc(file, d)
			case *ast.GenDecl:
				x.indexGroup(file, d)
			}
		}
	}
}

func (x *extraction) indexFunc(file *ast.File, d *ast.FuncDecl) {
	n := node{object: x.info.Defs[d.Name], file: file, decl: d, syntax: []ast.Node{d}}
	if d.Recv == nil {
		x.add(n)
	} else if base := receiverBase(d); base != "" {
		x.methods[base] = append(x.methods[base], n)
	}
}

func (x *extraction) indexGroup(file *ast.File, d *ast.GenDecl) {
	var last *ast.ValueSpec // a constant without a value repeats this one's
	for i, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			x.add(node{object: x.info.Defs[s.Name], file: file, decl: d, spec: s, syntax: []ast.Node{s}})
		case *ast.ValueSpec:
			from := s
			if d.Tok == token.CONST {
				if len(s.Values) > 0 || last == nil {
					last = s
				}
				from = last
			}
			for j, name := range s.Names {
				n := node{object: x.info.Defs[name], file: file, decl: d, spec: s, index: j, typ: from.Type, iota: i}
				if j < len(from.Values) {
					n.expr = from.Values[j]
				} else if len(from.Values) == 1 {
					n.expr = from.Values[0] // var a, b = f(), which is refused
				}
				for _, e := range []ast.Expr{n.typ, n.expr} {
					if e != nil {
						n.syntax = append(n.syntax, e)
					}
				}
				x.add(n)
			}
		}
	}
}

func (x *extraction) add(n node) {
	if n.object != nil && n.object.Name() != "_" && x.packageLevel(n.object) {
		x.nodes[n.object] = n
	}
}

func (x *extraction) packageLevel(o types.Object) bool {
	return o != nil && o.Pkg() == x.pkg && o.Parent() == x.pkg.Scope()
}

// receiverBase returns the name of the type that d is a method of.
func receiverBase(d *ast.FuncDecl) string {
	if len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch e := t.(type) {
		case *ast.ParenExpr:
			t = e.X
		case *ast.StarExpr:
			t = e.X
		case *ast.IndexExpr:
			t = e.X
		case *ast.IndexListExpr:
			t = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// reach keeps root and everything its declaration refers to, directly or not.
// Whoever keeps a type keeps all of its methods: any may be called through an
// interface.
func (x *extraction) reach(root types.Object) {
	queue := []types.Object{root}
	x.keep[root] = true
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		reached := []node{x.nodes[o]}
		if _, ok := o.(*types.TypeName); ok {
			reached = append(reached, x.methods[o.Name()]...)
		}
		x.kept = append(x.kept, reached...)
		for _, n := range reached {
			for id := range n.idents() {
				if used := x.info.Uses[id]; x.packageLevel(used) && !x.keep[used] {
					x.keep[used] = true
					queue = append(queue, used)
				}
			}
		}
	}
	slices.SortFunc(x.kept, func(a, b node) int { return strings.Compare(a.sortKey(), b.sortKey()) })
}

// idents yields the identifiers in the declaration.
func (n node) idents() func(yield func(*ast.Ident) bool) {
	return func(yield func(*ast.Ident) bool) {
		for _, s := range n.syntax {
			for child := range ast.Preorder(s) {
				if id, ok := child.(*ast.Ident); ok && !yield(id) {
					return
				}
			}
		}
	}
}

// sortKey orders declarations: constants, types with their methods, variables,
// functions; by name.
func (n node) sortKey() string {
	switch d := n.decl.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			return "2 " + receiverBase(d) + "." + d.Name.Name
		}
		return "4 " + d.Name.Name
	case *ast.GenDecl:
		return map[token.Token]string{token.CONST: "1 ", token.TYPE: "2 ", token.VAR: "3 "}[d.Tok] + n.object.Name()
	}
	return ""
}

func importPath(spec *ast.ImportSpec) string {
	path, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
	return path
}

// position returns where pos is as "dir/file.go:12".
func (p *Program) position(pos token.Pos) string {
	at := p.fset.PositionFor(pos, false)
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}

// A tolerant importer gives an empty package where there are no types, so that
// the rest of the program is checked all the same.
type tolerant struct {
	from   types.Importer
	absent map[string]error
}

func (t *tolerant) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if allowed(path) {
		pkg, err := t.from.Import(path)
		if err == nil {
			return pkg, nil
		}
		t.absent[path] = err
	}
	name := path[strings.LastIndex(path, "/")+1:]
	pkg := types.NewPackage(path, name)
	pkg.MarkComplete()
	return pkg, nil
}
