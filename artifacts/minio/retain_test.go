package minio_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	miniogo "github.com/minio/minio-go/v7"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

func TestRetain(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("published")
	b, err := minio.Create(t.Context(), cfg, minio.CreateOptions{MakeBucket: true, ObjectLock: true})
	if err != nil {
		t.Fatal(err)
	}
	v, sum := pattern(1000)
	key := "blobs/sha256/" + sum.Hex()
	if err := upload(t.Context(), b, v, sum); err != nil {
		t.Fatal(err)
	}
	if r, err := b.Retention(t.Context(), key); err != nil || r != (minio.Retention{}) {
		t.Errorf("retention before = %v, %v, want none", r, err)
	}
	day := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	retain := func(until time.Time, mode minio.Mode, want minio.Retention) {
		t.Helper()
		if err := b.Retain(t.Context(), []string{key}, until, mode); err != nil {
			t.Fatal(err)
		}
		if r, err := b.Retention(t.Context(), key); err != nil || r.Mode != want.Mode || !r.Until.Equal(want.Until) {
			t.Errorf("retention = %v, %v, want %v", r, err, want)
		}
	}
	retain(day, minio.Governance, minio.Retention{Mode: minio.Governance, Until: day})
	week := day.Add(6 * 24 * time.Hour)
	retain(week, minio.Governance, minio.Retention{Mode: minio.Governance, Until: week})
	retain(day, minio.Governance, minio.Retention{Mode: minio.Governance, Until: week}) // never shorter
	retain(day, minio.Compliance, minio.Retention{Mode: minio.Compliance, Until: week}) // nor weaker
	retain(week, minio.Governance, minio.Retention{Mode: minio.Compliance, Until: week})
	week = week.Add(time.Hour)
	retain(week, minio.Governance, minio.Retention{Mode: minio.Compliance, Until: week})

	if err := b.Retain(t.Context(), []string{"blobs/none", key}, week, minio.Governance); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("retain of a missing key: %v, want fs.ErrNotExist", err)
	}

	// What the server itself refuses, to the root user.
	raw := b.Client()
	version := func() string {
		t.Helper()
		info, err := raw.StatObject(t.Context(), "published", key, miniogo.StatObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return info.VersionID
	}
	retained := version()
	for _, bypass := range []bool{false, true} {
		err := raw.RemoveObject(t.Context(), "published", key, miniogo.RemoveObjectOptions{VersionID: retained, GovernanceBypass: bypass})
		if err == nil {
			t.Fatalf("the server deleted a retained version, bypass %v", bypass)
		}
		mode := miniogo.Compliance
		err = raw.PutObjectRetention(t.Context(), "published", key, miniogo.PutObjectRetentionOptions{
			VersionID: retained, Mode: &mode, RetainUntilDate: &day, GovernanceBypass: bypass,
		})
		if err == nil {
			t.Errorf("the server shortened a retention in compliance mode, bypass %v", bypass)
		}
	}
	if err := b.Delete(t.Context(), key); !errors.Is(err, minio.ErrRetained) {
		t.Errorf("delete of a retained value: %v, want ErrRetained", err)
	}
	wantBlob(t, b, v, sum)

	// An overwrite makes a version beside it. The published bytes stay, and a
	// store is repaired from them.
	if _, err := raw.PutObject(t.Context(), "published", key, strings.NewReader("forged"), 6, miniogo.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b.Kept(), v, sum)
	damaged := artifacts.New(b)
	if _, err := damaged.ReadAll(t.Context(), sum, 1000); !errors.Is(err, artifacts.ErrCorrupt) {
		t.Errorf("read of the forged value: %v, want ErrCorrupt", err)
	}
	healing := damaged.Behind(artifacts.Named{Name: "published versions", Store: artifacts.New(b.Kept())})
	if got, err := healing.ReadAll(t.Context(), sum, 1000); err != nil || !bytes.Equal(got, v) {
		t.Errorf("read with the published version behind: %d bytes, %v", len(got), err)
	}
	wantBlob(t, b, v, sum)

	// A deletion without a version hides it, and no more.
	if err := raw.RemoveObject(t.Context(), "published", key, miniogo.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of the hidden value: %v, want fs.ErrNotExist", err)
	}
	wantBlob(t, b.Kept(), v, sum)
	if _, err := b.Kept().Put(t.Context(), "k/1", strings.NewReader(""), artifacts.Condition{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("put to what is kept: %v, want errors.ErrUnsupported", err)
	}
}

// In a bucket with versions, a deleted value gives its space back.
func TestDeleteVersions(t *testing.T) {
	server := miniotest.Start(t)
	b, err := minio.Create(t.Context(), server.Config("versions"), minio.CreateOptions{MakeBucket: true, ObjectLock: true})
	if err != nil {
		t.Fatal(err)
	}
	s := artifacts.New(b)
	for _, v := range []string{"one", "two", "one"} {
		d, err := s.PutBytes(t.Context(), []byte(v))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetRef(t.Context(), "runs/1", d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteRef(t.Context(), "runs/1"); err != nil {
		t.Fatal(err)
	}
	report, err := s.GC(t.Context(), artifacts.GCOptions{Now: later})
	if err != nil || len(report.Removed) != 2 {
		t.Errorf("gc = %+v, %v, want both blobs removed", report, err)
	}
	if left := b.Versions(t.Context()); !slices.Equal(left, []string{gateKey, "FORMAT"}) {
		t.Errorf("versions left: %q, want one of FORMAT and one of the gate", left)
	}
}

func TestRetainNeedsObjectLock(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("plain")
	b := create(t, cfg)
	v, sum := pattern(10)
	if err := upload(t.Context(), b, v, sum); err != nil {
		t.Fatal(err)
	}
	err := b.Retain(t.Context(), []string{"blobs/sha256/" + sum.Hex()}, time.Now().Add(time.Hour), minio.Governance)
	remedied(t, err, errors.ErrUnsupported, "archive to a store in a bucket with it")
	_, err = minio.Create(t.Context(), cfg, minio.CreateOptions{ObjectLock: true})
	remedied(t, err, errors.ErrUnsupported, "take a new bucket")
	if err := b.Retain(t.Context(), nil, time.Now(), "for ever"); err == nil {
		t.Error("retain in an unknown mode: no error")
	}
}

func TestLink(t *testing.T) {
	server := miniotest.Start(t)
	b := create(t, server.Config("links"))
	v, sum := pattern(1000)
	key := "blobs/sha256/" + sum.Hex()
	if err := upload(t.Context(), b, v, sum); err != nil {
		t.Fatal(err)
	}
	fetch := func(url string) (int, string, http.Header) {
		t.Helper()
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body), resp.Header
	}
	link, err := b.Link(t.Context(), key, `a "run".parquet`, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if status, body, h := fetch(link); status != http.StatusOK || body != string(v) || h.Get("Content-Disposition") != `attachment; filename="a \"run\".parquet"` {
		t.Errorf("link: status %d, %d bytes, %q, want the blob as an attachment", status, len(body), h.Get("Content-Disposition"))
	}
	if status, _, _ := fetch(strings.Replace(link, sum.Hex(), strings.Repeat("0", 64), 1)); status != http.StatusForbidden {
		t.Errorf("link changed to another blob: status %d, want 403", status)
	}
	if strings.Contains(link, server.Secret) {
		t.Error("the link has the secret key in it")
	}
	short, err := b.Link(t.Context(), key, "f", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for status := http.StatusOK; status != http.StatusForbidden; { // the test's time limit ends it
		status, _, _ = fetch(short)
	}
	if _, err := b.Link(t.Context(), "blobs/none", "f", time.Hour); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("link to a missing blob: %v, want fs.ErrNotExist", err)
	}
	for _, expires := range []time.Duration{0, 8 * 24 * time.Hour} {
		if _, err := b.Link(t.Context(), key, "f", expires); err == nil {
			t.Errorf("link for %v: no error", expires)
		}
	}
}
