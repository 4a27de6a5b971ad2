#![no_main]
// A panic that is caught where it arises is no finding: libFuzzer's own hook would end the run all the same.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| ())),
    |bytes: &[u8]| mingqu_fuzz::xlsx(bytes)
);
