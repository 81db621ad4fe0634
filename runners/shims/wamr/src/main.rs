//! Runs a module with Intel's WAMR as it was in December 2020, the sources in
//! the crate wamr-sys: its fast interpreter, which knows the first version of
//! WebAssembly only. The crate chooses the interpreter when it is built.
//!
//! WAMR resolves imports while it loads, so `compile` and `link` are one phase.
//! It drops the status of proc_exit, which is ours therefore, and has no
//! read-only directories and no names for directories but the host's.

use assay_shim_protocol::{begin, bench_end, bench_start, calls, end, first_call, phase, Ask, End, Engine};
use std::ffi::{c_char, c_void, CStr, CString};
use std::sync::Mutex;
use wamr_sys as wamr;

/// Bytes of the stack of a guest, which WAMR clears as a part of instantiation.
/// WAMR's program has 16 KiB, too little for recursion that other engines stand.
const STACK: u32 = 256 << 10;

/// Bytes of WAMR's heap in the guest's memory, as much as WAMR's program has.
/// Its WASI needs it; a guest that reads behind the end of its memory finds it
/// there, and does not trap.
const HEAP: u32 = 16 << 10;

// libvmlib.a is the same code as libiwasm.so, beside which the crate builds it:
// linked in first, it leaves nothing to look for in the shared library.
#[link(name = "vmlib", kind = "static")]
extern "C" {
    fn bh_log_set_verbose_level(level: i32);
    fn get_libc_wasi_export_apis(functions: *mut *mut wamr::NativeSymbol) -> u32;
}

/// The status that the guest called proc_exit with.
static EXITED: Mutex<Option<u32>> = Mutex::new(None);

fn main() {
    let version = "2020.12".to_string();
    let mut ask = begin(&Engine {
        name: "wamr",
        version,
        modes: &["fast"],
        threads: 0,
    });
    // WAMR asks where the thread's stack ends before each call. For the first
    // thread the C library reads /proc/self/maps to answer, for 30 us.
    let guest = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(move || unsafe { run(&mut ask) })
        .expect("a thread");
    end(guest.join().expect("its end").err().unwrap_or(End::Ok))
}

unsafe fn run(ask: &mut Ask) -> Result<(), End> {
    let dirs = directories(ask)?;
    if ask.env.len() > ask.args.len() {
        return Err(End::Unsupported(
            "WAMR of 2020 makes room for as many variables as there are arguments".to_string(),
        ));
    }
    if !ask.module.starts_with(b"\0asm\x01\0\0\0") {
        return Err(End::CannotRun("not a WebAssembly module of version 1".to_string()));
    }
    phase("engine-init", || {
        bh_log_set_verbose_level(0); // it logs to stdout
        wamr::wasm_runtime_init() && replace_proc_exit() && register_bench()
    })
    .then_some(())
    .ok_or_else(|| End::CannotRun("WAMR does not start".to_string()))?;

    let mut why = [0 as c_char; 256];
    let bytes = &mut ask.module;
    rename_bench(bytes);
    let module = phase("compile+link", || {
        wamr::wasm_runtime_load(
            bytes.as_mut_ptr(),
            bytes.len() as u32,
            why.as_mut_ptr(),
            why.len() as u32,
        )
    });
    if module.is_null() {
        return Err(End::Unsupported(said(&why)));
    }
    let (mut dirs, mut env, mut argv) = (pointers(&dirs), pointers(&ask.env), pointers(&ask.args));
    let guest = phase("instantiate", || {
        wamr::wasm_runtime_set_wasi_args(
            module,
            dirs.as_mut_ptr(),
            dirs.len() as u32,
            std::ptr::null_mut(),
            0,
            env.as_mut_ptr(),
            env.len() as u32,
            argv.as_mut_ptr().cast(),
            argv.len() as i32,
        );
        let guest = Guest::of(module)?;
        match guest.export(c"_initialize") {
            Some(initialize) => guest.call(initialize).map(|_| guest),
            None => Ok(guest),
        }
    })?;
    if let Some(run) = guest.export(c"run") {
        if !answers(run) {
            return Err(End::CannotRun("the export run is not () -> i32".to_string()));
        }
        calls(ask.calls, || guest.call(run))?;
    } else if ask.calls > 0 {
        return Err(End::Unsupported("calls of a command".to_string()));
    } else {
        let start = guest
            .export(c"_start")
            .ok_or_else(|| End::CannotRun("no export _start and no export run".to_string()))?;
        first_call(|| match guest.call(start) {
            Err(End::Exit(0)) => Ok(0),
            ended => ended,
        })?;
    }
    let second = phase("second-instantiate", || Guest::of(module))?;
    phase("teardown", || {
        second.release();
        guest.release();
        wamr::wasm_runtime_unload(module);
        wamr::wasm_runtime_destroy();
    });
    Ok(())
}

