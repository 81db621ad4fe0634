// usage: node --no-warnings v8.mjs SHIM/index.js [OPTION]... MODULE [ARG]...
//
// The shim of V8: docs/shim-protocol.md. SHIM is @bjorn3/browser_wasi_shim,
// the WASI; what it has of files is in memory, so those of the host are here.
// V8 resolves imports while it instantiates, and frees what nobody uses some
// time later: link and instantiate are one phase, and there is no teardown.
// V8 itself began with Node, before this file: there is no engine-init either,
// for of that performance.nodeTiming has the end (v8Start) and not the beginning.
import * as fs from "node:fs";
import { basename, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";

const modes = {
  default: [], // a function is compiled when it is first called, and again where it is hot
  // The baseline compiler, before anything runs. What --liftoff-only implies where
  // Node starts with it is said here, for V8 13 does not take it from there.
  liftoff: ["--liftoff-only", "--no-wasm-tier-up", "--no-wasm-dynamic-tiering", "--no-wasm-lazy-compilation"],
  turbofan: ["--no-liftoff", "--no-wasm-lazy-compilation"], // the optimizing one
};
const version = process.versions.v8;
const argv = process.argv.slice(2);
const samples = [];
const out = samplesFile();
let mode = "default";
let call = 0; // that is under way, after the first
let region; // where bench.start was called; undefined: none is under way
let regions = 0; // in the call that is under way
let odd = false; // regions do not pair in it

class Bad extends Error {
  constructor(end, status, reason) {
    super(reason);
    Object.assign(this, { end, status });
  }
}
const unsupported = (reason) => new Bad("unsupported", 70, reason);
const wrong = (reason) => new Bad("wrong", 65, reason);

const { WASI, WASIProcExit, Fd, wasi } = await import(pathToFileURL(argv.shift() ?? "").href).catch(end);

// samplesFile returns descriptor 3 if it is to be written to. What Node opens
// itself gets that number where nobody else has it, but is no file, and no
// pipe's end for writing.
function samplesFile() {
  try {
    const stat = fs.fstatSync(3);
    if (!stat.isFIFO() && !stat.isFile() && !stat.isCharacterDevice()) return undefined;
    const flags = parseInt(/^flags:\s*(\d+)/m.exec(fs.readFileSync("/proc/self/fdinfo/3", "utf8"))[1], 8);
    return stat.isFIFO() && (flags & 3) !== fs.constants.O_WRONLY ? undefined : 3;
  } catch {
    return undefined;
  }
}

function usage(reason) {
  fs.writeSync(2, `assay-shim: ${reason}: see docs/shim-protocol.md\n`);
  process.exit(2);
}

// parse returns what the command line asks for.
function parse() {
  const ask = { calls: 0, env: [], dirs: [] };
  let refused;
  while (argv[0]?.startsWith("--")) {
    const option = argv.shift();
    if (option === "--version") {
      fs.writeSync(1, `v8 ${version}\n`);
      process.exit(0);
    }
    if (option === "--count") {
      refused ??= unsupported("v8 counts nothing");
      continue;
    }
    if (!["--mode", "--calls", "--precompile", "--env", "--dir"].includes(option)) usage(`no option ${option}`);
    const value = argv.shift() ?? usage(`${option} wants a value`);
    switch (option) {
      case "--mode":
        if (Object.hasOwn(modes, value)) mode = value;
        else refused ??= unsupported(`mode "${value}": there are ${Object.keys(modes).join(", ")}`);
        break;
      case "--calls":
        if (!/^\d+$/.test(value) || Number(value) > 5000) usage(`--calls "${value}": want 0 to 5000`);
        ask.calls = Number(value);
        break;
      case "--precompile":
        refused ??= unsupported("--precompile");
        break;
      case "--env":
        if (value.indexOf("=") < 1) usage(`--env "${value}": want NAME=VALUE`);
        ask.env.push(value);
        break;
      case "--dir":
        ask.dirs.push(directory(value) ?? usage(`--dir "${value}": want HOST::GUEST or HOST::GUEST::ro`));
    }
  }
  ask.path = argv.shift() ?? usage("no module is named");
  ask.args = [basename(ask.path), ...argv];
  if (refused) throw refused;
  return ask;
}

function directory(value) {
  const readOnly = value.endsWith("::ro");
  const both = readOnly ? value.slice(0, -"::ro".length) : value;
  const i = both.lastIndexOf("::");
  const guest = both.slice(i + 2);
  if (i < 1 || guest === "") return undefined;
  return { host: both.slice(0, i), guest: guest === "." ? "/" : guest, readOnly }; // guests in Go find nothing in "."
}

// begin returns a function that returns what has passed since, by both clocks.
function begin() {
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  return () => {
    const ns = Number(process.hrtime.bigint() - wall);
    const { user, system } = process.cpuUsage(cpu);
    return { ns, cpu_ns: (user + system) * 1000 };
  };
}

// time does a phase and notes how long it took, if it came to its end.
function time(phase, work) {
  const passed = begin();
  const result = work();
  samples.push({ phase, call, ...passed() });
  return result;
}

const bench = {
  start() {
    odd ||= ++regions > 1;
    region = begin();
  },
  end() {
    if (odd || !region) odd = true;
    else samples.push({ phase: "region", call, ...region() });
    region = undefined;
  },
};

function run(ask) {
  const bytes = fs.readFileSync(ask.path);
  modes[mode].forEach(setFlagsFromString);
  const module = compiled(bytes);
  const exports = WebAssembly.Module.exports(module).filter((e) => e.kind === "function").map((e) => e.name);
  const reactor = exports.includes("run");
  const marks = WebAssembly.Module.imports(module).some((i) => i.module === "bench") && { bench: typed(bench) };
  const { main, imports, instance } = time("link+instantiate", () => {
    const main = host(ask);
    const imports = { wasi_snapshot_preview1: main.wasiImport, ...marks };
    const instance = instantiate(module, imports);
    main.inst = instance;
    if (reactor) guarded(() => instance.exports._initialize?.());
    return { main, imports, instance };
  });
  if (reactor) {
    if (!answers(instance.exports.run)) throw new Error("the export run is not () -> i32");
    answer(ask.calls, instance.exports.run);
  } else {
    if (!exports.includes("_start")) throw new Error("the module exports neither run nor _start");
    if (ask.calls > 0) throw unsupported("calls of a command, which has no export run");
    const status = time("first-call", () => guarded(() => main.start(instance)));
    if (status) throw new Bad("exit", status & 0xff, "");
    paired();
  }
  if (out !== undefined) time("second-instantiate", () => instantiate(module, imports));
}

// laterFeature matches what V8 says of a module that takes what it has not, or
// has behind a flag: 0x1f is try_table, of which versions before it say no more,
// and of all that constants may be computed by, these three were added later.
const laterFeature = /\benable (with|via) --|memory count of \d+ exceeds internal limit|Invalid opcode 0x1f\b|opcode i(32|64)\.(add|sub|mul) is not allowed in constant expressions/;

// compiled returns the module.
function compiled(bytes) {
  try {
    return time("compile", () => new WebAssembly.Module(bytes));
  } catch (e) {
    if (e instanceof WebAssembly.CompileError && laterFeature.test(e.message)) throw unsupported(e.message);
    throw e;
  }
}

// typed returns start and end of () -> (). A function of JavaScript would be
// taken for one of any type; what a module imports and exports has its own, and
// costs no more to call. Making it is no part of a phase, for V8 does not need it.
function typed(bench) {
  const passes = new WebAssembly.Module(Uint8Array.of(
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    1, 4, 1, 0x60, 0, 0, // the type () -> ()
    2, 11, 2, 0, 1, 0x73, 0, 0, 0, 1, 0x65, 0, 0, // the imports "s" and "e" of the module "", of this type
    7, 15, 2, 5, 0x73, 0x74, 0x61, 0x72, 0x74, 0, 0, 3, 0x65, 0x6e, 0x64, 0, 1, // the exports "start" and "end"
  ));
  return new WebAssembly.Instance(passes, { "": { s: bench.start, e: bench.end } }).exports;
}

// instantiate makes an instance, whose start function may trap.
function instantiate(module, imports) {
  return guarded(() => new WebAssembly.Instance(module, imports));
}

// answers tells whether a function of a module is () -> i32. JavaScript has no
// words for its type; a module that imports one of this type takes no other.
function answers(run) {
  const wants = new WebAssembly.Module(Uint8Array.of(
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    1, 5, 1, 0x60, 0, 1, 0x7f, // the type () -> i32
    2, 5, 1, 0, 0, 0, 0, // the import "" of the module "", of this type
  ));
  try {
    new WebAssembly.Instance(wants, { "": { "": run } });
    return true;
  } catch (e) {
    if (e instanceof WebAssembly.LinkError) return false;
    throw e;
  }
}

// answer calls run, and prints what it returns.
function answer(calls, work) {
  let first;
  for (let n = 0; n <= calls; n++) {
    call = n;
    const result = time(n ? "call" : "first-call", () => guarded(work));
    paired();
    first ??= result;
    if (result !== first) throw wrong(`run answered ${first >>> 0}, and in call ${n} after that ${result >>> 0}`);
  }
  call = 0;
  fs.writeSync(1, `${first >>> 0}\n`);
}

function paired() {
  const bad = odd || region;
  [odd, region, regions] = [false, undefined, 0];
  if (bad) throw wrong("bench.start and bench.end are no pair in one call");
}

// guarded runs the guest. One that overflows its stack gets a RangeError, as
// does an instance that there is no memory for, by the name of its constructor;
// what nobody catches is an Exception, and all other traps are a RuntimeError.
function guarded(work) {
  try {
    return work();
  } catch (e) {
    const overflow = e instanceof RangeError && !e.message.startsWith("WebAssembly.");
    if (e instanceof WebAssembly.RuntimeError || overflow) throw new Bad("trap", 134, e.message);
    if (e instanceof WebAssembly.Exception) throw new Bad("trap", 134, "uncaught exception");
    if (e instanceof WASIProcExit) throw new Bad("exit", e.code & 0xff, "");
    throw e;
  }
}

// end writes the report, says what went wrong, and exits.
function end(e) {
  let { end, status } = e instanceof Bad ? e : { end: "cannot-run", status: 70 };
  let detail = detailOf(String(e?.message ?? e));
  if (e === undefined) [end, status, detail] = ["ok", 0, ""];
  const lines = [{ shim: 1, engine: "v8", version, mode }];
  for (const { call, ...sample } of samples) lines.push(call ? { ...sample, call } : sample);
  lines.push(detail ? { end, detail } : { end });
  try {
    if (detail) write(2, `assay-shim: ${end.replace("-", " ")}: ${detail}\n`);
    if (out !== undefined) write(out, lines.map((l) => JSON.stringify(l) + "\n").join(""));
  } finally {
    process.exit(status);
  }
}

// detailOf returns the first line of a reason, which JSON makes no longer than
// twice the 400 bytes that it may have.
function detailOf(reason) {
  const line = Buffer.from(reason.split("\n", 1)[0].replace(/\p{Cc}/gu, " "));
  return new TextDecoder().decode(line.subarray(0, 400), { stream: true });
}

// write writes all of a text; a pipe that does not wait may take a part only.
function write(fd, text) {
  const data = Buffer.from(text);
  for (let done = 0; done < data.length; ) {
    try {
      done += fs.writeSync(fd, data, done);
    } catch (e) {
      if (e.code !== "EAGAIN") throw e;
    }
  }
}

// host makes the guest's WASI.
function host(ask) {
  // A descriptor of the process, read and written synchronously: nothing is
  // buffered, so nothing is lost on exit.
  class Stream extends Fd {
    constructor(fd) {
      super();
      this.fd = fd;
    }
    fd_fdstat_get() {
      return stat(wasi.FILETYPE_CHARACTER_DEVICE, BigInt(wasi.RIGHTS_FD_READ | wasi.RIGHTS_FD_WRITE));
    }
    fd_filestat_get() {
      return { ret: 0, filestat: new wasi.Filestat(BigInt(this.fd), wasi.FILETYPE_CHARACTER_DEVICE, 0n) };
    }
    fd_read(size) {
      return attempt({ data: new Uint8Array() }, () => ({ data: read(this.fd, size, null) }));
    }
    fd_write(data) {
      return attempt({ nwritten: 0 }, () => ({ nwritten: writeAll(this.fd, data, null) }));
    }
  }

  class File extends Fd {
    constructor(fd, append) {
      super();
      Object.assign(this, { fd, append, at: 0n });
    }
    fd_fdstat_get() {
      return stat(wasi.FILETYPE_REGULAR_FILE, allRights);
    }
    fd_filestat_get() {
      return attempt({ filestat: null }, () => ({ filestat: filestat(fs.fstatSync(this.fd, { bigint: true })) }));
    }
    fd_filestat_set_size(size) {
      return attempt({}, () => fs.ftruncateSync(this.fd, Number(size))).ret;
    }
    fd_read(size) {
      const result = this.fd_pread(size, this.at);
      this.at += BigInt(result.data.length);
      return result;
    }
    fd_pread(size, offset) {
      return attempt({ data: new Uint8Array() }, () => ({ data: read(this.fd, size, offset) }));
    }
    fd_write(data) {
      if (this.append) this.at = fs.fstatSync(this.fd, { bigint: true }).size;
      const result = this.fd_pwrite(data, this.at);
      this.at += BigInt(result.nwritten);
      return result;
    }
    fd_pwrite(data, offset) {
      return attempt({ nwritten: 0 }, () => ({ nwritten: writeAll(this.fd, data, Number(offset)) }));
    }
    fd_seek(offset, whence) {
      const from = [0n, this.at, fs.fstatSync(this.fd, { bigint: true }).size][whence];
      if (from === undefined || from + offset < 0n) return { ret: wasi.ERRNO_INVAL, offset: 0n };
      this.at = from + offset;
      return { ret: 0, offset: this.at };
    }
    fd_tell() {
      return { ret: 0, offset: this.at };
    }
    fd_sync() {
      return attempt({}, () => fs.fsyncSync(this.fd)).ret;
    }
    fd_close() {
      return attempt({}, () => fs.closeSync(this.fd)).ret;
    }
  }

  class Directory extends Fd {
    constructor(path, root, readOnly, name) {
      super();
      Object.assign(this, { path, root, readOnly, name });
    }
    fd_prestat_get() {
      if (this.name === undefined) return { ret: wasi.ERRNO_BADF, prestat: null };
      return { ret: 0, prestat: wasi.Prestat.dir(this.name) };
    }
    fd_fdstat_get() {
      return stat(wasi.FILETYPE_DIRECTORY, allRights);
    }
    fd_filestat_get() {
      return this.path_filestat_get(0, ".");
    }
    fd_readdir_single(cookie) {
      return attempt({ dirent: null }, () => {
        if (cookie === 0n) this.entries = fs.readdirSync(this.path, { withFileTypes: true });
        const entry = this.entries?.[Number(cookie)];
        return { dirent: entry ? new wasi.Dirent(cookie + 1n, 0n, entry.name, filetype(entry)) : null };
      });
    }
    path_filestat_get(flags, path) {
      const follow = (flags & 1) !== 0;
      const read = follow ? fs.statSync : fs.lstatSync;
      return attempt({ filestat: null }, () => ({ filestat: filestat(read(this.inside(path, follow), { bigint: true })) }));
    }
    path_open(_, path, oflags, rights, __, fdflags) {
      return attempt({ fd_obj: null }, () => {
        const writes = (rights & BigInt(wasi.RIGHTS_FD_WRITE)) !== 0n || (oflags & (wasi.OFLAGS_CREAT | wasi.OFLAGS_TRUNC)) !== 0;
        const file = this.inside(path, true);
        const isDirectory = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory();
        if (isDirectory) return { fd_obj: new Directory(file, this.root, this.readOnly) };
        if (oflags & wasi.OFLAGS_DIRECTORY) throw fail(isDirectory === undefined ? "ENOENT" : "ENOTDIR");
        if (writes && this.readOnly) throw fail("EROFS");
        const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC } = fs.constants;
        let flags = writes ? O_RDWR : O_RDONLY;
        if (oflags & wasi.OFLAGS_CREAT) flags |= O_CREAT;
        if (oflags & wasi.OFLAGS_EXCL) flags |= O_EXCL;
        if (oflags & wasi.OFLAGS_TRUNC) flags |= O_TRUNC;
        return { fd_obj: new File(fs.openSync(file, flags, 0o666), (fdflags & wasi.FDFLAGS_APPEND) !== 0) };
      });
    }
    path_create_directory(path) {
      return this.changed(path, fs.mkdirSync);
    }
    path_unlink_file(path) {
      return this.changed(path, fs.unlinkSync);
    }
    path_remove_directory(path) {
      return this.changed(path, fs.rmdirSync);
    }
    changed(path, change) {
      return attempt({}, () => {
        if (this.readOnly) throw fail("EROFS");
        change(this.inside(path, false));
      }).ret;
    }
    // inside returns the path of what the guest names, which is below the root
    // also where links lead.
    inside(path, follow) {
      const named = join(this.path, path);
      const there = follow && fs.lstatSync(named, { throwIfNoEntry: false });
      const below = relative(this.root, fs.realpathSync(there ? named : join(named, "..")));
      const root = !there && named === this.root;
      if (path.startsWith("/") || (!root && (below === ".." || below.startsWith("../")))) throw fail("ENOTCAPABLE");
      return named;
    }
  }

  const allRights = 0x3fffffffn;
  const fail = (code) => Object.assign(new Error(code), { code });
  const errno = (e) => wasi["ERRNO_" + e.code?.slice(1)] ?? wasi.ERRNO_IO;
  const attempt = (none, work) => {
    try {
      return { ret: 0, ...work() };
    } catch (e) {
      return { ...none, ret: errno(e) };
    }
  };
  const stat = (type, rights) => {
    const fdstat = new wasi.Fdstat(type, 0);
    fdstat.fs_rights_base = fdstat.fs_rights_inherited = rights;
    return { ret: 0, fdstat };
  };
  const filetype = (s) =>
    s.isDirectory() ? wasi.FILETYPE_DIRECTORY
    : s.isFile() ? wasi.FILETYPE_REGULAR_FILE
    : s.isSymbolicLink() ? wasi.FILETYPE_SYMBOLIC_LINK
    : wasi.FILETYPE_UNKNOWN;
  const filestat = (s) => {
    const result = new wasi.Filestat(s.ino, filetype(s), s.size);
    [result.atim, result.mtim, result.ctim] = [s.atimeNs, s.mtimeNs, s.ctimeNs];
    return result;
  };
  const read = (fd, size, position) => {
    const data = new Uint8Array(size);
    return data.subarray(0, fs.readSync(fd, data, 0, size, position));
  };
  const writeAll = (fd, data, position) => {
    let done = 0;
    while (done < data.length) done += fs.writeSync(fd, data, done, data.length - done, position === null ? null : position + done);
    return done;
  };

  const fds = [0, 1, 2].map((fd) => new Stream(fd));
  for (const { host, guest, readOnly } of ask.dirs) {
    const path = fs.realpathSync(host);
    fds.push(new Directory(path, path, readOnly, guest));
  }
  const main = new WASI(ask.args, ask.env, fds, { debug: false }); // its default logs to stdout
  main.wasiImport.args_sizes_get = (count, size) => {
    // Its own counts UTF-16 units.
    const view = new DataView(main.inst.exports.memory.buffer);
    view.setUint32(count, ask.args.length, true);
    view.setUint32(size, ask.args.reduce((n, arg) => n + Buffer.byteLength(arg) + 1, 0), true);
    return 0;
  };
  return main;
}

try {
  run(parse());
  end();
} catch (e) {
  end(e);
}
