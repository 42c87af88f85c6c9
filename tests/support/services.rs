//! Real services. Each is a process on a free port, which a test can kill and restart. Without the
//! program of a service, its tests are skipped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::TIMEOUT;
use crate::skip::{is_set, report_skipped};

/// The user and group `nobody`. Databases refuse to run as root, and run as this user instead.
const NOBODY: u32 = 65534;

/// The path of a service's program if it is installed: by `scripts/services.sh` or otherwise. If it
/// is not, reports in one line that the current test is skipped, which has to return.
///
/// # Panics
/// If the program is missing and `REWARM_REQUIRE_SERVICES` is 1.
pub fn program(name: &str) -> Option<PathBuf> {
    let installed = std::env::var_os("REWARM_SERVICES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services"),
        PathBuf::from,
    );
    let mut folders = vec![installed.join("bin"), installed.join("venv/bin")];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.push("/usr/sbin".into());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        let reason = format!("{name} not found; scripts/services.sh installs it");
        let required = is_set("REWARM_REQUIRE_SERVICES");
        assert!(!required, "{reason}, and REWARM_REQUIRE_SERVICES is 1");
        report_skipped(&reason);
    }
    found
}

/// A running service, killed when dropped, its folder removed.
#[derive(Debug)]
pub struct Service {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    folder: PathBuf,
    port: u16,
    /// True if it runs as [`NOBODY`].
    is_nobody: bool,
    /// The signal that ends it like a crash, with all processes that it started.
    signal: &'static str,
    process: Option<Child>,
}

impl Service {
    /// Starts a program that listens on a port. In the arguments, `{port}` stands for a free port
    /// and `{folder}` for the service's folder.
    pub fn start(program: PathBuf, arguments: &[&str], environment: &[(&str, &str)]) -> Service {
        let mut service = Service::prepare(program, arguments);
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        service.environment = environment.iter().map(owned).collect();
        service.started()
    }

