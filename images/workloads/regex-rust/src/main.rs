//! Prints the answer; asked by ASSAY_CALLS, does the work so many times and
//! reports how long each call took.

use std::time::Instant;

fn main() {
    let Ok(asked) = std::env::var("ASSAY_CALLS") else {
        println!("{}", workload::run());
        return;
    };
    let mut times = Vec::new();
    let mut answer = None;
    for _ in 0..asked.parse().expect("a number of calls") {
        let start = Instant::now();
        let got = workload::run();
        times.push(start.elapsed());
        assert!(answer.replace(got).is_none_or(|before| before == got));
    }
    println!("{}", answer.expect("a call"));
    for time in times {
        eprintln!("assay-call {}", time.as_nanos());
    }
}
