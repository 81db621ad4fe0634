//! Runs a module with Wasmer, compiled by Cranelift or Singlepass, or by
//! Cranelift in an earlier process, with Wasmer's own WASI. The guest's working
//! directory, its root, can be read only.
//!
//! Making the WASI of an instance is a part of `engine-init`, with the threads
//! that it waits in.

use assay_shim_protocol::{begin, bench_end, bench_start, calls, end, first_call, phase, Ask, End, Engine};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use wasmer::sys::{Cranelift, EngineBuilder, Singlepass};
use wasmer::{CompileError, Function, Imports, Instance, InstantiationError, Module, RuntimeError, Store};
use wasmer_wasix::virtual_fs::{host_fs, MountFileSystem, RootFileSystemBuilder};
use wasmer_wasix::{WasiEnvBuilder, WasiError, WasiFunctionEnv};

fn main() {
    let reports = unsafe { libc::fcntl(3, libc::F_GETFD) } >= 0;
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let ask = begin(&Engine {
        name: "wasmer",
        version: "7.4.2".to_string(),
        modes: &["cranelift", "singlepass", "precompiled"],
        threads,
    });
    end(run(&ask, reports).err().unwrap_or(End::Ok))
}

fn engine(ask: &Ask) -> wasmer::Engine {
    match ask.mode {
        "singlepass" => EngineBuilder::new(Singlepass::default()).engine().into(),
        "precompiled" if ask.precompile.is_none() => EngineBuilder::headless().engine().into(),
        _ => EngineBuilder::new(Cranelift::default()).engine().into(),
    }
}

fn run(ask: &Ask, reports: bool) -> Result<(), End> {
    if let Some(out) = &ask.precompile {
        let module = Module::new(&engine(ask), &ask.module).map_err(compiling)?;
        return module.serialize_to_file(out).map_err(cannot);
    }
    let (tokio, mut store, mut wasi) = phase("engine-init", || {
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(cannot)?;
        let entered = tokio.enter();
        let mut store = Store::new(engine(ask));
        let wasi = wasi(ask, &mut store)?;
        drop(entered);
        Ok::<_, End>((tokio, store, wasi))
    })?;
    let _entered = tokio.enter();
    let module = match ask.mode {
        "precompiled" => phase("load-precompiled", || unsafe {
            Module::deserialize(&store, ask.module.as_slice())
        })
        .map_err(cannot)?,
        _ => phase("compile", || Module::new(&store, &ask.module)).map_err(compiling)?,
    };
    let imports = phase("link", || link(&module, &wasi, &mut store));
    let instance = phase("instantiate", || {
        let instance = Instance::new(&mut store, &module, &imports).map_err(instantiating)?;
        if wasmer_wasix::is_wasi_module(&module) {
            wasi.initialize(&mut store, instance.clone()).map_err(cannot)?;
        }
        if let Ok(initialize) = instance.exports.get_function("_initialize") {
            initialize.call(&mut store, &[]).map_err(running)?;
        }
        Ok::<_, End>(instance)
    })?;
    if let Ok(run) = instance.exports.get_function("run") {
        let run = run
            .typed::<(), i32>(&store)
            .map_err(|_| End::CannotRun("the export run is not () -> i32".to_string()))?;
        calls(ask.calls, || Ok(run.call(&mut store).map_err(running)? as u32))?;
    } else if ask.calls > 0 {
        return Err(End::Unsupported("calls of a command".to_string()));
    } else {
        let start = instance
            .exports
            .get_function("_start")
            .map_err(|_| End::CannotRun("no export _start and no export run".to_string()))?;
        first_call(|| match start.call(&mut store, &[]).map_err(running) {
            Ok(_) | Err(End::Exit(0)) => Ok(()),
            Err(how) => Err(how),
        })?;
    }
    if reports {
        let second =
            phase("second-instantiate", || Instance::new(&mut store, &module, &imports)).map_err(instantiating)?;
        phase("teardown", || drop((second, instance, imports, wasi, module, store)));
    }
    Ok(())
}

/// Makes the WASI of an instance. The guest's working directory is its root; a
/// guest without one has a root that is in memory.
fn wasi(ask: &Ask, store: &mut Store) -> Result<WasiFunctionEnv, End> {
    let mut builder = WasiEnvBuilder::new(&ask.args[0])
        .engine(store.engine().clone())
        .args(&ask.args[1..]);
    for pair in &ask.env {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        builder.add_env(name, value);
    }
    let files = MountFileSystem::new();
    for dir in &ask.dirs {
        let host = std::fs::canonicalize(&dir.host)
            .map_err(std::io::Error::into)
            .and_then(|path| host_fs::FileSystem::new(tokio::runtime::Handle::current(), path))
            .map_err(|err| End::CannotRun(format!("directory {}: {err}", dir.host)))?;
        let guest = Path::new("/")
            .join(&dir.guest)
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect::<PathBuf>();
        if guest == Path::new("/") && !dir.read_only {
            return Err(End::Unsupported(
                "a guest of Wasmer's has its root as descriptor 3, and may create nothing there".to_string(),
            ));
        }
        files.mount(&guest, Arc::new(host)).map_err(cannot)?;
        builder
            .add_preopen_build(|p| {
                p.directory(&guest)
                    .read(true)
                    .write(!dir.read_only)
                    .create(!dir.read_only)
            })
            .map_err(cannot)?;
    }
    if files.filesystem_at(Path::new("/")).is_none() {
        files
            .mount(Path::new("/"), Arc::new(RootFileSystemBuilder::default().build_tmp()))
            .map_err(cannot)?;
    }
    builder.mount_fs(files).finalize(store).map_err(cannot)
}

/// Defines WASI, of the versions that module imports, and bench.
fn link(module: &Module, wasi: &WasiFunctionEnv, store: &mut Store) -> Imports {
    let mut imports = wasi
        .import_object_for_all_wasi_versions(store, module)
        .unwrap_or_default();
    imports.define("bench", "start", Function::new_typed(store, bench_start));
    imports.define("bench", "end", Function::new_typed(store, bench_end));
    imports
}

fn cannot(err: impl std::fmt::Display) -> End {
    End::CannotRun(err.to_string())
}

fn compiling(err: CompileError) -> End {
    match err {
        CompileError::UnsupportedFeature(_) | CompileError::Codegen(_) => End::Unsupported(err.to_string()),
        _ => cannot(err),
    }
}

fn instantiating(err: InstantiationError) -> End {
    match err {
        InstantiationError::Start(err) => running(err),
        _ => cannot(err),
    }
}

fn running(err: RuntimeError) -> End {
    match err.downcast_ref::<WasiError>() {
        Some(WasiError::Exit(status)) => End::Exit(status.raw()),
        _ => End::Trap(err.message()),
    }
}
