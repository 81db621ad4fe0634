package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// A set is files of random bytes: in a folder, for peers, and as the layers of
// one artifact in a store.
type set struct {
	name   string
	files  int
	dir    string
	store  string
	digest assay.Digest // of the artifact
}

// makeSets makes the two sets: one large file, and many small ones.
func makeSets(b *testing.B) []set {
	b.Helper()
	sets := []set{{name: "big", files: 1}, {name: "small", files: 1000}}
	sizes := []int64{512 << 20, 64 << 10}
	random := rand.NewChaCha8([32]byte{})
	for i := range sets {
		s := &sets[i]
		s.dir, s.store = b.TempDir(), filepath.Join(b.TempDir(), "store")
		backend, err := disk.Create(s.store)
		if err != nil {
			b.Fatal(err)
		}
		store := artifacts.New(backend)
		batch := store.Batch()
		a := oci.Artifact{Type: "application/vnd.assay.bench"}
		for n := range s.files {
			l := oci.Layer{MediaType: "application/octet-stream", Title: fmt.Sprintf("f%04d", n)}
			f, err := os.Create(filepath.Join(s.dir, l.Title))
			if err != nil {
				b.Fatal(err)
			}
			l.Digest, l.Size, err = batch.Put(b.Context(), io.TeeReader(io.LimitReader(random, sizes[i]), f))
			if err != nil {
				b.Fatal(err)
			}
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
			a.Layers = append(a.Layers, l)
		}
		if err := batch.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		d, err := oci.PutArtifact(b.Context(), store, a)
		if err != nil {
			b.Fatal(err)
		}
		s.digest = d.Digest
	}
	return sets
}

// titles are the names of the files of s.
func (s set) titles() []string {
	var all []string
	for n := range s.files {
		all = append(all, fmt.Sprintf("f%04d", n))
	}
	return all
}

// measure runs a program in dir, if that is not "", and reports its wall and processor time as
// NAME-s and NAME-cpu-s.
func measure(b *testing.B, name, dir string, cmd *exec.Cmd) {
	b.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if dir != "" {
		cmd.Dir = dir
	}
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		b.Fatalf("%.300v: %v\n%s", cmd.Args, err, &said)
	}
	b.ReportMetric(wall.Seconds(), name+"-s")
	b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), name+"-cpu-s")
}

// ours is this program as a client.
func ours(b *testing.B, verb, store string, d assay.Digest, remote string) *exec.Cmd {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self, verb, store, d.String(), remote)
	cmd.Env = append(os.Environ(), clientEnv+"=1")
	return cmd
}

// turns calls them in one order, and in another the next time. All that was
// written before is synced before each: else the kernel writes what a peer left
// unsynced, and its server, while the next one is timed.
func turns(fs ...func()) {
	for i := range fs {
		unix.Sync()
		fs[(i+turn)%len(fs)]()
	}
	turn++
}

var turn int

// wantSame fails unless the folder has the files of the set.
func (s set) wantSame(b *testing.B, dir string) {
	b.Helper()
	if out, err := exec.Command("diff", "-r", s.dir, dir).CombinedOutput(); err != nil {
		b.Fatalf("diff -r: %v\n%.500s", err, out)
	}
}

// BenchmarkRegistry pushes each set to one registry, assay serve --registry,
// and pulls it, by this client and by oras.
func BenchmarkRegistry(b *testing.B) {
	oras := tooltest.Built(b, "oras")
	sets := makeSets(b)
	for b.Loop() {
		host := serve(b)
		for _, s := range sets {
			ourRepo, orasRepo := host+"/ours-"+s.name+":v1", host+"/oras-"+s.name+":v1"
			turns(func() {
				measure(b, "push-"+s.name, "", ours(b, "push", s.store, s.digest, ourRepo))
			}, func() {
				args := append([]string{"push", "--plain-http", "--no-tty", orasRepo}, s.titles()...)
				measure(b, "oras-push-"+s.name, s.dir, exec.Command(oras, args...))
			})
			turns(func() {
				measure(b, "pull-"+s.name, "", ours(b, "pull", filepath.Join(b.TempDir(), "store"), s.digest, ourRepo))
			}, func() {
				dir := b.TempDir()
				measure(b, "oras-pull-"+s.name, "", exec.Command(oras, "pull", "--plain-http", "--no-tty", "-o", dir, orasRepo))
				s.wantSame(b, dir)
			})
		}
	}
}

