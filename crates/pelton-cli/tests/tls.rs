//! `serve`, `send` and `gen` over TLS, with certificates that are made for it.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

mod place;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use place::Place;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// Puts a certificate made out to `host` into `place`, as NAME.pem and NAME.key.
    fn sign(&self, place: &Place, name: &str, host: &str) {
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        place.put(&format!("{name}.pem"), certificate.pem());
        place.put(&format!("{name}.key"), key.serialize_pem());
    }
}

/// A place with an authority `ca.pem`, a certificate of a server and one of a client.
fn place() -> Place {
    let place = Place::new();
    let authority = Authority::new("one");
    place.put("ca.pem", &authority.pem);
    authority.sign(&place, "server", "127.0.0.1");
    authority.sign(&place, "client", "a-client");
    place
}

/// The beginning of a plan for `out.ndjson`.
fn plan(place: &Place, listen: &str, tls: &str) {
    let plan = format!(
        "[source]\nlisten = [\"{listen}\"]\n{tls}\n[sink]\npath = \"out.ndjson\"\n[serve]\nadmin \
         = \"127.0.0.1:0\"\n"
    );
    place.put("plan.toml", plan);
}

const TLS: &str = "[source.tls]\ncert = \"server.pem\"\nkey = \"server.key\"";

/// A server; killed when dropped.
struct Server {
    child: Child,
    errors: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    fn start(place: &Place) -> Self {
        let mut command = place.command(&["serve", "plan.toml"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("://");
        let address = address
            .unwrap_or_else(|| panic!("it said {line:?}"))
            .1
            .to_owned();
        Self {
            child,
            errors,
            address,
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Reads what it says until `text` is in it.
    fn until_said(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            assert!(
                self.errors.read_line(&mut said).unwrap() > 0,
                "it said {said}"
            );
        }
        said
    }

    /// Asks it to end, and what it said meanwhile.
    fn stop(mut self) -> String {
        self.signal("-TERM");
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{said}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(count: u32) -> String {
    (0..count).map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

#[test]
fn files_and_made_rows_are_sent_over_tls() {
    let place = place();
    plan(&place, "127.0.0.1:0", TLS);
    place.put("in.ndjson", lines(5000));
    let server = Server::start(&place);
    let to = ["--to", &server.address, "--tls", "--ca", "ca.pem"];
    let ran = place.pelton(&[&["send", "in.ndjson"], &to[..]].concat());
    assert!(
        ran.assert_code(0).stderr.contains("sent 5,000 records"),
        "{}",
        ran.stderr
    );
    let made = place.pelton(&["gen", "events", "--rows", "3000"]);
    let ran = place.pelton(
        &[
            &["gen", "events", "--rows", "3000", "--connections", "2"],
            &to[..],
        ]
        .concat(),
    );
    assert!(
        ran.assert_code(0).stderr.contains("3,000 records"),
        "{}",
        ran.stderr
    );
    let said = server.stop();
    assert!(said.contains("8000 written"), "{said}");
    let out = place.text("out.ndjson");
    let (sent, rest) = out.split_at(lines(5000).len());
    assert!(sent == lines(5000));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert!(sorted(rest) == sorted(&made.stdout));
}

#[test]
fn a_file_is_committed_over_tls_by_who_has_a_certificate() {
    let place = place();
    let tls = format!("{TLS}\nclient_ca = \"ca.pem\"");
    plan(&place, "acked://127.0.0.1:0", &tls);
    place.put("in.ndjson", lines(5000));
    let server = Server::start(&place);
    let address = server.address.clone();
    let to = [
        "send",
        "in.ndjson",
        "--acked",
        "--to",
        &address,
        "--tls",
        "--ca",
        "ca.pem",
    ];
    place
        .pelton(&to)
        .assert_refused(&[&address, "wants a client's certificate"]);
    let identity = ["--cert", "client.pem", "--key", "client.key"];
    let ran = place.pelton(&[&to[..], &identity[..]].concat());
    assert!(
        ran.assert_code(0).stderr.contains("committed 5,000"),
        "{}",
        ran.stderr
    );
    // Told once, with the peer and why.
    let said = server.stop();
    assert_eq!(said.matches("no TLS handshake").count(), 1, "{said}");
    assert!(place.text("out.ndjson") == lines(5000));
}

#[test]
fn a_hang_up_takes_other_certificates_or_none_of_it() {
    let place = place();
    plan(&place, "127.0.0.1:0", TLS);
    place.put("in.ndjson", lines(10));
    let mut server = Server::start(&place);
    let address = server.address.clone();
    let send =
        |ca: &str| place.pelton(&["send", "in.ndjson", "--to", &address, "--tls", "--ca", ca]);
    send("ca.pem").assert_code(0);

    let key = place.text("server.key");
    place.put("server.key", "no key");
    server.signal("-HUP");
    let said = server.until_said("going on as before");
    assert!(said.contains("server.key: holds no private key"), "{said}");
    send("ca.pem").assert_code(0);
    place.put("server.key", key);

    plan(&place, "127.0.0.1:0", "");
    server.signal("-HUP");
    let said = server.until_said("going on as before");
    assert!(said.contains("source.tls cannot come or go"), "{said}");
    send("ca.pem").assert_code(0);

    plan(&place, "127.0.0.1:0", TLS);
    let other = Authority::new("two");
    place.put("other.pem", &other.pem);
    other.sign(&place, "server", "127.0.0.1");
    server.signal("-HUP");
    server.until_said("reloaded\n");
    send("ca.pem").assert_refused(&["give the authority"]);
    send("other.pem").assert_code(0);
    server.stop();
    assert_eq!(place.text("out.ndjson"), lines(10).repeat(4));
}

#[test]
fn plans_and_options_that_make_no_sense_are_said_at_once() {
    let place = place();
    let serve = || place.pelton(&["serve", "plan.toml"]);
    plan(&place, "unix:///tmp/none.sock", TLS);
    let nothing = ["source.tls has nothing to apply to", "tcp://"];
    serve().assert_refused(&nothing);
    place
        .pelton(&["check", "plan.toml"])
        .assert_refused(&nothing);
    place.put(
        "run.toml",
        format!("[source]\npath = \"in.csv\"\n{TLS}\n[sink]\npath = \"-\"\n"),
    );
    place
        .pelton(&["run", "run.toml"])
        .assert_refused(&nothing[..1]);
    plan(
        &place,
        "127.0.0.1:0",
        &TLS.replace("server.pem", "none.pem"),
    );
    serve().assert_refused(&["none.pem: no such file"]);
    plan(
        &place,
        "127.0.0.1:0",
        &TLS.replace("server.key", "client.key"),
    );
    serve().assert_refused(&["server.pem: does not go with the key in client.key"]);
    fs::write(place.path("a.log"), "one\n").unwrap();
    let send = ["send", "a.log", "--to", "127.0.0.1:1"];
    let ran = place.pelton(&[&send[..], &["--ca", "ca.pem"]].concat());
    assert!(
        ran.assert_code(2).stderr.contains("--tls"),
        "{}",
        ran.stderr
    );
    let ran = place.pelton(&[&send[..], &["--tls", "--cert", "client.pem"]].concat());
    assert!(
        ran.assert_code(2).stderr.contains("--key"),
        "{}",
        ran.stderr
    );
    let ran = place.pelton(&[&send[..], &["--tls", "--ca", "none.pem"]].concat());
    ran.assert_refused(&["none.pem: no such file"]);
}
