//! `scripts/bench`.

fn main() -> std::process::ExitCode {
    hardtack_bench::main()
}
