//! `redlock` once more, so that its tests find it built.

fn main() -> std::process::ExitCode {
    redlock_cli::main()
}
