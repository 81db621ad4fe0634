//! Version 1 of the protocol of shims, docs/shim-protocol.md, for shims in
//! Rust: the command line, the clocks, the samples on descriptor 3 and the
//! exit status. It knows no engine.
//!
//! A process runs one module, so the report is the process's: functions, not
//! a value, which callbacks from an engine's C code can reach too.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// Calls after the first that one process may be asked for.
pub const MOST_CALLS: u32 = 5000;

/// Who reports.
pub struct Engine {
    pub name: &'static str,
    pub version: String,
    /// Modes, the first being the default. `precompiled` allows --precompile.
    pub modes: &'static [&'static str],
    /// That compile, in modes that do; 0: none does.
    pub threads: u32,
}

/// What the command line asks for.
pub struct Ask {
    pub mode: &'static str,
    pub calls: u32,
    pub precompile: Option<OsString>,
    pub env: Vec<String>,
    pub dirs: Vec<Dir>,
    /// The module, whole, read before any clock starts.
    pub module: Vec<u8>,
    /// The guest's arguments; the first is the module's base name.
    pub args: Vec<String>,
}

/// A directory that the guest may use.
pub struct Dir {
    pub host: String,
    pub guest: String,
    pub read_only: bool,
}

/// How the guest ended.
pub enum End {
    /// It returned, or exited with 0.
    Ok,
    /// It called proc_exit with this.
    Exit(i32),
    Trap(String),
    /// The shim or the engine has no way to do what is asked, for this reason.
    Unsupported(String),
    /// What was asked is not to be had from any engine: no module, an import that nobody has.
    CannotRun(String),
    /// The guest contradicts itself.
    Wrong(String),
}

/// One line of the report.
struct Sample {
    phase: &'static str,
    call: u32, // 0: in none after the first
    ns: u64,
    cpu: u64,
}

struct Report {
    to: Option<std::fs::File>,
    first: String,
    samples: Vec<Sample>,
    call: u32,
    region: Option<Clock>,
    unpaired: bool, // bench.start without bench.end, or twice in a call
    regions: u32,   // in this call
}

static REPORT: Mutex<Report> = Mutex::new(Report {
    to: None,
    first: String::new(),
    samples: Vec::new(),
    call: 0,
    region: None,
    unpaired: false,
    regions: 0,
});

fn report() -> MutexGuard<'static, Report> {
    REPORT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

struct Clock {
    cpu: u64,
    wall: Instant,
}

impl Clock {
    fn start() -> Clock {
        let cpu = cpu_ns();
        Clock {
            cpu,
            wall: Instant::now(),
        }
    }

    /// Wall and processor nanoseconds since the start.
    fn stop(&self) -> (u64, u64) {
        let wall = self.wall.elapsed().as_nanos() as u64;
        (wall, cpu_ns() - self.cpu)
    }
}

/// Processor time of the whole process, in nanoseconds.
fn cpu_ns() -> u64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// Reads the command line and the module, and opens the report where
/// descriptor 3 is open. What cannot be read ends the process.
pub fn begin(engine: &Engine) -> Ask {
    let to = take_samples();
    let (mut ask, module) = match parse(engine, std::env::args_os().skip(1).collect()) {
        Ok(parsed) => parsed,
        Err(Refusal::Version) => {
            println!("{} {}", engine.name, engine.version);
            std::process::exit(0)
        }
        Err(Refusal::Usage(why)) => {
            eprintln!("assay-shim: {why}\nusage: SHIM [--mode NAME] [--calls N] [--count] [--precompile OUT] [--env K=V]... [--dir HOST::GUEST[::ro]]... MODULE [ARG...]");
            std::process::exit(2)
        }
        Err(Refusal::Unsupported(why)) => {
            open(to, engine, engine.modes[0], 0);
            end(End::Unsupported(why))
        }
    };
    open(to, engine, ask.mode, ask.calls);
    ask.module = match std::fs::read(&module) {
        Ok(bytes) => bytes,
        Err(err) => end(End::CannotRun(format!("{}: {err}", module.to_string_lossy()))),
    };
    ask
}

fn open(to: Option<std::fs::File>, engine: &Engine, mode: &str, calls: u32) {
    let mut r = report();
    r.to = to;
    r.samples.reserve(16 + 2 * calls as usize);
    r.first = format!(
        "{{\"shim\":1,\"engine\":{},\"version\":{},\"mode\":{},\"threads\":{}}}\n",
        quote(engine.name),
        quote(&engine.version),
        quote(mode),
        if mode == "precompiled" { 0 } else { engine.threads }
    );
}

