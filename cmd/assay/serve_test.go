package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// buildRegistry builds the registry's program beside the tests' assay, once.
var buildRegistry = sync.OnceValue(func() error {
	self, err := exec.LookPath("assay")
	if err != nil {
		return err
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(filepath.Dir(self), registryProgram), "../"+registryProgram).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", registryProgram, err, out)
	}
	return nil
})

// startRegistry starts a registry on a free port with more flags, and returns
// its URL and the process, which is killed when ctx is done.
func startRegistry(ctx context.Context, flags ...string) (url string, server *exec.Cmd, err error) {
	if err := buildRegistry(); err != nil {
		return "", nil, err
	}
	server = exec.CommandContext(ctx, "assay", append([]string{"serve", "--registry", "--listen", "127.0.0.1:0"}, flags...)...)
	out, err := server.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	var log bytes.Buffer
	server.Stderr = &log
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) < 2 {
		server.Wait()
		return "", nil, fmt.Errorf("serve printed %q (%v)\n%s", line, err, log.Bytes())
	}
	return words[1], server, nil
}

// Acknowledged is what a registry said it has.
type acknowledged struct {
	mu    sync.Mutex
	m     map[string][]byte   // path -> content
	about map[string][]string // repository -> digests of manifests about subject
}

// subject is what every manifest is about. It is never pushed.
var subject = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("subject")))

// put makes a request with a body. Once it is answered with 201, the content
// can be had from path, or else the registry lies.
func (a *acknowledged) put(method, url, path string, content []byte, mediaType string) error {
	req, err := http.NewRequest(method, url, bytes.NewReader(content))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	a.mu.Lock()
	a.m[path] = content
	a.mu.Unlock()
	return nil
}

// push pushes an image of one random layer under its digest and under tag.
func (a *acknowledged) push(url, repo, tag string, rng *rand.Rand) error {
	layer := make([]byte, 1+rng.IntN(200_000))
	for i := range layer {
		layer[i] = byte(rng.Uint32())
	}
	var descriptors []string
	for _, blob := range [][]byte{[]byte("{}"), layer} {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(blob))
		descriptors = append(descriptors, fmt.Sprintf(`{"mediaType":"application/octet-stream","digest":%q,"size":%d}`, digest, len(blob)))
		if err := a.put("POST", url+"/v2/"+repo+"/blobs/uploads/?digest="+digest, "/v2/"+repo+"/blobs/"+digest, blob, "application/octet-stream"); err != nil {
			return err
		}
	}
	const mediaType = "application/vnd.oci.image.manifest.v1+json"
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s],"subject":{"mediaType":%[1]q,"digest":%[4]q,"size":7}}`,
		mediaType, descriptors[0], descriptors[1], subject)
	path := "/v2/" + repo + "/manifests/" + tag
	if err := a.put("PUT", url+path, path, manifest, mediaType); err != nil {
		return err
	}
	a.mu.Lock()
	a.about[repo] = append(a.about[repo], fmt.Sprintf("sha256:%x", sha256.Sum256(manifest)))
	a.mu.Unlock()
	return nil
}

// missing returns what of a the registry does not have byte for byte.
func (a *acknowledged) missing(url string) error {
	var problems []error
	for path, want := range a.m {
		resp, err := http.Get(url + path)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Equal(got, want) {
			problems = append(problems, fmt.Errorf("%s: %s, %d bytes, want %d: %v", path, resp.Status, len(got), len(want), err))
		}
	}
	for repo, digests := range a.about {
		resp, err := http.Get(url + "/v2/" + repo + "/referrers/" + subject)
		if err != nil {
			return err
		}
		list, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		for _, d := range digests {
			if !bytes.Contains(list, []byte(d)) {
				problems = append(problems, fmt.Errorf("%s: %s is not listed as being about its subject", repo, d))
			}
		}
	}
	return errors.Join(problems...)
}

// TestRegistryKilled kills a registry while four clients push to two
// repositories of it, three times in four at a random moment after the first
// has pushed and else after the start: whatever it acknowledged it has, and
// lists, when it is started again.
func TestRegistryKilled(t *testing.T) {
	const kills = 50
	dir := t.TempDir()
	acked := acknowledged{m: map[string][]byte{}, about: map[string][]string{}}
	moments := rand.New(rand.NewPCG(5, 0))
	for round := range kills {
		url, server, err := startRegistry(t.Context(), "--dir", dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := acked.missing(url); err != nil {
			t.Fatalf("after %d kills: %v", round, err)
		}
		var clients sync.WaitGroup
		pushed, ended := make(chan bool, 1), make(chan bool)
		for client := range 4 {
			clients.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(round), uint64(client)))
				for i := 0; ; i++ {
					tag := fmt.Sprintf("t%d-%d-%d", round, client, i)
					if err := acked.push(url, fmt.Sprintf("team/repo%d", client%2), tag, rng); err != nil {
						return // killed
					}
					select {
					case pushed <- true:
					default:
					}
				}
			})
		}
		go func() { clients.Wait(); close(ended) }()
		if round%4 > 0 {
			select {
			case <-pushed:
			case <-ended:
				t.Fatal("no client could push")
			}
		}
		time.Sleep(time.Duration(moments.IntN(60)) * time.Millisecond)
		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		server.Wait()
		<-ended
	}
	url, server, err := startRegistry(t.Context(), "--dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := acked.missing(url); err != nil {
		t.Error(err)
	}
	if err := server.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("interrupted, it ended with %v", err)
	}
	t.Logf("%d kills, %d blobs and manifests acknowledged, 0 lost", kills, len(acked.m))
}

// TestRegistryProgram has assay become the program that is beside it, else the
// one on PATH, with its standard streams, folder and exit status.
func TestRegistryProgram(t *testing.T) {
	installed, onPath, links := t.TempDir(), t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	const script = "#!/bin/sh\nread line\necho $(dirname $0) $PWD $line \"$@\"\nexit 7\n"
	for path, content := range map[string][]byte{
		filepath.Join(installed, "assay"):         binary,
		filepath.Join(installed, registryProgram): []byte(script),
		filepath.Join(onPath, registryProgram):    []byte(script),
	} {
		if err := os.WriteFile(path, content, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	linked := filepath.Join(links, "assay")
	if err := os.Symlink(filepath.Join(installed, "assay"), linked); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", onPath+string(filepath.ListSeparator)+os.Getenv("PATH"))
	serve := func() (string, int) {
		t.Helper()
		cmd := exec.Command(linked, "serve", "--registry", "--json", "--dir", "a b", "--read-only")
		cmd.Dir, cmd.Stdin = links, strings.NewReader("input\n")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, from := range []string{installed, onPath} {
		want := from + " " + links + " input --json=true --dir=a b --read-only=true\n"
		if got, status := serve(); got != want || status != 7 {
			t.Errorf("%q, status %d, want %q, status 7", got, status, want)
		}
		if err := os.Remove(filepath.Join(from, registryProgram)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", links)
	if got, status := serve(); status != 1 || !strings.Contains(got, `build it with "make build"`) {
		t.Errorf("without the program: %q, status %d", got, status)
	}
}