    /// A database that is not started yet.
    fn database(program: PathBuf, arguments: &[&str]) -> Service {
        let mut service = Service::prepare(program, arguments);
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            service.is_nobody = true;
            chown(&service.folder, Some(NOBODY), Some(NOBODY)).expect("give a folder to nobody");
        }
        service
    }

    fn prepare(program: PathBuf, arguments: &[&str]) -> Service {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("rewarm-service-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir(&folder).expect("make a folder for a service");
        let mut service = Service {
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            folder,
            port: free_port(),
            is_nobody: false,
            signal: "KILL",
            process: None,
        };
        service.arguments = arguments.iter().map(|argument| service.filled(argument)).collect();
        service
    }

    /// MariaDB with the table `users` in the database `test`, for the user `app`, password `app`.
    pub fn mariadb() -> Option<Service> {
        let (install, server) = (program("mariadb-install-db")?, program("mariadbd")?);
        let service = Service::database(
            server,
            &[
                "--no-defaults",
                "--datadir={folder}/data",
                "--bind-address=127.0.0.1",
                "--port={port}",
                "--socket={folder}/socket",
                "--pid-file={folder}/pid",
                "--init-file={folder}/init.sql",
                "--log-warnings=2",
                "--innodb-flush-log-at-trx-commit=0",
                "--skip-name-resolve",
            ],
        );
        service.run(
            &install,
            &[
                "--no-defaults",
                "--datadir={folder}/data",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ],
            "",
        );
        // Read at each start, one statement a line.
        let init = "CREATE DATABASE IF NOT EXISTS test;
USE test;
CREATE TABLE IF NOT EXISTS users (id BIGINT PRIMARY KEY, name VARCHAR(80) NOT NULL);
REPLACE INTO users VALUES (1, 'Ada');
CREATE USER IF NOT EXISTS app IDENTIFIED BY 'app';
GRANT ALL ON test.* TO app;
";
        fs::write(service.folder.join("init.sql"), init).expect("write init.sql");
        Some(service.started())
    }

    /// PostgreSQL with the table `users` in the database `postgres`, for the user `app`.
    pub fn postgres() -> Option<Service> {
        let (initdb, server) = (program("initdb")?, program("postgres")?);
        let mut service = Service::database(
            server.clone(),
            &[
                "-D{folder}/data",
                "-clisten_addresses=127.0.0.1",
                "-p{port}",
                "-cunix_socket_directories=",
                "-cfsync=off",
            ],
        );
        service.run(&initdb, &["-D{folder}/data", "-Uapp", "-Atrust", "--no-sync"], "");
        // Its processes are not in one group. On this signal the first kills the others.
        service.signal = "QUIT";
        let users = "CREATE TABLE users (id BIGINT PRIMARY KEY, name VARCHAR(80) NOT NULL);
INSERT INTO users VALUES (1, 'Ada');
";
        service.run(&server, &["--single", "-D{folder}/data", "postgres"], users);
        Some(service.started())
    }

    /// Redis without persistence, with further arguments.
    pub fn redis(arguments: &[&str]) -> Option<Service> {
        let plain = ["--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--appendonly", "no"];
        Some(Service::start(program("redis-server")?, &[&plain, arguments].concat(), &[]))
    }

    /// The server of moto, which simulates AWS.
    pub fn moto() -> Option<Service> {
        Some(Service::start(program("moto_server")?, &["-H127.0.0.1", "-p{port}"], &[]))
    }

    /// The server of moto with one thread. With several, its conditional writes are not atomic.
    pub fn dynamodb() -> Option<Service> {
        let server = "
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
app = DomainDispatcherApplication(create_backend_app)
run_simple('127.0.0.1', int(sys.argv[1]), app, threaded=False)
";
        let python = program("moto_server")?.with_file_name("python3");
        Some(Service::start(python, &["-c", server, "{port}"], &[]))
    }

    /// The port it listens on, the same after a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The output so far, on stdout and stderr.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Ends it like a crash.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let group = format!("-{}", process.id());
            // It fails if all have exited by themselves.
            let _ = Command::new("kill").args(["-s", self.signal, "--", &group]).output();
            let _ = process.wait();
        }
    }

    /// Sends a signal to it and to all processes that it started, such as `STOP` and `CONT`.
    ///
    /// # Panics
    /// If it does not run.
    pub fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("a running service");
        let group = format!("-{}", process.id());
        let sent = Command::new("kill").args(["-s", signal, "--", &group]).status();
        assert!(sent.is_ok_and(|status| status.success()), "send SIG{signal}");
    }

    /// Restarts it and waits until it listens.
    pub fn restart(&mut self) {
        self.kill();
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.expect("open a service's log");
        let process = self
            .command(&self.program)
            .args(&self.arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of a log"))
            .stderr(log)
            .spawn();
        let program = self.program.display();
        let process = process.unwrap_or_else(|error| panic!("start {program}: {error}"));
        let process = self.process.insert(process);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let exit = process.try_wait().expect("the state of a service");
            if let Some(problem) = exit
                .map(|status| status.to_string())
                .or_else(|| (start.elapsed() > TIMEOUT).then(|| "it does not listen".to_owned()))
            {
                panic!("{program} did not start: {problem}\n{}", self.log());
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn started(mut self) -> Service {
        self.restart();
        self
    }

    /// Runs a program to its end.
    fn run(&self, program: &Path, arguments: &[&str], input: &str) {
        let input_path = self.folder.join("input");
        fs::write(&input_path, input).expect("write the input of a program");
        let output = self
            .command(program)
            .args(arguments.iter().map(|argument| self.filled(argument)))
            .stdin(fs::File::open(&input_path).expect("open the input of a program"))
            .output();
        let program = program.display();
        let output = output.unwrap_or_else(|error| panic!("run {program}: {error}"));
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{program}: {}\n{stdout}\n{stderr}", output.status);
    }

    /// A command in the service's folder, run by its user.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).envs(self.environment.iter().map(|(k, v)| (k, v)));
        if self.is_nobody {
            command.env("HOME", &self.folder).uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn filled(&self, argument: &str) -> String {
        let folder = self.folder.display().to_string();
        argument.replace("{folder}", &folder).replace("{port}", &self.port.to_string())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A free port.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen on a loopback port");
    listener.local_addr().expect("the address listened on").port()
}