/// Returns descriptor 3 if it is open, moved out of the way: engines give
/// the guest descriptors of the process, from 3.
fn take_samples() -> Option<std::fs::File> {
    unsafe {
        let moved = libc::fcntl(3, libc::F_DUPFD_CLOEXEC, 64);
        if moved < 0 {
            return None;
        }
        libc::close(3);
        Some(std::fs::File::from_raw_fd(moved))
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Version,
    Usage(String),
    Unsupported(String),
}

/// Returns what args ask for, without the module's bytes, and its path.
fn parse(engine: &Engine, args: Vec<OsString>) -> Result<(Ask, OsString), Refusal> {
    let usage = |why: &str| Refusal::Usage(why.to_string());
    let mut ask = Ask {
        mode: engine.modes[0],
        calls: 0,
        precompile: None,
        env: Vec::new(),
        dirs: Vec::new(),
        module: Vec::new(),
        args: Vec::new(),
    };
    let mut count = false;
    let mut mode = None;
    let mut rest = args.into_iter();
    let module = loop {
        let arg = rest.next().ok_or_else(|| usage("no module"))?;
        if !arg.as_bytes().starts_with(b"--") {
            break arg;
        }
        let name = text(arg)?;
        match name.as_str() {
            "--version" => return Err(Refusal::Version),
            "--count" => {
                count = true;
                continue;
            }
            _ => {}
        }
        let value = rest.next().ok_or_else(|| usage(&format!("{name} wants a value")))?;
        match name.as_str() {
            "--mode" => mode = Some(text(value)?),
            "--calls" => {
                ask.calls = text(value)?.parse().map_err(|_| usage("--calls wants a number"))?;
                if ask.calls > MOST_CALLS {
                    return Err(usage(&format!("--calls {}: at most {MOST_CALLS}", ask.calls)));
                }
            }
            "--precompile" => ask.precompile = Some(value),
            "--env" => ask.env.push(text(value)?),
            "--dir" => ask.dirs.push(dir(&text(value)?)?),
            _ => return Err(usage(&format!("unknown option {name}"))),
        }
    };
    let base = std::path::Path::new(&module).file_name().unwrap_or_default().to_owned();
    ask.args = std::iter::once(base).chain(rest).map(text).collect::<Result<_, _>>()?;
    if let Some(wanted) = mode {
        ask.mode = engine.modes.iter().find(|m| **m == wanted).copied().ok_or_else(|| {
            Refusal::Unsupported(format!(
                "mode {wanted:?}: {} has {}",
                engine.name,
                engine.modes.join(", ")
            ))
        })?;
    }
    if count {
        return Err(Refusal::Unsupported(format!("--count: {} counts nothing", engine.name)));
    }
    if ask.precompile.is_some() && ask.mode != "precompiled" {
        return Err(Refusal::Unsupported(format!("--precompile in mode {:?}", ask.mode)));
    }
    Ok((ask, module))
}

fn text(s: OsString) -> Result<String, Refusal> {
    s.into_string()
        .map_err(|s| Refusal::Usage(format!("{s:?} is not UTF-8")))
}

fn dir(spelled: &str) -> Result<Dir, Refusal> {
    let parts: Vec<&str> = spelled.split("::").collect();
    let read_only = match parts[..] {
        [_, _] => false,
        [_, _, "ro"] => true,
        _ => {
            return Err(Refusal::Usage(format!(
                "--dir {spelled}: want HOST::GUEST or HOST::GUEST::ro"
            )))
        }
    };
    Ok(Dir {
        host: parts[0].to_string(),
        guest: parts[1].to_string(),
        read_only,
    })
}

/// Returns s as a JSON string.
fn quote(s: &str) -> String {
    let mut q = String::from("\"");
    for c in s.chars() {
        match c {
            '"' | '\\' => {
                q.push('\\');
                q.push(c)
            }
            c if c < ' ' => write!(q, "\\u{:04x}", c as u32).unwrap(),
            c => q.push(c),
        }
    }
    q.push('"');
    q
}

/// Does the work of a phase and notes how long it took.
pub fn phase<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    let clock = Clock::start();
    let done = work();
    let (ns, cpu) = clock.stop();
    let mut r = report();
    let call = if name == "call" { r.call } else { 0 };
    r.samples.push(Sample {
        phase: name,
        call,
        ns,
        cpu,
    });
    done
}

/// What bench.start does.
pub fn bench_start() {
    let mut r = report();
    r.regions += 1;
    r.unpaired |= r.region.is_some() || r.regions > 1;
    r.region = Some(Clock::start());
}

/// What bench.end does.
pub fn bench_end() {
    let mut r = report();
    match r.region.take().map(|clock| clock.stop()) {
        Some((ns, cpu)) if !r.unpaired => {
            let call = r.call;
            r.samples.push(Sample {
                phase: "region",
                call,
                ns,
                cpu,
            });
        }
        _ => r.unpaired = true,
    }
}

/// Makes the first call and notes how long it took.
pub fn first_call<T>(work: impl FnOnce() -> Result<T, End>) -> Result<T, End> {
    paired(phase("first-call", work)?)
}

