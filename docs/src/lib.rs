//! Compiles what the documentation shows. Nothing to use.
#![doc = include_str!("../../README.md")]

#[doc = include_str!("../migrating.md")]
pub mod migrating {}

#[doc = include_str!("../no-std.md")]
pub mod no_std {}

/// The guide: a chapter each.
pub mod guide {
    #[doc = include_str!("../guide/01-two-buffers.md")]
    pub mod two_buffers {}
    #[doc = include_str!("../guide/02-handles-and-guards.md")]
    pub mod handles_and_guards {}
    #[doc = include_str!("../guide/03-unsafe.md")]
    pub mod r#unsafe {}
    #[doc = include_str!("../guide/04-counting.md")]
    pub mod counting {}
    #[doc = include_str!("../guide/05-orderings.md")]
    pub mod orderings {}
    #[doc = include_str!("../guide/06-epochs.md")]
    pub mod epochs {}
    #[doc = include_str!("../guide/07-op-log.md")]
    pub mod op_log {}
    #[doc = include_str!("../guide/08-pointers.md")]
    pub mod pointers {}
    #[doc = include_str!("../guide/09-strategies.md")]
    pub mod strategies {}
    #[doc = include_str!("../guide/10-flash.md")]
    pub mod flash {}
    #[doc = include_str!("../guide/11-async.md")]
    pub mod r#async {}
    #[doc = include_str!("../guide/12-hash-map.md")]
    pub mod hash_map {}
    #[doc = include_str!("../guide/13-tricks.md")]
    pub mod tricks {}
    #[doc = include_str!("../guide/14-many-machines.md")]
    pub mod many_machines {}
}
