use rewarm::handler;

fn audit_log(line: String) {
    let _ = tokio::spawn(async move { line.len() });
}

struct Names;

impl Names {
    fn keep(&self, name: String) -> &'static str {
        name.leak()
    }
}

mod job {
    use std::env;

    pub fn change() {
        let _ = env::set_current_dir("/tmp");
    }
}

fn give_up() -> ! {
    std::process::exit(1)
}

#[handler]
async fn answer(event: String) -> usize {
    audit_log(event.clone());
    job::change();
    if event.is_empty() {
        give_up();
    }
    Names.keep(event).len()
}

fn main() {}
