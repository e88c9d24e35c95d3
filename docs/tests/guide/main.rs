//! The variants of the guide's programs that go wrong, each with the test that shows it.

mod r#async;
mod counting;
mod epochs;
mod flash;
mod handles_and_guards;
mod hash_map;
mod op_log;
mod orderings;
mod pointers;
mod strategies;
mod tricks;
mod two_buffers;
mod r#unsafe;
