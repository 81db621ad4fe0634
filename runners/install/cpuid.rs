//! Stands for raw-cpuid 6.1 and 7.0 where lucet is built: those assert that leaf
//! 7 of CPUID has no subleaves, and so end on any current processor. It tells
//! what lucet and its Cranelift ask for, and takes it from the standard library.

pub struct CpuId;

/// What the processor has, in place of each of CPUID's leaves.
pub struct Features;

impl CpuId {
    pub fn new() -> CpuId {
        CpuId
    }

    pub fn get_feature_info(&self) -> Option<Features> {
        Some(Features)
    }

    pub fn get_extended_feature_info(&self) -> Option<Features> {
        Some(Features)
    }

    pub fn get_extended_function_info(&self) -> Option<Features> {
        Some(Features)
    }
}

macro_rules! features {
    ($($has:ident $name:tt)*) => {
        impl Features {
            $(pub fn $has(&self) -> bool {
                is_x86_feature_detected!($name)
            })*
        }
    };
}

features! {
    has_sse2 "sse2"
    has_sse3 "sse3"
    has_ssse3 "ssse3"
    has_sse41 "sse4.1"
    has_sse42 "sse4.2"
    has_avx "avx"
    has_popcnt "popcnt"
    has_bmi1 "bmi1"
    has_bmi2 "bmi2"
    has_lzcnt "lzcnt"
}
