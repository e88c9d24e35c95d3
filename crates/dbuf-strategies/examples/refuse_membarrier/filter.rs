use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// Makes the kernel refuse `membarrier` with this error, to this thread and those that it
/// starts. Containers and sandboxes do so with `EPERM`.
pub(crate) fn refuse_membarrier(errno: i32) {
    refuse(vec![], errno);
}

/// Makes the kernel refuse one command of `membarrier`.
#[allow(dead_code, reason = "the example refuses all")]
pub(crate) fn refuse_command(command: libc::c_int, errno: i32) {
    let (length, is) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
    let condition = SeccompCondition::new(0, length, is, command as u64).unwrap();
    refuse(vec![SeccompRule::new(vec![condition]).unwrap()], errno);
}

fn refuse(rules: Vec<SeccompRule>, errno: i32) {
    let filter = SeccompFilter::new(
        [(libc::SYS_membarrier, rules)].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(errno as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}
