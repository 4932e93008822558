//! The program that `scripts/bench` runs.

fn main() -> std::process::ExitCode {
    hardtack_bench::main()
}
