package kernel

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// A keeper is a small process that survives us: when we are killed, it kills
// GoNB, the running cell and gopls, and removes their directory. It waits on a
// pipe, which the system closes when we end in whatever way.
type keeper struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

// keep is the keeper's program: $1 is the place. It reads the process group of
// GoNB, then the word that all has ended well. (dash knows no kill -KILL -- .)
const keep = `trap '' INT HUP TERM QUIT
read -r group || exit
read -r word && exit
kill -s KILL -- "-$group"
read -r gopls <"$1/gopls.pid" && kill -s KILL -- "-$gopls"
rm -rf -- "$1"
`

func startKeeper(p *place) (*keeper, error) {
	cmd := exec.Command("/bin/sh", "-c", keep, "assay-kernel-keeper", p.dir)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a signal for us is not for it
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the kernel's keeper: %w", err)
	}
	return &keeper{cmd, in}, nil
}

// watch tells the keeper the process group that shall not outlive us.
func (k *keeper) watch(group int) error {
	_, err := io.WriteString(k.in, strconv.Itoa(group)+"\n")
	return err
}

// dismiss ends the keeper: there is nothing more to kill.
func (k *keeper) dismiss() error {
	_, err := io.WriteString(k.in, "end\n")
	if err != nil {
		return err
	}
	k.in.Close()
	return k.cmd.Wait()
}
