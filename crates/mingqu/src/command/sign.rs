//! `mingqu sign`: a person's signature, made where the key is.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use disclosure::dsse::Envelope;
use disclosure::statement::{Kind, Statement};
use ed25519_dalek::SigningKey;
use service::request::REQUEST_PAYLOAD_TYPE;
use web::Qr;

use super::{print, tell};
use crate::api::{Api, submission_in};
use crate::passphrase::PassphraseArgs;
use crate::transport::TrustArgs;
use crate::{Verdict, key_file};

/// What `sign` takes.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The payload to sign (with --kind), or an envelope to add a signature to.
    pub file: Option<PathBuf>,
    /// The key's file.
    #[arg(long)]
    pub key: Option<PathBuf>,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// What the payload is: district, key, registry, roster, tariff, or request.
    #[arg(long)]
    pub kind: Option<String>,
    /// Where to write the envelope; stdout without it.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// A file that the statement names as an attachment, handed in with it.
    #[arg(long = "attach")]
    pub attachments: Vec<PathBuf>,
    /// Hand the envelope in to this server, like `http://127.0.0.1:8080`.
    #[arg(long)]
    pub hand_in: Option<String>,
    /// Where to write the submission receipt: what the server owes for what is handed in, and by when, signed with the
    /// log's key. `mingqu audit --submission` holds the log against it.
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Sign a statement that waits on a server: its id there.
    #[arg(long, requires = "server")]
    pub statement: Option<i64>,
    /// The server on which the statement waits.
    #[arg(long, requires = "statement")]
    pub server: Option<String>,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Sign what a server shows without asking; for scripts that have checked it.
    #[arg(long)]
    pub yes: bool,
}

/// Shows what is signed on stderr, then signs.
pub fn run(args: &SignArgs) -> anyhow::Result<Verdict> {
    check_receipt(args)?;
    if let (Some(server), Some(statement)) = (&args.server, args.statement) {
        return sign_waiting(args, server, statement);
    }
    let mut envelope = read_envelope(args)?;
    if let Some(key) = own_key(args)? {
        tell(&shown(&envelope));
        envelope.sign_with(&key)?;
    } else if args.hand_in.is_none() {
        bail!("give --key FILE to sign with, or --hand-in URL to hand an envelope in");
    }
    if let Some(out) = &args.out {
        std::fs::write(out, envelope.to_json())
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    match &args.hand_in {
        Some(server) => hand_in(args, server, &envelope),
        None if args.out.is_none() => {
            print(&String::from_utf8_lossy(&envelope.to_json()))?;
            Ok(Verdict::Good)
        }
        None => Ok(Verdict::Good),
    }
}

fn sign_waiting(args: &SignArgs, server: &str, id: i64) -> anyhow::Result<Verdict> {
    let key = own_key(args)?.context("give --key FILE to sign with")?;
    let api = Api::new(server, &args.trust.read()?);
    let waiting = api.statement(id)?;
    // The server chooses these bytes. Only a statement is ever signed this way, never a request,
    // which would be an order in the signer's name.
    Statement::parse(&waiting.payload_type, &waiting.payload)
        .context("what the server shows is not a statement, and is not signed")?;
    let envelope = Envelope::unsigned(waiting.payload_type, waiting.payload);
    tell(&shown(&envelope));
    if !args.yes && !confirmed()? {
        bail!("not signed");
    }
    let signed = api.sign(id, &key, &envelope.signed_bytes())?;
    print(&signed.is)?;
    keep_receipt(args, signed.submission.as_ref())?;
    Ok(Verdict::Good)
}

/// Asks the person at the terminal; a script must say --yes.
fn confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to ask: read what is shown, and say --yes to sign it");
    }
    tell("Sign this? Type yes:");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

