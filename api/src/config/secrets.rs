//! Secrets from the environment, or made once and kept in the data directory.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{Environment, Fault};
use crate::secret::Secret;

/// Less than a hash's length invites guessing.
pub const MIN_BYTES: usize = 32;

/// A secret in use: the variable that sets it, and the file that keeps the generated one.
pub(super) struct Wanted {
    pub(super) variable: &'static str,
    file: &'static str,
}

const JWT: Wanted = Wanted { variable: "JWT_SECRET", file: "jwt" };
const CART_TOKEN: Wanted = Wanted { variable: "CARTULARY_CART_TOKEN_SECRET", file: "cart-token" };
pub(super) const SIMULATOR_WEBHOOK: Wanted =
    Wanted { variable: "CARTULARY_SIMULATOR_WEBHOOK_SECRET", file: "simulator-webhook" };

/// What the server signs with.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Signs and verifies customers' and staff's tokens (HS256).
    pub jwt: Secret,
    /// Signs guests' cart tokens.
    pub cart_token: Secret,
}

/// Where secrets come from.
pub(super) struct Source<'a> {
    pub(super) environment: Environment,
    pub(super) data_dir: &'a Path,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    /// All secrets, or every fault among them.
    pub(super) fn secrets(&self, faults: &mut Vec<Fault>) -> Option<Secrets> {
        let mut get = |wanted| self.get(wanted).map_err(|fault| faults.push(fault)).ok();
        let (jwt, cart_token) = (get(JWT), get(CART_TOKEN));
        Some(Secrets { jwt: jwt?, cart_token: cart_token? })
    }

    pub(super) fn get(&self, wanted: Wanted) -> Result<Secret, Fault> {
        let production = self.environment == Environment::Production;
        // A variable set to nothing is how compose files say "not set".
        match (self.variable)(wanted.variable).filter(|value| !value.is_empty()) {
            Some(value) if production && value.len() < MIN_BYTES => {
                Err(Fault::WeakSecret(wanted.variable))
            }
            Some(value) => Ok(Secret::new(value)),
            None if production => Err(Fault::MissingSecret(wanted.variable)),
            None => {
                let path = self.data_dir.join("secrets").join(wanted.file);
                kept(&path).map_err(|source| Fault::Secret {
                    variable: wanted.variable,
                    path,
                    source,
                })
            }
        }
    }
}

/// The secret kept in this file, made now if there is none.
fn kept(path: &Path) -> io::Result<Secret> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        read => checked(&read?),
    }
}

fn checked(text: &str) -> io::Result<Secret> {
    match text.trim() {
        text if text.len() < MIN_BYTES => {
            Err(io::Error::other("it is too short; delete it to have another made"))
        }
        text => Ok(Secret::new(text)),
    }
}

/// Makes a secret beside its place and links it there, so that two processes starting at once agree
/// and neither reads half a file.
fn make(path: &Path) -> io::Result<Secret> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let secret = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let draft = PathBuf::from(format!("{}.{:08x}", path.display(), rand::random::<u32>()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            checked(&fs::read_to_string(path)?)
        }
        linked => linked.map(|()| Secret::new(secret)),
    }
}
