//! Secrets from the environment, or made once and kept in the data directory.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{ConfigError, Environment};
use crate::secret::{MIN_BYTES, Secret};

/// A secret: the variable that sets it, and the file that a generated one is kept in.
pub(super) struct SecretSetting {
    pub(super) variable: &'static str,
    file: &'static str,
}

const JWT: SecretSetting = SecretSetting { variable: "JWT_SECRET", file: "jwt" };
const CART_TOKEN: SecretSetting =
    SecretSetting { variable: "CARTULARY_CART_TOKEN_SECRET", file: "cart-token" };
pub(super) const SIMULATOR_WEBHOOK: SecretSetting =
    SecretSetting { variable: "CARTULARY_SIMULATOR_WEBHOOK_SECRET", file: "simulator-webhook" };

/// Where secrets come from.
pub(super) struct Source<'a> {
    pub(super) environment: Environment,
    pub(super) data_dir: &'a Path,
    /// Whether a missing secret may be made and kept in the data directory.
    pub(super) may_create: bool,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    /// The secrets that sign JWTs and cart tokens.
    pub(super) fn auth_secrets(&self, errors: &mut Vec<ConfigError>) -> Option<(Secret, Secret)> {
        let (jwt, cart_token) = (self.get(JWT, errors), self.get(CART_TOKEN, errors));
        Some((jwt?, cart_token?))
    }

    /// A secret; `None` if there is an error, or if it would have to be made and must not be.
    pub(super) fn get(
        &self,
        setting: SecretSetting,
        errors: &mut Vec<ConfigError>,
    ) -> Option<Secret> {
        let production = self.environment == Environment::Production;
        // A variable set to nothing is how compose files say "not set".
        let found = match (self.variable)(setting.variable).filter(|value| !value.is_empty()) {
            Some(value) if production && value.len() < MIN_BYTES => {
                Err(ConfigError::WeakSecret(setting.variable))
            }
            Some(value) => Ok(Some(Secret::new(value))),
            None if production => Err(ConfigError::MissingSecret(setting.variable)),
            None => self.kept(setting),
        };
        found.unwrap_or_else(|error| {
            report(error, errors);
            None
        })
    }

    /// The secret that is kept in the data directory, made now if there is none and it may be made.
    fn kept(&self, setting: SecretSetting) -> Result<Option<Secret>, ConfigError> {
        let path = self.data_dir.join("secrets").join(setting.file);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Err(_) if self.may_create => make(&path).map(Some),
            Err(_) => Ok(None),
        };
        let data_dir = |source| ConfigError::DataDir { path: self.data_dir.to_owned(), source };
        let Some(text) = text.map_err(data_dir)? else { return Ok(None) };
        let text = text.trim();
        if text.len() < MIN_BYTES {
            return Err(ConfigError::KeptSecret { variable: setting.variable, path });
        }
        Ok(Some(Secret::new(text)))
    }
}

/// A directory that cannot be used is one error, however many secrets are looked for in it.
fn report(error: ConfigError, errors: &mut Vec<ConfigError>) {
    let is_data_dir = |error: &ConfigError| matches!(error, ConfigError::DataDir { .. });
    if !(is_data_dir(&error) && errors.iter().any(is_data_dir)) {
        errors.push(error);
    }
}

/// Makes a secret under another name and links it, so that two processes that start at once agree on one
/// secret and neither reads half a file.
fn make(path: &Path) -> io::Result<String> {
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
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(path),
        linked => linked.map(|()| secret),
    }
}
