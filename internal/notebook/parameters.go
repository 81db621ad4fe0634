package notebook

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
)

// A Parameter is a variable or constant that the cell tagged "parameters"
// declares.
type Parameter struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Default  string `json:"default"` // in Go
	ident    string // of the variable; another only with assay.Param
	declared string // its type, if that is written
	convert  string // the type that its value is converted to, if that is written
	constant bool
}

// A Kind is the kind of a parameter's value.
type Kind string

// The kinds of parameters.
const (
	Int      Kind = "int"
	Float    Kind = "float64"
	String   Kind = "string"
	Bool     Kind = "bool"
	Duration Kind = "time.Duration"
	List     Kind = "[]string"
)

// envPrefix begins the names of environment variables that set parameters.
const envPrefix = "ASSAY_PARAM_"

// Parameters returns what the notebook's cell tagged "parameters" declares,
// and the cell's index, or -1 if there is no such cell.
func Parameters(nb *nbformat.Notebook) ([]Parameter, int, error) {
	at := slices.IndexFunc(nb.Cells, func(c *nbformat.Cell) bool { return c.Type == nbformat.Code && c.HasTag(tagParameters) })
	if at < 0 {
		return nil, -1, nil
	}
	var src strings.Builder
	src.WriteString("package p;")
	for line := range strings.Lines(nb.Cells[at].Source) {
		t := strings.TrimSpace(line)
		if strings.HasPrefix(t, "%%") {
			break // statements follow: what they declare is theirs
		}
		if strings.HasPrefix(t, "%") || strings.HasPrefix(t, "!") {
			line = "\n"
		}
		src.WriteString(line)
	}
	file, err := parser.ParseFile(token.NewFileSet(), fmt.Sprintf("cell %d", at+1), src.String(), 0)
	if err != nil {
		return nil, at, fmt.Errorf("the cell tagged %q: %w", tagParameters, err)
	}
	var list []Parameter
	for _, d := range file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR && gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			v := spec.(*ast.ValueSpec)
			for i, name := range v.Names {
				if i >= len(v.Values) {
					continue
				}
				p := Parameter{Name: name.Name, ident: name.Name, constant: gen.Tok == token.CONST}
				value := v.Values[i]
				text := func(e ast.Expr) string { return src.String()[e.Pos()-1 : e.End()-1] }
				if call, ok := value.(*ast.CallExpr); ok && len(call.Args) == 2 && isParam(call.Fun) {
					lit, ok := call.Args[0].(*ast.BasicLit)
					if !ok || lit.Kind != token.STRING {
						continue
					}
					p.Name, _ = strconv.Unquote(lit.Value) // it was parsed as a string
					value = call.Args[1]
					if index, ok := call.Fun.(*ast.IndexExpr); ok {
						p.convert = text(index.Index)
					}
				}
				p.Default = text(value)
				p.Kind = kindOf(value)
				if p.convert == "" {
					p.convert = conversion(value)
				}
				p.Kind = kindNamed(p.convert, p.Kind)
				if v.Type != nil {
					p.declared, p.convert = text(v.Type), ""
					p.Kind = kindNamed(p.declared, p.Kind)
				}
				if p.Kind != "" {
					list = append(list, p)
				}
			}
		}
	}
	return list, at, nil
}

// isParam reports whether a call is one of assay.Param, with or without its
// type.
func isParam(fun ast.Expr) bool {
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Param"
}

func kindOf(e ast.Expr) Kind {
	switch e := e.(type) {
	case *ast.BasicLit:
		return map[token.Token]Kind{token.INT: Int, token.FLOAT: Float, token.STRING: String}[e.Kind]
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return Bool
		}
	case *ast.UnaryExpr:
		return kindOf(e.X)
	case *ast.ParenExpr:
		return kindOf(e.X)
	case *ast.CallExpr:
		return kindNamed(conversion(e), "")
	case *ast.CompositeLit:
		return kindNamed(conversion(e), "")
	case *ast.SelectorExpr:
		if slices.Contains([]string{"Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}, e.Sel.Name) {
			return Duration
		}
	case *ast.BinaryExpr:
		x, y := kindOf(e.X), kindOf(e.Y)
		if x != "" && y != "" && e.Op.Precedence() <= token.EQL.Precedence() {
			return Bool
		}
		if x == Duration || y == Duration {
			return Duration
		}
		if x == y {
			return x
		}
		if x == Float && y == Int || x == Int && y == Float {
			return Float
		}
	}
	return ""
}

