use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// From now on the kernel refuses `membarrier` to this thread and those it starts, as
/// containers and sandboxes do.
pub(crate) fn refuse_membarrier() {
    let filter = SeccompFilter::new(
        [(libc::SYS_membarrier, vec![])].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}
