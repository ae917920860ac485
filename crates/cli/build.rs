//! Builds the web app of `ui/`, whose files the program carries.
//!
//! With Node and npm this is done by itself, from the lockfile; without, the program is built all the same, and says in the app's place why
//! it is not there and how to get it. `KITH_UI=skip` leaves the app out; `KITH_UI=require` fails where it cannot be built. What is written lies in
//! Cargo's folder for it, but for `ui/node_modules`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What of `ui/` the app is made of. What is not there is not watched: Cargo would build anew each time.
const SOURCES: [&str; 9] = [
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "svelte.config.js",
    "tsconfig.json",
    "tsconfig.node.json",
    "vite.config.ts",
];

/// Holds the lockfile that `ui/node_modules` was installed from.
const INSTALLED: &str = "node_modules/.kith-installed";

/// The program that installs what the app is built with, and comes with Node.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Node itself.
const NODE: &str = if cfg!(windows) { "node.exe" } else { "node" };

/// Writes, beside each file below a folder that is smaller for it, one that is compressed: with Brotli, and with gzip for browsers that
/// take Brotli over TLS alone.
const COMPRESS: &str = r#"
    import { readdirSync, readFileSync, writeFileSync } from "node:fs";
    import { join } from "node:path";
    import { brotliCompressSync, constants, gzipSync } from "node:zlib";
    const folder = process.argv[1];
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath ?? entry.path, entry.name);
        const bytes = readFileSync(path);
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
        const packed = { br: brotliCompressSync(bytes, { params }), gz: gzipSync(bytes, { level: 9 }) };
        for (const [end, less] of Object.entries(packed)) {
            if (less.length < bytes.length * 0.9) writeFileSync(`${path}.${end}`, less);
        }
    }
"#;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=KITH_UI");
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let ui = root.join("../../ui");
    for source in SOURCES.map(|source| ui.join(source)) {
        if source.exists() {
            println!("cargo::rerun-if-changed={}", source.display());
        }
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    let built = out.join("ui");
    match fs::remove_dir_all(&built) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(&built)?,
    }
    let wish = std::env::var("KITH_UI").unwrap_or_default();
    let lacks = match wish.as_str() {
        "skip" => Some("KITH_UI=skip was set, which leaves it out".to_owned()),
        _ => build(&ui, &built).err(),
    };
    if let Some(reason) = lacks.as_ref().filter(|_| wish != "skip") {
        if wish == "require" {
            return Err(io::Error::other(format!("no web app: {reason}")));
        }
        println!("cargo::warning=built without the web app: {reason}");
        println!(
            "cargo::warning=KITH_UI=require tries once more, and fails where it cannot be built"
        );
        look_again();
        // Half of it would be worse than none.
        fs::remove_dir_all(&built)?;
        fs::create_dir(&built)?;
    }
    fs::write(out.join("lacks.txt"), lacks.unwrap_or_default())?;
    fs::write(out.join("assets.rs"), table(&built)?)
}

/// Has a later build look again for what was missing: without, it would take the program for done, whatever was installed meanwhile. Where
/// Node and npm are there and failed they are tried once more when one of them is another, or what the app is made of: each try takes a while.
fn look_again() {
    println!("cargo::rerun-if-env-changed=PATH");
    let path = std::env::var_os("PATH").unwrap_or_default();
    for looked_at in to_watch(&path) {
        println!("cargo::rerun-if-changed={}", looked_at.display());
    }
}

/// The programs that are found, and the folders in which one may come to be.
fn to_watch(path: &OsStr) -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(path)
        .filter(|folder| folder.is_dir())
        .collect();
    let mut watched = Vec::new();
    for program in [NODE, NPM] {
        let mut places = folders.iter().map(|folder| folder.join(program));
        match places.find(|place| place.is_file()) {
            Some(place) => watched.push(place),
            None => watched.extend(folders.iter().cloned()),
        }
    }
    watched
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(io::Error::other)
}

/// Builds the app into `built`.
fn build(ui: &Path, built: &Path) -> Result<(), String> {
    let lock = ui.join("package-lock.json");
    let locked = fs::read(&lock).map_err(|_| "there is no ui/package-lock.json".to_owned())?;
    // One build at a time installs; another target folder may be busy too.
    let held = File::open(&lock).and_then(|file| file.lock().map(|()| file));
    let _held = held.map_err(|error| format!("ui/package-lock.json: {error}"))?;
    let installed = ui.join(INSTALLED);
    if fs::read(&installed).ok().as_ref() != Some(&locked) {
        let quiet = [
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            "--fetch-retries=1",
        ];
        run(npm().arg("ci").args(quiet).current_dir(ui))?;
        fs::write(&installed, &locked).map_err(|error| error.to_string())?;
    }
    let vite = [
        "run",
        "build",
        "--",
        "--logLevel",
        "warn",
        "--emptyOutDir",
        "--outDir",
    ];
    run(npm().args(vite).arg(built).current_dir(ui))?;
    let mut compress = Command::new(NODE);
    compress.args(["--input-type=module", "--eval", COMPRESS, "--"]);
    run(compress.arg(built))?;
    let page = built.join("index.html");
    page.is_file()
        .then_some(())
        .ok_or_else(|| "the build of ui/ made no index.html".to_owned())
}

fn npm() -> Command {
    Command::new(NPM)
}

/// Runs a program to its end; what it said, where it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!(
                "{program} is not installed; Node 20.19 or 22.12, or later, brings it"
            ));
        }
        Err(error) => return Err(format!("{program}: {error}")),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let mut words = said.lines().filter(|line| !line.trim().is_empty());
    let said: Vec<&str> = words.by_ref().take(4).map(str::trim).collect();
    Err(format!("{program} failed: {}", said.join("; ")))
}

/// All files below a folder as the program's table of them, by name: what each is, and its compressed forms.
fn table(folder: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    files.sort();
    let mut table = "[\n".to_owned();
    for (name, path) in &files {
        let is_packed = |end| {
            let plain = name.strip_suffix(end);
            plain.is_some_and(|plain| files.iter().any(|(other, _)| other == plain))
        };
        if is_packed(".br") || is_packed(".gz") {
            continue;
        }
        let packed = |end: &str| {
            let wanted = format!("{name}{end}");
            let found = files.iter().find(|(other, _)| *other == wanted);
            found.map_or("None".to_owned(), |(_, path)| {
                format!("Some(include_bytes!({path:?}))")
            })
        };
        table.push_str(&format!(
            "    Asset {{ name: {name:?}, bytes: include_bytes!({path:?}), brotli: {}, gzip: {} }},\n",
            packed(".br"),
            packed(".gz"),
        ));
    }
    table.push_str("]\n");
    Ok(table)
}

fn collect(folder: &Path, before: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}
