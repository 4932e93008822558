//! Prints the allocations per request as JSON. With `--at-most`, fails if there are more.

fn main() -> std::process::ExitCode {
    hardtack_bench::count_allocations(|work| allocation_counter::measure(work).count_total)
}
