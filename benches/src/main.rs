//! `cargo run --release -p hardtack-bench`.

fn main() -> std::process::ExitCode {
    hardtack_bench::main()
}
