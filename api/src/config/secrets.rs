//! Reads secrets from the environment, or generates them once and stores them in the data directory.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{ConfigError, Environment};
use crate::secret::{MIN_BYTES, Secret};

/// A secret: the variable that sets it, and the file in which a generated one is stored.
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
    /// Whether a missing secret may be generated and stored in the data directory.
    pub(super) may_create: bool,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    /// The secrets that sign JWTs and cart tokens.
    pub(super) fn auth_secrets(&self, errors: &mut Vec<ConfigError>) -> Option<(Secret, Secret)> {
        let (jwt, cart_token) = (self.get(JWT, errors), self.get(CART_TOKEN, errors));
        Some((jwt?, cart_token?))
    }

    /// Reads a secret; `None` if there is an error, or if it must be generated and `may_create` is false.
    pub(super) fn get(
        &self,
        setting: SecretSetting,
        errors: &mut Vec<ConfigError>,
    ) -> Option<Secret> {
        let is_production = self.environment == Environment::Production;
        // An empty variable counts as not set, because compose files set variables to an empty text.
        let found = match (self.variable)(setting.variable).filter(|value| !value.is_empty()) {
            Some(value) if is_production && value.len() < MIN_BYTES => {
                Err(ConfigError::WeakSecret(setting.variable))
            }
            Some(value) => Ok(Some(Secret::new(value))),
            None if is_production => Err(ConfigError::MissingSecret(setting.variable)),
            None => self.read_stored(setting),
        };
        found.unwrap_or_else(|error| {
            add_error(error, errors);
            None
        })
    }

    /// Reads the secret that is stored in the data directory. If there is none, it is generated if `may_create` is set.
    fn read_stored(&self, setting: SecretSetting) -> Result<Option<Secret>, ConfigError> {
        let path = self.data_dir.join("secrets").join(setting.file);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Err(_) if self.may_create => generate(&path).map(Some),
            Err(_) => Ok(None),
        };
        let data_dir = |source| ConfigError::DataDir { path: self.data_dir.to_owned(), source };
        let Some(text) = text.map_err(data_dir)? else { return Ok(None) };
        let text = text.trim();
        if text.len() < MIN_BYTES {
            return Err(ConfigError::StoredSecret { variable: setting.variable, path });
        }
        Ok(Some(Secret::new(text)))
    }
}

/// Adds an error. A data directory that cannot be used is one error, not one for each secret in it.
fn add_error(error: ConfigError, errors: &mut Vec<ConfigError>) {
    let is_data_dir = |error: &ConfigError| matches!(error, ConfigError::DataDir { .. });
    if !(is_data_dir(&error) && errors.iter().any(is_data_dir)) {
        errors.push(error);
    }
}

/// Generates a secret in a file of another name, then links that file to `path`. So two processes that start at the
/// same time use one secret, and neither reads a file that is half written.
fn generate(path: &Path) -> io::Result<String> {
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
