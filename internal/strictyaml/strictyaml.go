// Package strictyaml reads the YAML files that people write: one document,
// no unknown field, and numbers as they are written. It refuses to guess.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrEmpty reports a file that holds no document.
var ErrEmpty = errors.New("there is nothing in it")

// Decode reads the one document of b into to, a pointer. An error is one line
// that says at which lines of b what is wrong.
func Decode(b []byte, to any) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return oneLine(err)
	}
	if doc.Kind == 0 {
		return ErrEmpty
	}
	if err := kept(&doc, reflect.TypeOf(to)); err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(to); err != nil {
		return oneLine(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("there is a second YAML document; write it into a file of its own")
	}
	return nil
}

// kept reports the first value that the library would change or drop without a
// word: a number that is no integer, where one is wanted, and null in a list or
// map of what cannot be null.
func kept(n *yaml.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.DocumentNode:
		return kept(n.Content[0], t)
	case n.Kind == yaml.AliasNode:
		return nil // it was looked at where it stands
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!float" && t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		value := strings.ReplaceAll(n.Value, "\n", " ")
		if strings.Trim(value, "+-0123456789_") == "" {
			return fmt.Errorf("line %d: %s is too large: want a whole number that has 18 digits at most", n.Line, value)
		}
		return fmt.Errorf("line %d: %s: want a whole number", n.Line, value)
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, value := range n.Content {
			if err := item(value, t.Elem()); err != nil {
				return err
			}
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if err := item(n.Content[i+1], t.Elem()); err != nil {
				return err
			}
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if field, ok := fieldOf(t, n.Content[i].Value); ok {
				if err := kept(n.Content[i+1], field); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// item is kept for a value in a list or map.
func item(n *yaml.Node, t reflect.Type) error {
	value := n
	if n.Kind == yaml.AliasNode {
		value = n.Alias
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice: // null is one of these
	default:
		if value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null" {
			return fmt.Errorf(`line %d: null stands for nothing: leave it out, or write "" or "null" if that is meant`, n.Line)
		}
	}
	return kept(n, t)
}

// fieldOf returns the type of the field of t that a key stands for.
func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name == key {
			return f.Type, true
		}
	}
	return nil, false
}

func oneLine(err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		message = strings.Join(wrong.Errors, "; ")
	}
	return errors.New(strings.ReplaceAll(message, "\n", " "))
}
