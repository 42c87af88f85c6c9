//! The output on a terminal.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::FAULTS;

/// Runs `faults` on a terminal, and returns its exit code and the output.
fn on_terminal(args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let path = ptsname(&screen, Vec::new()).unwrap().into_bytes();
    let path = std::ffi::OsString::from_vec(path);
    let terminal = File::options().read(true).write(true).open(path).unwrap();
    let mut process = Command::new(FAULTS)
        .args(args)
        .env_clear()
        .env("TERM", "xterm-256color")
        .envs(env.iter().copied())
        .stdin(terminal.try_clone().unwrap())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal)
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    // On Linux, reading fails as soon as no process has the terminal open.
    let _ = File::from(screen).read_to_end(&mut shown);
    let code = process.wait().unwrap().code();
    (code, String::from_utf8(shown).unwrap().replace("\r\n", "\n"))
}

const QUIET: (&str, &str) = ("RUST_LOG", "off");

#[test]
fn a_timeline_in_colour_and_a_summary() {
    let events = ["--event={\"do\": \"answer\"}", "--event={\"do\": \"fail\"}", "--repeat=2"];
    let ping = ["--event={\"warmup\": true}"];
    let (code, shown) = on_terminal(&[&events[..], &ping].concat(), &[QUIET]);
    assert_eq!(code, Some(1));
    for text in [
        "\x1b[36minit\x1b[0m",
        "4 resources\n",
        "\x1b[2mledger\x1b[0m\n",
        "\x1b[34mcold\x1b[0m     1",
        "\x1b[32mwarm\x1b[0m     2",
        "\x1b[2mping\x1b[0m     2",
        "ms  ok\x1b[2m  1 miss\x1b[0m\n",
        "ms  ok\x1b[2m  1 hit\x1b[0m\n",
        "\x1b[31mRefused: cannot pay order 0: the bank is closed: it is night\x1b[0m",
        "\n4 invocations, \x1b[31m2 failed\x1b[0m\n",
        "\n  cold start ",
        "\n  p50 ",
        "\n  p99 ",
        "\n  cache hits          50%  \x1b[2m1 of 2\x1b[0m\n",
        "{\"errorType\":\"Refused\"",
    ] {
        assert!(shown.contains(text), "{text:?} is not in\n{shown}\n{shown:?}");
    }
    // The times are aligned.
    let ends: Vec<usize> = shown
        .lines()
        .filter(|line| {
            ["init", "cold", "warm", "ping"]
                .iter()
                .any(|word| line.contains(&format!("m{word}\x1b")))
        })
        .map(|line| line.find(" ms").unwrap())
        .collect();
    assert_eq!(ends.len(), 7, "{shown}");
    assert!(ends.iter().all(|end| *end == ends[0] || *end + 1 == ends[0]), "{ends:?}\n{shown}");
}

#[test]
fn no_color_turns_colours_off() {
    let event = "--event={\"do\": \"answer\"}";
    for env in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (code, shown) = on_terminal(&[event], &[QUIET, env]);
        assert_eq!(code, Some(0));
        assert!(!shown.contains('\x1b'), "{shown:?}");
        assert!(shown.contains("\ncold     1 "), "{shown}");
    }
}

#[test]
fn output_that_cannot_be_written_is_ignored() {
    // Each write to `/dev/full` fails.
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let faults = || {
        let mut command = Command::new(FAULTS);
        command.env_clear();
        command
    };
    for (deed, code) in [("answer", 0), ("fail", 1), ("panic", 1)] {
        let event = format!("--event={{\"do\": \"{deed}\"}}");
        let run = faults().args([&*event, "--report"]).stderr(full()).output().unwrap();
        assert_eq!((run.status.code(), run.stdout.last()), (Some(code), Some(&b'\n')), "{deed}");
    }
    assert_eq!(faults().arg("--nonsense").stderr(full()).status().unwrap().code(), Some(2));
    assert_eq!(faults().arg("--help").stdout(full()).status().unwrap().code(), Some(0));
}

#[test]
fn stdin_that_cannot_be_read_is_an_error_with_the_line() {
    let folder = File::open("/").unwrap();
    let run = Command::new(FAULTS).stdin(folder).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(stderr.contains("error: stdin, line 1: Is a directory"), "{stderr}");
}

#[test]
fn a_run_without_events_explains_the_options() {
    let (code, shown) = on_terminal(&[], &[]);
    assert_eq!(code, Some(2));
    let text = "error: no event: pass one with --event '{\"key\": \"value\"}', a file with --events, \
                or pipe events to stdin, one JSON value per line\nhelp: --help lists the options\n";
    assert_eq!(shown, text);
}

#[test]
fn help_lists_the_options_and_succeeds() {
    let (code, shown) = on_terminal(&["--help"], &[]);
    assert_eq!(code, Some(0));
    for option in [
        "--event ",
        "--events ",
        "--repeat ",
        "--idle ",
        "--concurrency ",
        "--report",
        "-h, --help",
    ] {
        assert!(shown.contains(&format!("\n  {option}")), "{option} is not in\n{shown}");
    }
}
