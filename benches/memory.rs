//! What a function keeps in memory: resident size after INIT, after many invocations, and after
//! many more keys than its cache may hold.

#![forbid(unsafe_code)]

use support::{Function, Launch, Row, build, conclude};

fn main() {
    build("bare");
    build("reused");
    let mut rows = Vec::new();
    let mut note = |what: &str, who, function: &Function| {
        let value = function.memory("VmRSS") as f64;
        rows.push(Row { what: what.to_owned(), who, value, unit: "KiB", ratio: f64::NAN });
    };
    for who in ["bare-three", "reused-three"] {
        let function = Launch::program(who).start();
        function.ready();
        note("after INIT", who, &function);
        let event = r#"{"sku": "sku-42", "quantity": 3}"#;
        function.invoke(event, 1_000);
        note("after 1,000 invocations", who, &function);
        function.invoke(event, 99_000);
        note("after 100,000 invocations", who, &function);
        function.stop();
    }
    let function = Launch::program("reused-keys").start();
    function.ready();
    note("a million keys, 1,000 of them kept", "at the start", &function);
    for thousand in 0..1_000 {
        let (from, to) = (thousand * 1_000, (thousand + 1) * 1_000);
        function.invoke(&format!(r#"{{"from": {from}, "to": {to}}}"#), 1);
        if thousand == 9 {
            note("a million keys, 1,000 of them kept", "after 10,000", &function);
        }
    }
    note("a million keys, 1,000 of them kept", "after the million", &function);
    function.stop();
    conclude("memory", rows);
}
