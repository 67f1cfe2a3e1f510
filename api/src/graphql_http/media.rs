//! Chooses the media type of an answer.

use axum::http::{HeaderMap, header};

/// The two media types of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: every answer to a well-formed request has the status 200, as older clients expect.
    Json,
    /// `application/graphql-response+json`: the status shows whether there is data.
    Response,
}

impl Media {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Media::Json => "application/json; charset=utf-8",
            Media::Response => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// The type that the client prefers, the first one of equal weight; `application/json` if the client states no
    /// preference, and `None` if it accepts neither type.
    pub(super) fn preferred(headers: &HeaderMap) -> Option<Media> {
        let mut best: Option<(Media, f32)> = None;
        let mut has_accept = false;
        for value in headers.get_all(header::ACCEPT) {
            has_accept = true;
            let ranges = value.to_str().unwrap_or_default().split(',');
            for (media, weight) in ranges.filter_map(parse_range) {
                if weight > best.map_or(0.0, |(_, best)| best) {
                    best = Some((media, weight));
                }
            }
        }
        match best {
            Some((media, _)) => Some(media),
            None if has_accept => None,
            None => Some(Media::Json),
        }
    }
}

/// Parses one media range of an `Accept` header with its weight; `None` if it covers neither of the two types.
fn parse_range(text: &str) -> Option<(Media, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let media = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/graphql-response+json" => Media::Response,
        "application/json" | "application/*" | "*/*" => Media::Json,
        _ => return None,
    };
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((media, weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(accept: &'static str) -> Option<Media> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        Media::preferred(&headers)
    }

    #[test]
    fn the_clients_preference_decides() {
        for (accept, media) in [
            ("application/json", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::Response)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::Response)),
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            (
                "application/json;q=0.5, application/graphql-response+json;q=0.8",
                Some(Media::Response),
            ),
            ("application/graphql-response+json; charset=utf-8", Some(Media::Response)),
            ("*/*", Some(Media::Json)),
            ("text/html, */*;q=0.1", Some(Media::Json)),
            ("text/html", None),
            ("application/json;q=0", None),
        ] {
            assert_eq!(accepted(accept), media, "{accept}");
        }
        assert_eq!(Media::preferred(&HeaderMap::new()), Some(Media::Json));
    }
}