/// Returns the paths that ask's directories have for WAMR, which gives the
/// guest each by the path it was opened with.
fn directories(ask: &Ask) -> Result<Vec<String>, End> {
    let mut paths = Vec::new();
    for dir in &ask.dirs {
        if dir.read_only {
            return Err(End::Unsupported("WAMR of 2020 has no read-only directory".to_string()));
        }
        if dir.guest == "." {
            std::env::set_current_dir(&dir.host)
                .map_err(|err| End::CannotRun(format!("directory {}: {err}", dir.host)))?;
        } else if dir.guest != dir.host || !dir.host.starts_with('/') {
            return Err(End::Unsupported(
                "WAMR of 2020 has no other name for a directory than the host's".to_string(),
            ));
        }
        paths.push(dir.guest.clone());
    }
    Ok(paths)
}

/// Returns C strings, which are never freed: WAMR keeps them.
fn pointers(strings: &[String]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|s| CString::new(s.as_str()).unwrap().into_raw().cast_const())
        .collect()
}

/// Puts our proc_exit in place of WAMR's in the list of functions of its WASI.
unsafe fn replace_proc_exit() -> bool {
    let mut functions = std::ptr::null_mut();
    let n = get_libc_wasi_export_apis(&mut functions);
    let functions = std::slice::from_raw_parts_mut(functions, n as usize);
    match functions.iter_mut().find(|f| CStr::from_ptr(f.symbol) == c"proc_exit") {
        Some(theirs) => theirs.func_ptr = proc_exit as *mut c_void,
        None => return false,
    }
    true
}

/// WAMR looks for functions in modules that it knows by name, env among them,
/// and in no other: in the imports of module, bench.start and bench.end become
/// b.start and b.end of env, in as many bytes.
fn rename_bench(module: &mut [u8]) {
    let mut at = 8;
    while let Some((size, body)) = module.get(at + 1..).and_then(leb).map(|(size, n)| (size, at + 1 + n)) {
        let end = body.saturating_add(size);
        if module[at] == 2 && end <= module.len() {
            let section = &mut module[body..end];
            for (name, ours) in [
                (b"\x05bench\x05start\0".as_slice(), b"\x03env\x07b.start\0".as_slice()),
                (b"\x05bench\x03end\0", b"\x03env\x05b.end\0"),
            ] {
                if let Some(found) = section.windows(name.len()).position(|w| w == name) {
                    section[found..found + name.len()].copy_from_slice(ours);
                }
            }
        }
        at = end;
    }
}

/// Reads an unsigned LEB128 number of 32 bits, and how many bytes it has.
fn leb(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

unsafe fn register_bench() -> bool {
    let function = |name: &'static CStr, function: *mut c_void| wamr::NativeSymbol {
        symbol: name.as_ptr(),
        func_ptr: function,
        signature: c"()".as_ptr(),
        attachment: std::ptr::null_mut(),
    };
    let functions = vec![
        function(c"b.end", bench_ended as *mut c_void),
        function(c"b.start", bench_started as *mut c_void),
    ];
    let functions = functions.leak(); // WAMR keeps it
    wamr::wasm_runtime_register_natives(c"env".as_ptr(), functions.as_mut_ptr(), functions.len() as u32)
}