// conversion returns the type that a value is converted to or made of, or "".
func conversion(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		return conversion(e.X)
	case *ast.ParenExpr:
		return conversion(e.X)
	case *ast.BinaryExpr:
		if t := conversion(e.X); t != "" {
			return t
		}
		return conversion(e.Y)
	case *ast.CallExpr:
		switch fun := e.Fun.(type) {
		case *ast.Ident:
			return fun.Name
		case *ast.SelectorExpr:
			if fun.Sel.Name == "Duration" {
				return string(Duration)
			}
		}
	case *ast.CompositeLit:
		if list, ok := e.Type.(*ast.ArrayType); ok && list.Len == nil {
			if id, ok := list.Elt.(*ast.Ident); ok {
				return "[]" + id.Name
			}
		}
	}
	return ""
}

// sizes are the bits of the types of whole numbers; those of unsigned ones are
// negative.
var sizes = map[string]int{
	"int": strconv.IntSize, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "rune": 32,
	"uint": -strconv.IntSize, "uint8": -8, "uint16": -16, "uint32": -32, "uint64": -64, "byte": -8,
}

// kindNamed returns the kind of a type by its name, or other.
func kindNamed(name string, other Kind) Kind {
	switch k := Kind(name); {
	case k == Duration || k == String || k == Bool || k == List:
		return k
	case sizes[name] != 0:
		return Int
	case name == "float64" || name == "float32":
		return Float
	}
	return other
}

// Values are what parameters are to be, and where that is said.
type Values []value

type value struct {
	Parameter
	text    string // as assay.Param reads it
	literal string // in Go
}

// Assign finds the values of parameters in settings ("name=value") and, where
// those say nothing, in the environment (ASSAY_PARAM_NAME=value, of whatever
// case). Names of the environment that the notebook does not have are another
// notebook's. A setting that is wrong is an error that matches failure.ErrUsage.
func Assign(nb *nbformat.Notebook, settings, environ []string) (Values, error) {
	list, at, err := Parameters(nb)
	if err != nil {
		return nil, err
	}
	given := map[string]string{}
	for _, s := range environ {
		name, text, _ := strings.Cut(s, "=")
		if name, ok := strings.CutPrefix(strings.ToUpper(name), envPrefix); ok {
			for _, p := range list {
				if strings.ToUpper(p.Name) == name {
					given[p.Name] = text
				}
			}
		}
	}
	var problems []string
	for _, s := range settings {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			problems = append(problems, fmt.Sprintf("%q is not of the form name=value", s))
			continue
		}
		if !slices.ContainsFunc(list, func(p Parameter) bool { return p.Name == name }) {
			problems = append(problems, fmt.Sprintf("no parameter %q", name))
			continue
		}
		given[name] = text
	}
	var values Values
	for _, p := range list {
		text, ok := given[p.Name]
		if !ok {
			continue
		}
		text, literal, err := p.value(text)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s=%s: %v", p.Name, given[p.Name], err))
			continue
		}
		values = append(values, value{p, text, literal})
	}
	if len(problems) > 0 {
		message := strings.Join(problems, "; ")
		if at < 0 {
			message += fmt.Sprintf("; the notebook has no cell with the tag %q", tagParameters)
		} else {
			message += "; there are:\n" + Describe(list)
		}
		return nil, failure.Usagef("%s", strings.TrimRight(message, "\n"))
	}
	return values, nil
}

// Describe lists parameters, one a line.
func Describe(list []Parameter) string {
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "  %s=%s (%s)\n", p.Name, p.Default, p.Kind)
	}
	return b.String()
}