/// Calls run, once and calls times more, and prints its answer.
pub fn calls(calls: u32, mut run: impl FnMut() -> Result<u32, End>) -> Result<(), End> {
    let first = first_call(&mut run)?;
    for n in 1..=calls {
        {
            let mut r = report();
            r.call = n;
            r.regions = 0;
        }
        let later = paired(phase("call", &mut run)?)?;
        if later != first {
            return Err(End::Wrong(format!("run answered {first}, then {later}")));
        }
    }
    let _ = writeln!(std::io::stdout(), "{first}"); // to nobody, if the reader has left
    Ok(())
}

fn paired<T>(done: T) -> Result<T, End> {
    let r = report();
    match r.unpaired || r.region.is_some() {
        true => Err(End::Wrong(
            "bench.start and bench.end are not a pair in one call".to_string(),
        )),
        false => Ok(done),
    }
}

/// Writes the report, says on stderr what went wrong, and exits.
pub fn end(how: End) -> ! {
    let (word, detail, status) = match how {
        End::Ok => ("ok", String::new(), 0),
        End::Exit(status) => ("exit", String::new(), status & 0xff),
        End::Trap(why) => ("trap", why, 134),
        End::Unsupported(why) => ("unsupported", why, 70),
        End::CannotRun(why) => ("cannot-run", why, 70),
        End::Wrong(why) => ("wrong", why, 65),
    };
    let detail = detail_of(&detail);
    if !detail.is_empty() {
        eprintln!("assay-shim: {}: {detail}", word.replace('-', " "));
    }
    let mut r = report();
    if let Some(mut to) = r.to.take() {
        let mut lines = std::mem::take(&mut r.first);
        for s in &r.samples {
            let call = if s.call > 0 {
                format!(",\"call\":{}", s.call)
            } else {
                String::new()
            };
            writeln!(
                lines,
                "{{\"phase\":{}{call},\"ns\":{},\"cpu_ns\":{}}}",
                quote(s.phase),
                s.ns,
                s.cpu
            )
            .unwrap();
        }
        let detail = if detail.is_empty() {
            detail
        } else {
            format!(",\"detail\":{}", quote(&detail))
        };
        writeln!(lines, "{{\"end\":{}{detail}}}", quote(word)).unwrap();
        let _ = to.write_all(lines.as_bytes()); // to nobody, if the reader has left
    }
    std::process::exit(status)
}

/// Returns a reason as a detail: one line, which JSON makes no longer than
/// twice the 400 bytes that it may have.
fn detail_of(reason: &str) -> String {
    let mut s = reason.replace(char::is_control, " ");
    while s.len() > 400 {
        s.pop();
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: Engine = Engine {
        name: "x",
        version: String::new(),
        modes: &["interpreter", "precompiled"],
        threads: 0,
    };

    fn parsed(args: &[&str]) -> Result<(Ask, OsString), Refusal> {
        parse(&ENGINE, args.iter().map(OsString::from).collect())
    }

    #[test]
    fn command_line() {
        let (ask, module) = parsed(&[
            "--mode",
            "precompiled",
            "--calls",
            "9",
            "--env",
            "A=b c",
            "--dir",
            "/h::.",
            "--dir",
            "h::g::ro",
            "d/m.wasm",
            "--env",
            "",
        ])
        .ok()
        .unwrap();
        assert_eq!(module, "d/m.wasm");
        assert_eq!(
            (ask.mode, ask.calls, ask.env),
            ("precompiled", 9, vec!["A=b c".to_string()])
        );
        assert_eq!(ask.args, ["m.wasm", "--env", ""]);
        let dirs: Vec<_> = ask
            .dirs
            .iter()
            .map(|d| (d.host.as_str(), d.guest.as_str(), d.read_only))
            .collect();
        assert_eq!(dirs, [("/h", ".", false), ("h", "g", true)]);
    }

    #[test]
    fn refusals() {
        for args in [
            &[][..],
            &["--calls"],
            &["--calls", "x", "m"],
            &["--calls", "5001", "m"],
            &["--dir", "h", "m"],
            &["--dir", "h::g::rw", "m"],
            &["--what", "x", "m"],
        ] {
            assert!(matches!(parsed(args).err(), Some(Refusal::Usage(_))), "{args:?}");
        }
        for args in [
            &["--mode", "jit", "m"][..],
            &["--count", "m"],
            &["--precompile", "o", "m"],
        ] {
            assert!(matches!(parsed(args).err(), Some(Refusal::Unsupported(_))), "{args:?}");
        }
    }

    #[test]
    fn details() {
        assert_eq!(detail_of("a\nb\u{1}\u{85}é"), "a b  é");
        assert_eq!(quote(&detail_of(&"\u{1b}".repeat(500))).len(), 402);
        assert_eq!(detail_of(&"€".repeat(500)).len(), 399);
    }

    #[test]
    fn quoted() {
        assert_eq!(quote("a\"\\\n\u{1}é"), "\"a\\\"\\\\\\u000a\\u0001é\"");
    }
}
