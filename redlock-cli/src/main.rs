//! `redlock`; see the library.

fn main() -> std::process::ExitCode {
    redlock_cli::main()
}