fn hand_in(args: &SignArgs, server: &str, envelope: &Envelope) -> anyhow::Result<Verdict> {
    let api = Api::new(server, &args.trust.read()?);
    if envelope.payload_type == REQUEST_PAYLOAD_TYPE {
        let answer = api.request(envelope)?;
        print(&answer.to_string())?;
        keep_receipt(args, submission_in(&answer).as_ref())?;
        if std::io::stderr().is_terminal()
            && let Some(invitation) = invitation(server, &answer)
        {
            tell(&invitation);
        }
        return Ok(Verdict::Good);
    }
    let files: Vec<Vec<u8>> = args
        .attachments
        .iter()
        .map(|path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display())))
        .collect::<Result<_, _>>()?;
    let proposed = api.propose(envelope, files)?;
    print(&serde_json::json!({ "statement": proposed.is }).to_string())?;
    keep_receipt(args, proposed.submission.as_ref())?;
    Ok(Verdict::Good)
}

/// Before anything is signed: a receipt cannot be asked for a second time, and an earlier one is not to be lost.
fn check_receipt(args: &SignArgs) -> anyhow::Result<()> {
    let Some(file) = &args.receipt else { return Ok(()) };
    if args.hand_in.is_none() && args.server.is_none() {
        bail!(
            "--receipt is given by a server: say --hand-in URL, or --server URL with --statement"
        );
    }
    if file.exists() {
        bail!("{} is there already: give the receipt another name", file.display());
    }
    Ok(())
}

/// Writes down what the server owes now, where that was asked for.
fn keep_receipt(args: &SignArgs, submission: Option<&serde_json::Value>) -> anyhow::Result<()> {
    match (&args.receipt, submission) {
        (Some(file), Some(submission)) => std::fs::write(file, submission.to_string())
            .with_context(|| {
                format!("cannot write {}: it was handed in all the same", file.display())
            }),
        (Some(_), None) => {
            tell("nothing is owed for this yet, so there is no receipt");
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

/// Where an invited person enrols, with its QR code to hold a phone to; none where nobody was invited.
fn invitation(server: &str, answer: &serde_json::Value) -> Option<String> {
    let code = answer["invited"]["code"].as_str()?;
    let address = format!("{}/enrol#{code}", server.trim_end_matches('/'));
    let picture = Qr::of(address.as_bytes()).map(|qr| qr.terminal()).unwrap_or_default();
    Some(format!(
        "{picture}{address}\nWhoever opens this address first can enrol a key under it: show it to them alone."
    ))
}

fn own_key(args: &SignArgs) -> anyhow::Result<Option<SigningKey>> {
    args.key.as_deref().map(|file| key_file::read(file, &args.passphrase)).transpose()
}

fn read_envelope(args: &SignArgs) -> anyhow::Result<Envelope> {
    let path = args.file.as_ref().context("give the FILE to sign")?;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Some(kind) = &args.kind else {
        return Envelope::parse(&bytes).with_context(|| {
            format!("{} is not an envelope; for a payload say --kind", path.display())
        });
    };
    if kind == "request" {
        let _: service::request::Request = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not a request", path.display()))?;
        return Ok(Envelope::unsigned(REQUEST_PAYLOAD_TYPE, bytes));
    }
    let allowed = Kind::ALL.map(Kind::code).join(", ");
    let kind = Kind::from_code(kind)
        .with_context(|| format!("--kind {kind:?} is not known: use request, {allowed}"))?;
    Statement::parse(&kind.payload_type(), &bytes)
        .with_context(|| format!("{} cannot be signed", path.display()))?;
    Ok(Envelope::unsigned(kind.payload_type(), bytes))
}

/// The content of the very bytes that are signed.
fn shown(envelope: &Envelope) -> String {
    let pretty = serde_json::from_slice::<serde_json::Value>(&envelope.payload)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(&envelope.payload).into_owned());
    format!("signing {}:\n{pretty}", envelope.payload_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_shown_as_an_address_and_its_code() {
        let answer = serde_json::json!({ "invited": { "code": "0f".repeat(32) } });
        let shown = invitation("http://127.0.0.1:8080/", &answer).unwrap();
        let address = format!("http://127.0.0.1:8080/enrol#{}", "0f".repeat(32));
        let picture = Qr::of(address.as_bytes()).unwrap().terminal();
        assert!(shown.starts_with(&format!("{picture}{address}\n")));
        assert_eq!(invitation("http://x", &serde_json::json!({ "drafted": {} })), None);
    }
}
