// Runs a sealed figure on V8, in the same world as world.go: the standard
// input and output, a clock that moves only by sleeping, one random stream.
// usage: node node.mjs SHIM MODULE <input >output
import { readFileSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [shim, module] = process.argv.slice(2);
const { WASI, WASIProcExit, File, OpenFile, ConsoleStdout } = await import(pathToFileURL(shim));

const epochNS = 1577836800n * 1000000000n; // of the time of day
const bootNS = 1000000000n; // of the monotonic clock
let sleptNS = 0n;
let drawn = 0n;

const u64 = (x) => BigInt.asUintN(64, x);
function splitMix64(n) {
  let z = u64(n * 0x9e3779b97f4a7c15n);
  z = u64((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = u64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

// writeAll writes to a descriptor that may be a full pipe.
function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (e) {
      if (e.code !== "EAGAIN") throw e;
    }
  }
}

const wasi = new WASI([], [], [
  new OpenFile(new File(readFileSync(0))),
  new ConsoleStdout((bytes) => writeAll(1, bytes)),
  new ConsoleStdout((bytes) => writeAll(2, bytes)),
], { debug: false }); // which is not the default, and prints to stdout

let memory;
const view = () => new DataView(memory.buffer);
const success = 0, inval = 28, clockEvent = 0;

Object.assign(wasi.wasiImport, {
  clock_res_get(id, out) {
    view().setBigUint64(out, 1n, true);
    return success;
  },
  clock_time_get(id, precision, out) {
    view().setBigUint64(out, (id === 0 ? epochNS : bootNS) + sleptNS, true);
    return success;
  },
  random_get(at, length) {
    for (let i = 0; i < length; i++, drawn++) {
      view().setUint8(at + i, Number((splitMix64(drawn / 8n + 1n) >> (8n * (drawn % 8n))) & 0xffn));
    }
    return success;
  },
  sched_yield: () => success,
  // poll_oneoff sleeps until the first of the given times; there is nothing else to wait for.
  poll_oneoff(subscriptions, events, count, written) {
    let soonest = null;
    for (let i = 0; i < count; i++) {
      const at = subscriptions + 48 * i;
      if (view().getUint8(at + 8) !== clockEvent) return inval;
      const timeout = view().getBigUint64(at + 24, true);
      if (soonest === null || timeout < soonest) soonest = timeout;
      new Uint8Array(memory.buffer, events + 32 * i, 32).fill(0);
      view().setBigUint64(events + 32 * i, view().getBigUint64(at, true), true);
    }
    if (soonest === null) return inval;
    sleptNS += soonest;
    view().setUint32(written, count, true);
    return success;
  },
});

try {
  const { instance } = await WebAssembly.instantiate(readFileSync(module), { wasi_snapshot_preview1: wasi.wasiImport });
  memory = instance.exports.memory;
  process.exitCode = wasi.start(instance);
} catch (e) {
  if (e instanceof WASIProcExit) {
    process.exitCode = e.code;
  } else {
    writeAll(2, Buffer.from(`\nnode: ${e}\n`));
    process.exitCode = 125; // the referee's own: a trap, or no module
  }
}
