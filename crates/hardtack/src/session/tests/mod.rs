//! Tests of modules that are compiled elsewhere as well.

mod revocations;
