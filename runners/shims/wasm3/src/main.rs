//! Runs a module with wasm3, an interpreter of the first version of
//! WebAssembly. Its WASI has no environment, and of files only what opens,
//! reads, writes and seeks them, in at most one directory, to which it does
//! not confine the guest.
//!
//! A function is translated when it is first called: `compile` is parsing, and
//! translation is part of `first-call`. WASI is linked to an instance, whose
//! start function has run by then, so that `link` and `instantiate` are one
//! phase. A parsed module is instantiated once: there is no second instance.

use assay_shim_protocol::{begin, bench_end, bench_start, calls, end, first_call, phase, Ask, Dir, End, Engine};
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use wasm3_sys as m3;

/// Bytes of the guest's stack of values. wasm3's own program has 64 KiB, too
/// little for recursion that other engines stand; with 1 MiB the process's
/// stack of 8 MiB overflows before this one does, and that kills it.
const STACK: u32 = 256 << 10;

/// wasm3's number of the type i32.
const I32: u8 = 1;

extern "C" {
    /// The guest's descriptors that are there before it opens one: its
    /// standard streams, then the one directory, which m3_LinkWASI opens.
    #[link_name = "preopen"]
    static mut PREOPEN: [Preopen; 4];

    fn m3_LinkWASI(module: m3::IM3Module) -> m3::M3Result;
}

#[repr(C)]
struct Preopen {
    fd: c_int,
    path: *const c_char,
}

fn main() {
    let version = CStr::from_bytes_until_nul(m3::M3_VERSION)
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let ask = begin(&Engine {
        name: "wasm3",
        version,
        modes: &["interpreter"],
        threads: 0,
    });
    end(unsafe { run(&ask) }.err().unwrap_or(End::Ok))
}

unsafe fn run(ask: &Ask) -> Result<(), End> {
    if !ask.env.is_empty() {
        return Err(End::Unsupported("wasm3's WASI has no environment".to_string()));
    }
    let dir = match &ask.dirs[..] {
        [] => None,
        [dir] if !dir.read_only => Some(dir),
        [_] => return Err(End::Unsupported("wasm3's WASI has no read-only directory".to_string())),
        _ => return Err(End::Unsupported("wasm3's WASI has one directory".to_string())),
    };
    if !ask.module.starts_with(b"\0asm\x01\0\0\0") {
        return Err(End::CannotRun("not a WebAssembly module of version 1".to_string()));
    }
    let (env, runtime) = phase("engine-init", || {
        let env = m3::m3_NewEnvironment();
        (env, m3::m3_NewRuntime(env, STACK, std::ptr::null_mut()))
    });
    let mut module = std::ptr::null_mut();
    let bytes = &ask.module;
    check(
        runtime,
        phase("compile", || {
            m3::m3_ParseModule(env, &mut module, bytes.as_ptr(), bytes.len() as u32)
        }),
    )?;
    phase("link+instantiate", || {
        check(runtime, m3::m3_LoadModule(runtime, module))?;
        link(runtime, module, dir)?;
        match exported(module, c"_initialize") {
            Some(_) => check(runtime, m3::m3_Call(find(runtime, c"_initialize")?)),
            None => Ok(()),
        }
    })?;
    if let Some(run) = exported(module, c"run") {
        let typed = &*run.funcType;
        if typed.numArgs != 0 || typed.returnType != I32 {
            return Err(End::CannotRun("the export run is not () -> i32".to_string()));
        }
        calls(ask.calls, || {
            check(runtime, m3::m3_Call(find(runtime, c"run")?))?;
            Ok(*(*runtime).stack.cast::<u32>())
        })?;
    } else if ask.calls > 0 {
        return Err(End::Unsupported("calls of a command".to_string()));
    } else {
        let args: Vec<CString> = ask.args.iter().map(|a| CString::new(a.as_str()).unwrap()).collect();
        let argv: Vec<*const c_char> = args.iter().map(|a| a.as_ptr()).collect();
        first_call(|| {
            let start = find(runtime, c"_start")?;
            match check(runtime, m3::m3_CallWithArgs(start, argv.len() as u32, argv.as_ptr())) {
                Err(End::Exit(0)) => Ok(()),
                ended => ended,
            }
        })?;
    }
    phase("teardown", || {
        m3::m3_FreeRuntime(runtime);
        m3::m3_FreeEnvironment(env);
    });
    Ok(())
}

