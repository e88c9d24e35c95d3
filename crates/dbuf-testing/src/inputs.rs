//! Byte inputs for fuzz targets, without a fuzzer.

use std::fs;

/// Runs each input that a fuzzer kept: each file of a folder.
///
/// # Panics
///
/// Panics if the folder is empty or `run` panics; the input's name is printed before it runs.
pub fn kept(folder: &str, run: impl Fn(&[u8])) {
    let mut ran = 0;
    for file in fs::read_dir(folder).expect(folder) {
        let path = file.expect(folder).path();
        println!("{}", path.display());
        run(&fs::read(&path).expect(folder));
        ran += 1;
    }
    assert!(ran > 0, "{folder} is empty");
}

/// Runs `inputs` pseudo-random inputs of `length` bytes, the same ones each time.
///
/// # Panics
///
/// Panics if `run` panics; the input's number is printed before it runs.
pub fn random(inputs: usize, length: usize, run: impl Fn(&[u8])) {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for input in 0..inputs {
        let mut bytes = vec![0; length];
        for byte in &mut bytes {
            // xorshift64
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            *byte = (random >> 32) as u8;
        }
        println!("input {input}");
        run(&bytes);
    }
}
