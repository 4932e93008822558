//! Allocations a request, in JSON. `--at-most` makes it a test.

fn main() -> std::process::ExitCode {
    hardtack_bench::count_allocations(|work| allocation_counter::measure(work).count_total)
}