unsafe extern "C" fn proc_exit(env: wamr::wasm_exec_env_t, status: u32) {
    *EXITED.lock().unwrap() = Some(status);
    wamr::wasm_runtime_set_exception(wamr::wasm_runtime_get_module_inst(env), c"wasi proc exit".as_ptr());
}

unsafe extern "C" fn bench_started(_: wamr::wasm_exec_env_t) {
    bench_start();
}

unsafe extern "C" fn bench_ended(_: wamr::wasm_exec_env_t) {
    bench_end();
}

/// An instance and the stack that it is called with.
struct Guest {
    instance: wamr::wasm_module_inst_t,
    env: wamr::wasm_exec_env_t,
}

impl Guest {
    unsafe fn of(module: wamr::wasm_module_t) -> Result<Guest, End> {
        let mut why = [0 as c_char; 256];
        let instance = wamr::wasm_runtime_instantiate(module, STACK, HEAP, why.as_mut_ptr(), why.len() as u32);
        if instance.is_null() {
            let why = said(&why);
            return Err(match why.strip_prefix("WASM module instantiate failed: Exception: ") {
                Some(exception) => ended(exception), // in the start function
                None => End::CannotRun(why),
            });
        }
        let env = wamr::wasm_runtime_create_exec_env(instance, STACK);
        if env.is_null() {
            return Err(End::CannotRun("no memory for the guest's stack".to_string()));
        }
        Ok(Guest { instance, env })
    }

    unsafe fn release(self) {
        wamr::wasm_runtime_destroy_exec_env(self.env);
        wamr::wasm_runtime_deinstantiate(self.instance);
    }

    unsafe fn export(&self, name: &CStr) -> Option<wamr::wasm_function_inst_t> {
        let function = wamr::wasm_runtime_lookup_function(self.instance, name.as_ptr(), std::ptr::null());
        (!function.is_null()).then_some(function)
    }

    /// Calls a function without parameters and returns its result, 0 if it has none.
    unsafe fn call(&self, function: wamr::wasm_function_inst_t) -> Result<u32, End> {
        let mut result = [0u32; 2];
        let returned = wamr::wasm_runtime_call_wasm(self.env, function, 0, result.as_mut_ptr());
        if let Some(status) = EXITED.lock().unwrap().take() {
            return Err(End::Exit(status as i32)); // WAMR says then that it returned
        }
        if returned {
            return Ok(result[0]);
        }
        let why = CStr::from_ptr(wamr::wasm_runtime_get_exception(self.instance)).to_string_lossy();
        Err(ended(why.strip_prefix("Exception: ").unwrap_or(&why)))
    }
}

/// Says how a guest ended that has this exception.
fn ended(exception: &str) -> End {
    match exception.starts_with("failed to call unlinked import function") {
        true => End::CannotRun(exception.replace("(env, b.", "(bench, ")),
        false => End::Trap(exception.to_string()),
    }
}

/// The beginning of WAMR's WASMFunctionInstance, of a build with the fast
/// interpreter: its headers for embedders tell nothing of a function's type.
#[repr(C)]
struct Function {
    imported: bool,
    params: u16,
    locals: u16,
    param_cells: u16, // of 32 bits
    result_cells: u16,
    local_cells: u16,
    const_cells: u16,
    local_offsets: *const u16,
    types: *const u8, // of parameters, then of results
}

/// Whether a function is () -> i32.
unsafe fn answers(function: wamr::wasm_function_inst_t) -> bool {
    const I32: u8 = 0x7f;
    let f = &*function.cast::<Function>();
    f.params == 0 && f.result_cells == 1 && *f.types == I32
}

/// What WAMR wrote into a buffer for errors.
fn said(buffer: &[c_char]) -> String {
    unsafe { CStr::from_ptr(buffer.as_ptr()) }
        .to_string_lossy()
        .trim()
        .to_string()
}
