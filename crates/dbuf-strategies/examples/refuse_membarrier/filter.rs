use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// Makes the kernel refuse `membarrier` with this error, to this thread and those that it
/// starts. Containers and sandboxes do so with `EPERM`.
pub(crate) fn refuse_membarrier(errno: i32) {
    let filter = SeccompFilter::new(
        [(libc::SYS_membarrier, vec![])].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(errno as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}
