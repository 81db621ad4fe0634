package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
)

// clientEnv makes this program a client that moves one artifact: so its start
// and its processor time are measured as those of the peers are.
const clientEnv = "ASSAY_BENCH_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(clientEnv) == "" {
		status := m.Run()
		os.RemoveAll(listed.tmp)
		os.Exit(status)
	}
	if err := client(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// client carries out VERB STORE DIGEST REMOTE, as assay push, pull and store
// sync do: REMOTE is a reference to a registry, or a minio.Config as JSON.
func client(ctx context.Context, args []string) error {
	backend, err := disk.Create(args[1])
	if err != nil {
		return err
	}
	here := artifacts.New(backend)
	d, err := assay.ParseDigest(args[2])
	if err != nil {
		return err
	}
	plain := registry.Options{PlainHTTP: true}
	switch verb, remote := args[0], args[3]; verb {
	case "push":
		ref, err := registry.ParseReference(remote)
		if err != nil {
			return err
		}
		content, err := oci.Closure(ctx, here, []assay.Digest{d})
		if err != nil {
			return err
		}
		return registry.Push(ctx, here, content, d, ref, registry.PushOptions{Options: plain})
	case "pull":
		ref, err := registry.ParseReference(remote)
		if err != nil {
			return err
		}
		_, err = registry.Pull(ctx, here, ref, registry.PullOptions{Options: plain})
		return err
	case "put":
		there, err := openBucket(ctx, remote)
		if err != nil {
			return err
		}
		return copyOne(ctx, there, here, d)
	case "get":
		there, err := openBucket(ctx, remote)
		if err != nil {
			return err
		}
		return copyOne(ctx, here, there, d)
	}
	return fmt.Errorf("no verb %q", args[0])
}

func openBucket(ctx context.Context, config string) (*artifacts.Store, error) {
	var c minio.Config
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return nil, err
	}
	backend, err := minio.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	return artifacts.New(backend), nil
}

func copyOne(ctx context.Context, to, from *artifacts.Store, d assay.Digest) error {
	_, err := artifacts.Copy(ctx, to, from, artifacts.CopyOptions{
		Roots:    []assay.Digest{d},
		Children: func(ctx context.Context, d assay.Digest) ([]assay.Digest, error) { return oci.Children(ctx, from, d) },
	})
	return err
}