type RawCall = unsafe extern "C" fn(m3::IM3Runtime, *mut u64, *mut c_void) -> *const c_void;

unsafe fn link(runtime: m3::IM3Runtime, module: m3::IM3Module, dir: Option<&Dir>) -> Result<(), End> {
    // The names outlive the process's last use of them: they are never freed.
    let name = |s: &str| CString::new(s).unwrap().into_raw();
    if let Some(dir) = dir {
        PREOPEN[3].path = name(&dir.host);
    }
    check(runtime, m3_LinkWASI(module))?;
    match dir {
        Some(dir) if PREOPEN[3].fd != 3 => {
            return Err(End::CannotRun(format!(
                "directory {} cannot be opened as descriptor 3",
                dir.host
            )))
        }
        Some(dir) => PREOPEN[3].path = name(&dir.guest),
        None => drop(libc::close(PREOPEN[3].fd)), // it opens "." where it is told nothing
    }
    for (field, callback) in [
        (c"start", Some(bench_started as RawCall)),
        (c"end", Some(bench_ended as RawCall)),
    ] {
        let linked = m3::m3_LinkRawFunction(module, c"bench".as_ptr(), field.as_ptr(), c"v()".as_ptr(), callback);
        if !linked.is_null() && CStr::from_ptr(linked) == c"function signature mismatch" {
            return Err(End::CannotRun(format!(
                "the import bench.{} is not () -> ()",
                field.to_string_lossy()
            )));
        } else if linked != m3::m3Err_functionLookupFailed {
            check(runtime, linked)?;
        }
    }
    Ok(())
}

unsafe extern "C" fn bench_started(_: m3::IM3Runtime, _: *mut u64, _: *mut c_void) -> *const c_void {
    bench_start();
    std::ptr::null()
}

unsafe extern "C" fn bench_ended(_: m3::IM3Runtime, _: *mut u64, _: *mut c_void) -> *const c_void {
    bench_end();
    std::ptr::null()
}

/// Returns the function that module exports by that name.
unsafe fn exported<'a>(module: m3::IM3Module, name: &CStr) -> Option<&'a m3::M3Function> {
    let functions = std::slice::from_raw_parts((*module).functions, (*module).numFunctions as usize);
    functions
        .iter()
        .find(|f| !f.name.is_null() && CStr::from_ptr(f.name) == name)
}

/// Returns the function of that name, translated.
unsafe fn find(runtime: m3::IM3Runtime, name: &CStr) -> Result<m3::IM3Function, End> {
    let mut function = std::ptr::null_mut();
    check(runtime, m3::m3_FindFunction(&mut function, runtime, name.as_ptr()))?;
    Ok(function)
}

/// Reads what wasm3 answers. What is neither a trap nor a missing import is
/// something in the module that wasm3 does not know.
unsafe fn check(runtime: m3::IM3Runtime, result: m3::M3Result) -> Result<(), End> {
    if result.is_null() {
        return Ok(());
    }
    if result == m3::m3Err_trapExit {
        return Err(End::Exit((*runtime).exit_code));
    }
    let mut info: m3::M3ErrorInfo = std::mem::zeroed();
    m3::m3_GetErrorInfo(runtime, &mut info);
    let mut why = CStr::from_ptr(result).to_string_lossy().into_owned();
    if let Some(trap) = why.strip_prefix("[trap] ") {
        return Err(End::Trap(trap.to_string()));
    }
    if info.result == result && !info.message.is_null() {
        why = format!("{why}: {}", CStr::from_ptr(info.message).to_string_lossy());
    }
    if result == m3::m3Err_functionImportMissing || result == m3::m3Err_functionLookupFailed {
        return Err(End::CannotRun(why));
    }
    Err(End::Unsupported(why))
}
