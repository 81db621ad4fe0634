// usage: node --no-warnings v8.mjs SHIM/index.js [--env K=V]... MODULE [ARG]...
//
// Runs a WASI command module in V8. Exits with the guest's status; a trap
// exits 134 and a module that cannot be run 70, each with a line on stderr
// that says so. Without this file Node itself exits 1, as a guest might.
import { readFileSync, readSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const argv = process.argv.slice(2);
let instance;
const { WASI, Fd, wasi } = await import(pathToFileURL(argv.shift()).href).catch(end);

// A descriptor of the process, read and written synchronously: nothing is
// buffered, so nothing is lost on exit.
class Descriptor extends Fd {
  constructor(fd) {
    super();
    this.fd = fd;
  }
  fd_fdstat_get() {
    const fdstat = new wasi.Fdstat(wasi.FILETYPE_CHARACTER_DEVICE, 0);
    fdstat.fs_rights_base = BigInt(wasi.RIGHTS_FD_READ | wasi.RIGHTS_FD_WRITE);
    return { ret: 0, fdstat };
  }
  fd_filestat_get() {
    return { ret: 0, filestat: new wasi.Filestat(BigInt(this.fd), wasi.FILETYPE_CHARACTER_DEVICE, 0n) };
  }
  fd_read(size) {
    const data = new Uint8Array(size);
    try {
      return { ret: 0, data: data.subarray(0, readSync(this.fd, data, 0, size, null)) };
    } catch {
      return { ret: wasi.ERRNO_IO, data: new Uint8Array() };
    }
  }
  fd_write(data) {
    let done = 0;
    try {
      while (done < data.length) done += writeSync(this.fd, data, done);
    } catch {
      return { ret: wasi.ERRNO_IO, nwritten: done };
    }
    return { ret: 0, nwritten: done };
  }
}

const env = [];
for (; argv[0] === "--env"; argv.splice(0, 2)) env.push(argv[1]);

let main;
try {
  const args = [basename(argv[0]), ...argv.slice(1)];
  main = new WASI(args, env, [0, 1, 2].map((fd) => new Descriptor(fd)), { debug: false }); // its default logs to stdout
  ({ instance } = await WebAssembly.instantiate(readFileSync(argv[0]), { wasi_snapshot_preview1: main.wasiImport }));
} catch (e) {
  end(e);
}
try {
  process.exit(main.start(instance));
} catch (e) {
  end(e);
}

function end(e) {
  // A guest that overflows its stack gets a RangeError; all other traps are a RuntimeError.
  const trap = e instanceof WebAssembly.RuntimeError || (instance && e instanceof RangeError);
  const line = `assay-v8: ${trap ? "trap" : "cannot run"}: ${e?.message ?? e}\n`;
  try {
    writeSync(2, line);
  } finally {
    process.exit(trap ? 134 : 70);
  }
}