// value reads a value as assay.Param does, and returns it as that is given it
// and in Go.
func (p Parameter) value(given string) (text, literal string, err error) {
	typed := p.convert
	switch p.Kind {
	case Int:
		text, err = whole(given, cmp.Or(p.declared, p.convert))
		literal = text
	case Float:
		f, wrong := strconv.ParseFloat(given, 64)
		if wrong != nil || f-f != 0 {
			return "", "", errors.New("not a number")
		}
		text = strconv.FormatFloat(f, 'g', -1, 64)
		if literal = text; !strings.ContainsAny(literal, ".e") {
			literal += ".0"
		}
	case Bool:
		b, wrong := strconv.ParseBool(given)
		if wrong != nil {
			return "", "", errors.New("neither true nor false")
		}
		text = strconv.FormatBool(b)
		literal = text
	case Duration:
		d, wrong := time.ParseDuration(given)
		if wrong != nil {
			return "", "", errors.New(`not a time, like "1.5s" or "2m"`)
		}
		text, literal, typed = d.String(), duration(d), ""
	case List:
		var quoted []string
		for e := range strings.SplitSeq(given, ",") {
			if e = strings.TrimSpace(e); e != "" {
				quoted = append(quoted, strconv.Quote(e))
			}
		}
		return given, string(List) + "{" + strings.Join(quoted, ", ") + "}", nil
	default:
		text, literal = given, strconv.Quote(given)
	}
	if typed != "" && typed != string(p.Kind) {
		literal = typed + "(" + literal + ")"
	}
	return text, literal, err
}

// whole reads a whole number that fits a type and writes it in decimal.
func whole(given, typed string) (string, error) {
	bits := sizes[typed]
	if bits < 0 {
		n, err := strconv.ParseUint(given, 0, -bits)
		if err != nil {
			return "", fmt.Errorf("not a whole number that fits %s", typed)
		}
		return strconv.FormatUint(n, 10), nil
	}
	n, err := strconv.ParseInt(given, 0, cmp.Or(bits, 64))
	if errors.Is(err, strconv.ErrRange) && bits > 0 {
		return "", fmt.Errorf("not a whole number that fits %s", typed)
	}
	if err != nil {
		return "", errors.New("not a whole number")
	}
	return strconv.FormatInt(n, 10), nil
}

// duration writes a time in Go.
func duration(d time.Duration) string {
	for _, unit := range []struct {
		d    time.Duration
		name string
	}{{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}, {time.Millisecond, "Millisecond"}, {time.Microsecond, "Microsecond"}} {
		if d%unit.d == 0 {
			return fmt.Sprintf("%d * time.%s", d/unit.d, unit.name)
		}
	}
	return fmt.Sprintf("%d * time.Nanosecond", d)
}

// environ is what tells the cells' assay.Param.
func (vs Values) environ() []string {
	var env []string
	for _, v := range vs {
		env = append(env, envPrefix+strings.ToUpper(v.Name)+"="+v.text)
	}
	return env
}

// Inject puts a cell behind that tagged "parameters" that gives them their
// values, in place of one that was injected before. With no values it changes
// nothing.
func (vs Values) Inject(nb *nbformat.Notebook) {
	_, at, err := Parameters(nb)
	if len(vs) == 0 || at < 0 || err != nil {
		return
	}
	var b strings.Builder
	b.WriteString("// Parameters")
	for _, v := range vs {
		keyword := "var"
		if v.constant {
			keyword = "const"
		}
		fmt.Fprintf(&b, "\n%s %s = %s", keyword, strings.TrimSpace(v.ident+" "+v.declared), v.literal)
	}
	removeInjected(nb)
	if _, at, err = Parameters(nb); err != nil {
		return
	}
	c := nbformat.NewCell(b.String())
	c.Metadata["tags"] = []any{tagInjected}
	nb.Insert(at+1, c)
	nb.Upgrade()
}

func removeInjected(nb *nbformat.Notebook) {
	nb.Cells = slices.DeleteFunc(nb.Cells, func(c *nbformat.Cell) bool { return c.HasTag(tagInjected) })
}
