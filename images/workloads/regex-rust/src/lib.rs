//! The work of regex, by the crate that Rust programs use: the same text, the
//! same expressions, the same answer.

use regex::bytes::Regex;

const LINES: usize = 5000;
const WIDTH: usize = 64;
const LETTERS: &[u8] = b"abcdef0123 .@-";
const PATTERNS: [&str; 6] = [
    r"[a-c]+d[0-9]*e",
    r"(ab|ba)+c?[de]0",
    r"[0-3]+-[0-3]+",
    r"[a-f]+@[a-f]+\.[a-f]+",
    r"(a|b)*c(d|e)(f|0)",
    r"f[^0-9]f..?a",
];

/// Counts the lines of a text that have each expression; the checksum (FNV-1a)
/// of the counts.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> u32 {
    let mut state = 2463534242u32;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        LETTERS[(state >> 8) as usize % LETTERS.len()]
    };
    let text: Vec<[u8; WIDTH]> = (0..LINES).map(|_| std::array::from_fn(|_| letter())).collect();
    let mut sum = 2166136261u32;
    for pattern in PATTERNS {
        let pattern = Regex::new(pattern).expect("a literal");
        let lines = text.iter().filter(|line| pattern.is_match(&line[..])).count() as u32;
        for byte in lines.to_le_bytes() {
            sum = (sum ^ byte as u32).wrapping_mul(16777619);
        }
    }
    sum
}
