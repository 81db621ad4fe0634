package settings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/plainfile"
)

// Define sets the definition of a store in the assay.yaml of the workspace at
// root, or removes it if c is nil. All else in the file, and its comments, stay.
func Define(ctx context.Context, root, name string, c *Store) error {
	release, err := mutex.Exclude(ctx, filepath.Join(root, Folder, "config.mutex"))
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	defer release()
	path := filepath.Join(root, File)
	old, err := plainfile.Read(path, maxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("settings: %w", err)
	}
	b, err := editStores(old, name, c)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return durable.Write(path, b)
}

// editStores edits the text of an assay.yaml. Of a file without settings the
// comments stay.
func editStores(text []byte, name string, c *Store) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if doc.Kind == 0 { // empty, or comments alone
		comments := strings.TrimSpace(string(text))
		doc = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode, HeadComment: comments}}}
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("not a mapping of settings to values")
	}
	stores := entry(top, "stores")
	if stores == nil {
		stores = &yaml.Node{Kind: yaml.MappingNode}
		setEntry(top, "stores", stores)
	}
	if stores.Kind != yaml.MappingNode { // "stores:" without a value
		*stores = yaml.Node{Kind: yaml.MappingNode}
	}
	if c == nil {
		setEntry(stores, name, nil)
	} else {
		var definition yaml.Node
		if err := definition.Encode(c); err != nil {
			return nil, err
		}
		setEntry(stores, name, &definition)
	}
	var comments []string
	if len(stores.Content) == 0 {
		comments = setEntry(top, "stores", nil)
	}
	if len(top.Content) == 0 {
		comments = slices.Concat([]string{doc.HeadComment, top.HeadComment}, comments, []string{top.FootComment, doc.FootComment})
		text := strings.Join(slices.DeleteFunc(comments, func(c string) bool { return c == "" }), "\n")
		if text != "" {
			text += "\n"
		}
		return []byte(text), nil
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// setEntry sets the value of a key of a mapping, or removes it for nil, and
// returns the comments that went with it.
func setEntry(mapping *yaml.Node, key string, value *yaml.Node) (comments []string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		k := mapping.Content[i]
		if k.Value != key {
			continue
		}
		if value != nil {
			mapping.Content[i+1] = value
			return nil
		}
		mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
		return []string{k.HeadComment, k.LineComment, k.FootComment}
	}
	if value != nil {
		mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	}
	return nil
}

// entry returns the value of a key of a mapping, or nil.
func entry(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