// serve starts a registry, which ends with the benchmark, and returns its host.
func serve(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(filepath.Join("..", "..", program), "serve", "--registry", "--dir", b.TempDir(), "--listen", "127.0.0.1:0", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	var said struct{ URL string }
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &said)
	}
	if err != nil {
		b.Fatalf("assay serve --registry: %v: %q", err, line)
	}
	return strings.TrimPrefix(said.URL, "http://")
}

// BenchmarkStore copies each set to one MinIO server and back, by this client,
// by mc and, where it is installed, by rclone.
func BenchmarkStore(b *testing.B) {
	mc := tooltest.Built(b, "mc")
	_, noRclone := exec.LookPath("rclone")
	sets := makeSets(b)
	for b.Loop() {
		server := miniotest.Start(b)
		config := server.Config("bench")
		if _, err := minio.Create(b.Context(), config, minio.CreateOptions{MakeBucket: true}); err != nil {
			b.Fatal(err)
		}
		remote, err := json.Marshal(config)
		if err != nil {
			b.Fatal(err)
		}
		peer := peers(b, server)
		peer(mc, "mb", "--quiet", "bench/peers").Run()
		for _, s := range sets {
			mcURL, rcloneURL := "bench/peers/mc-"+s.name, "bench:peers/rclone-"+s.name
			put := []func(){func() {
				measure(b, "put-"+s.name, "", ours(b, "put", s.store, s.digest, string(remote)))
			}, func() {
				measure(b, "mc-put-"+s.name, "", peer(mc, "mirror", "--quiet", s.dir, mcURL))
			}, func() {
				measure(b, "verified-put-"+s.name, "", peer(mc, "mirror", "--quiet", "--checksum", "SHA256", s.dir, mcURL+"-verified"))
			}}
			get := []func(){func() {
				measure(b, "get-"+s.name, "", ours(b, "get", filepath.Join(b.TempDir(), "store"), s.digest, string(remote)))
			}, func() {
				dir := b.TempDir()
				measure(b, "mc-get-"+s.name, "", peer(mc, "mirror", "--quiet", mcURL, dir))
				s.wantSame(b, dir)
			}, func() {
				verified := `"$0" mirror --quiet "$1" "$2" && cd "$2" && sha256sum * >/dev/null && sync *`
				measure(b, "verified-get-"+s.name, "", peer("sh", "-c", verified, mc, mcURL, b.TempDir()))
			}}
			if noRclone == nil {
				put = append(put, func() {
					measure(b, "rclone-put-"+s.name, "", peer("rclone", "copy", s.dir, rcloneURL))
				})
				get = append(get, func() {
					dir := b.TempDir()
					measure(b, "rclone-get-"+s.name, "", peer("rclone", "copy", rcloneURL, dir))
					s.wantSame(b, dir)
				})
			}
			turns(put...)
			turns(get...)
		}
	}
}

// peers returns what runs mc and rclone with the server as "bench".
func peers(b *testing.B, s *miniotest.Server) func(program string, args ...string) *exec.Cmd {
	b.Helper()
	home := b.TempDir()
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AWS_") { // rclone refuses AWS_CA_BUNDLE
			env = append(env, e)
		}
	}
	env = append(env, "MC_CONFIG_DIR="+home, "MC_HOST_bench="+strings.Replace(s.Endpoint, "://", "://"+s.User+":"+s.Secret+"@", 1),
		"RCLONE_CONFIG="+filepath.Join(home, "rclone.conf"), "RCLONE_CONFIG_BENCH_TYPE=s3", "RCLONE_CONFIG_BENCH_PROVIDER=Minio",
		"RCLONE_CONFIG_BENCH_ENDPOINT="+s.Endpoint, "RCLONE_CONFIG_BENCH_ACCESS_KEY_ID="+s.User, "RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY="+s.Secret)
	return func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Env = env
		return cmd
	}
}
